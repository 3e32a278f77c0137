# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A systemd unit whose process has the configuration that is on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.mink8s.kubernetes.plugins.module_utils import _ledger, _systemd
from ansible_collections.mink8s.kubernetes.plugins.module_utils._plan import Plan

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


@dataclass(frozen=True)
class Desired:
    """inputs: when each file was last put in place, in seconds since the epoch."""

    name: str
    inputs: dict[str, float]
    inputs_changed: bool


def plan(desired: Desired, observed: _systemd.Unit) -> Plan:
    """Why the unit has to be touched."""
    reasons = []
    newer = [path for path, written in desired.inputs.items() if written > observed.started_at]
    if not observed.enabled:
        reasons.append(f"{desired.name} is not enabled")
    if not observed.active:
        reasons.append(f"{desired.name} is not running")
    elif newer:
        reasons.append(f"{desired.name} started before {', '.join(newer)} was written")
    elif desired.inputs_changed:
        reasons.append(f"{desired.name} runs with what has just changed")
    elif observed.needs_reload:
        reasons.append(f"{desired.name} runs with an older unit file")
    wanted = "enabled, running with the configuration on disk\n"
    return Plan(tuple(reasons), "".join(f"{reason}\n" for reason in reasons) or wanted, wanted)


def written_at(paths: list[str]) -> dict[str, float]:
    """When each file that is there was put in place: unlike mtime, ctime cannot be set back."""
    return {path: Path(path).stat().st_ctime for path in paths if Path(path).exists()}


def apply(module: AnsibleModule, name: str, observed: _systemd.Unit) -> None:
    """Enable, noted in the ledger if it was not, and (re)start. Raises LedgerError and OSError.

    Fails with the telling line of the journal if the unit does not run after it.
    """
    _ledger.note(module.params["ledger"], units=[] if observed.enabled else [name])
    for command in (["daemon-reload"], ["enable", name], ["restart", name]):
        rc, _out, err = module.run_command(["systemctl", *command])
        if rc != 0 or (command[0] == "restart" and not _systemd.observe(module, name).active):
            module.fail_json(msg=f"`systemctl {' '.join(command)}` failed. {_systemd.why(module, name, err)}")
