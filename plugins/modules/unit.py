#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A systemd unit whose process has the configuration that is on disk."""

from __future__ import annotations

DOCUMENTATION = r"""
module: unit
short_description: Run a systemd unit with the configuration that is on disk
version_added: 0.1.0
description:
  - Enables and starts a systemd unit, and restarts it if its process is older than any file it reads.
  - A run that was interrupted between writing a file and restarting the service is made good by the next.
author: The mink8s authors (@mink8s)
extends_documentation_fragment: mink8s.kubernetes.ledger
attributes:
  check_mode:
    description: Reports whether the unit would be enabled, started or restarted.
    support: full
  diff_mode:
    description: Shows the unit's state before and after.
    support: full
options:
  name:
    description: The unit, with its suffix, such as V(kubelet.service).
    type: str
    required: true
  inputs:
    description:
      - Files that the process reads when it starts, its binary among them.
      - A file that is not there is passed over.
    type: list
    elements: path
    default: []
  inputs_changed:
    description: V(true) if an input changed in this run. Needed in check mode, where no file was written.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Run the kubelet
  mink8s.kubernetes.unit:
    name: kubelet.service
    inputs:
      - /usr/local/bin/kubelet
      - /etc/kubernetes/kubelet.yaml
"""

RETURN = r"""
reasons:
  description: Why something changed, one sentence for each change.
  type: list
  elements: str
  returned: always
  sample: ["kubelet.service started before /etc/kubernetes/kubelet.yaml was written"]
"""

from dataclasses import dataclass
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils import _ledger, _systemd
from ansible_collections.mink8s.kubernetes.plugins.module_utils._plan import Plan, carry_out


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


def apply(module: AnsibleModule, name: str) -> None:
    """Enable and (re)start; fails with the journal's last lines if the unit does not run after it."""
    for command in (["daemon-reload"], ["enable", name], ["restart", name]):
        rc, _out, err = module.run_command(["systemctl", *command])
        if rc != 0 or (command[0] == "restart" and not _systemd.observe(module, name).active):
            module.fail_json(
                msg=f"systemctl {' '.join(command)} failed: {err.strip()}\n"
                f"The last lines of its journal:\n{_systemd.last_lines(module, name)}"
            )


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "name": {"type": "str", "required": True},
            "inputs": {"type": "list", "elements": "path", "default": []},
            "inputs_changed": {"type": "bool", "default": False},
            **_ledger.ARGUMENTS,
        },
        supports_check_mode=True,
    )
    name = module.params["name"]
    desired = Desired(name, written_at(module.params["inputs"]), module.params["inputs_changed"])
    observed = _systemd.observe(module, name)

    def run() -> None:
        _ledger.note(module.params["ledger"], units=[] if observed.enabled else [name])
        apply(module, name)

    try:
        carry_out(module, plan(desired, observed), run)
    except (_ledger.LedgerError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
