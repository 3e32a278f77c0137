#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The routes that a host has to the pods of a node that is gone."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pod_routes
version_added: 0.1.0
short_description: Remove the route to the pods of a node that is gone
description:
  - Takes a node out of C(pod-network.service) on another host of its cluster, and has the unit remove the
    route to it.
  - The unit is then what the playbook site writes without that node. Pods that run stay connected.
  - A host whose unit does not know the node is left as it is.
author: The mink8s authors (@mink8s)
extends_documentation_fragment: [mink8s.kubernetes.ledger]
attributes:
  check_mode:
    description: Reports what would change.
    support: full
  diff_mode:
    description: Shows the unit before and after.
    support: full
options:
  node:
    description: Name of the node that is gone.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Remove the route to the pods of a node that is gone
  mink8s.kubernetes.pod_routes:
    node: beta
"""

RETURN = r"""
reasons:
  description: Why something changed.
  type: list
  elements: str
  returned: always
  sample: ["pod-network.service has a route to 10.244.1.0/24, the pods of beta"]
"""

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import (
    pod_network,
    pod_network_unit,
    procfs,
    service,
    systemd,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import files, ledger_file
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan, carry_out

UNIT_FILE = Path("/etc/systemd/system", pod_network.UNIT)


def plan(text: str, node: str) -> Plan:
    """Why the unit of that text has to change."""
    subnet = pod_network_unit.nodes(text).get(node)
    if not subnet:
        return Plan()
    reason = f"{pod_network.UNIT} has a route to {subnet}, the pods of {node}"
    return Plan((reason,), text, pod_network_unit.without(text, node))


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        {"node": {"type": "str", "required": True}, **ledger_file.ARGUMENTS}, supports_check_mode=True
    )
    wanted = plan(procfs.text(str(UNIT_FILE)), module.params["node"])

    def apply() -> None:
        observed = systemd.observe(module, pod_network.UNIT)
        files.write(UNIT_FILE, wanted.after.encode(), UNIT_FILE.stat().st_mode & 0o7777)
        if observed.active:
            desired = service.Desired(pod_network.UNIT, {}, inputs_changed=True)
            service.apply(module, desired, observed)

    try:
        carry_out(module, wanted, apply)
    except (ledger_file.LedgerError, OSError) as error:
        module.fail_json(msg=f"{UNIT_FILE} cannot be changed: {error}")


if __name__ == "__main__":
    main()
