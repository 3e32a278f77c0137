#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The pod network of a cluster whose pods are on the container runtime's own network by now."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pod_network_removal
short_description: Take out the pod network that the collection made with CNI plugins
version_added: 0.1.0
description:
  - Stops and removes the unit that makes the bridge, and removes the bridge, the routes to pods on other
    nodes, the CNI configuration, what the plugins have noted, and its chains and theirs in C(iptables) and
    C(ip6tables) with the rules that lead to them.
  - Pods that are still in this network lose it.
  - The packages of the plugins stay until reset.
author: The mink8s authors (@mink8s)
extends_documentation_fragment: [mink8s.kubernetes.ledger]
attributes:
  check_mode:
    description: Names what would be removed.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
"""

EXAMPLES = r"""
- name: Remove a pod network that is not used any more
  mink8s.kubernetes.pod_network_removal:
"""

RETURN = r"""
reasons:
  description: What was there.
  type: list
  elements: str
  returned: always
  sample: ["pod-network.service runs", "the bridge cni0 is the pod network's"]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import filter_chains, pod_network
from ansible_collections.mink8s.kubernetes.plugins.module_utils.reset import host, steps
from ansible_collections.mink8s.kubernetes.plugins.module_utils.reset.steps import Step
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import selection
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import ledger_file
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan, carry_out

UNIT_FILE = host.UNIT_DIRECTORY / pod_network.UNIT


def plan(module: AnsibleModule) -> list[Step]:
    """What there is of it, and how each goes. That it is there is seen by its files, which go last."""
    found = host.unit(module, pod_network.UNIT, ours=True)
    found += host.chains(module, filter_chains.POD_NETWORK)
    found += host.routes(module)
    found += host.bridge()
    if pod_network.ADDRESSES.exists():
        reason = f"{pod_network.ADDRESSES} has addresses of the pod network's"
        found.append(Step(reason, path=str(pod_network.ADDRESSES), action="tree"))
    for path in (UNIT_FILE, pod_network.CONFIGURATION):
        if path.exists():
            found.append(Step(f"{path} is the pod network's", path=str(path), action="remove"))
    return [*found, Step("", ("systemctl", "daemon-reload"))]


def main() -> None:
    """Run the module."""
    module = AnsibleModule({**ledger_file.ARGUMENTS}, supports_check_mode=True)
    wanted = plan(module)

    def apply() -> None:
        failures = steps.carry_out(module, selection.of_host(), wanted)
        if failures:
            module.fail_json(msg="\n".join(failures))
        files = [UNIT_FILE, pod_network.CONFIGURATION]
        ledger_file.forget(module.params["ledger"], files=files, units=[pod_network.UNIT])

    try:
        carry_out(module, Plan(tuple(step.reason for step in wanted if step.reason)), apply)
    except (ledger_file.LedgerError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
