# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A systemd unit whose process has the configuration that is on disk."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import systemd
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import ledger_file, log_lines
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


@dataclass(frozen=True)
class Desired:
    """inputs: when each file was last put in place, in seconds since the epoch."""

    name: str
    inputs: dict[str, float]
    inputs_changed: bool


class UnitError(Exception):
    """The unit does not start."""


def plan(desired: Desired, observed: systemd.Unit) -> Plan:
    """Why the unit has to be touched. That it is not enabled is no reason to restart it."""
    disabled = () if observed.enabled else (f"{desired.name} is not enabled",)
    reasons = (*disabled, *restart_reasons(desired, observed))
    wanted = "enabled, running with the configuration on disk\n"
    return Plan(reasons, "".join(f"{reason}\n" for reason in reasons) or wanted, wanted)


def restart_reasons(desired: Desired, observed: systemd.Unit) -> tuple[str, ...]:
    """Why the unit has to be started, or restarted if it runs."""
    newer = [path for path, written in desired.inputs.items() if written > observed.started_at]
    if not observed.active:
        return (f"{desired.name} is not running",)
    if newer:
        return (f"{desired.name} started before {', '.join(newer)} was written",)
    if desired.inputs_changed:
        return (f"{desired.name} runs with what has just changed",)
    return (f"{desired.name} runs with an older unit file",) if observed.needs_reload else ()


def written_at(paths: list[str]) -> dict[str, float]:
    """When each file that is there was put in place: unlike mtime, ctime cannot be set back."""
    return {path: Path(path).stat().st_ctime for path in paths if Path(path).exists()}


def apply(module: AnsibleModule, desired: Desired, observed: systemd.Unit) -> None:
    """Enable and (re)start the unit where that is needed, and fail with the reason if it does not start."""
    try:
        bring(module, desired, observed)
    except UnitError as error:
        module.fail_json(msg=f"{str(error).rstrip('.')}. See `journalctl -u {desired.name}`.")


def bring(module: AnsibleModule, desired: Desired, observed: systemd.Unit) -> None:
    """The same. Raises UnitError, LedgerError and OSError. That it was enabled is noted in the ledger."""
    name = desired.name
    _systemctl(module, "daemon-reload")
    if not observed.enabled:
        ledger_file.note(module.params["ledger"], units=[name])
        _systemctl(module, "enable", name)
    if restart_reasons(desired, observed):
        restart(module, name)


def restart(module: AnsibleModule, name: str) -> None:
    """Start the unit, again if it runs, however often it has failed before. Raises UnitError."""
    module.run_command(["systemctl", "reset-failed", name])
    began = time.time()
    rc, _out, err = module.run_command(["systemctl", "restart", name])
    if rc != 0 or not systemd.observe(module, name).active:
        # Of a unit that failed, systemctl says only where else to look.
        said = "" if err.startswith("Job for") else log_lines.most_relevant(err)
        said = said or systemd.last_error(module, name, began)
        raise UnitError(f"{name} does not start: {said or 'its journal does not say why'}")


@contextmanager
def stopped(module: AnsibleModule, name: str) -> Iterator[None]:
    """Have the unit stopped meanwhile if it runs, and started again whatever happens. Raises UnitError."""
    if not systemd.observe(module, name).active:
        yield
        return
    _systemctl(module, "stop", name)
    try:
        yield
    finally:
        _systemctl(module, "start", name)


def _systemctl(module: AnsibleModule, *arguments: str) -> None:
    rc, out, err = module.run_command(["systemctl", *arguments])
    if rc != 0:
        said = log_lines.most_relevant(err) or log_lines.most_relevant(out) or f"it ended with code {rc}"
        raise UnitError(f"`systemctl {' '.join(arguments)}` failed: {said}")
