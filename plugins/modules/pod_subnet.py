#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The part of the pod network that one node of a cluster has, given by the control plane host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pod_subnet
version_added: 0.1.0
short_description: Give a node its part of the pod network
description:
  - Run on the control plane host, gives a node a /24 of the pod network, which it keeps until it is removed.
  - A file has the name, the address and the subnet of each node. Two that are given one at once get different
    ones. A subnet that a node in the API has as C(spec.podCIDR) is given to no other node.
  - A new node gets the subnet that its pods are in already, if that is free, and else the first that is.
  - The node's address is updated with every run.
author: The mink8s authors (@mink8s)
extends_documentation_fragment: [mink8s.kubernetes.ledger]
attributes:
  check_mode:
    description:
      - Returns the subnet without writing it down.
      - Two new nodes are told the same subnet, as neither knows of the other yet.
    support: full
  diff_mode:
    description: Shows the file before and after.
    support: full
options:
  path:
    description: The file on the control plane host.
    type: path
    default: /etc/kubernetes/pod-subnets.json
  node:
    description: Name of the node.
    type: str
    required: true
  state:
    description: Whether the node is to have a subnet, or to be forgotten.
    type: str
    choices: [present, absent]
    default: present
  network:
    description: IPv4 network of all pods of the cluster. Needed unless O(state=absent).
    type: str
  address:
    description: The node's IPv4 address. Needed unless O(state=absent).
    type: str
  current:
    description: Subnet that the node's pods are in already; empty for none.
    type: str
    default: ""
  own_node:
    description:
      - Name of the control plane host's own node, whose pods may be in a subnet that is not in the file yet.
      - Empty if it has none.
    type: str
    default: ""
  known:
    description:
      - Nodes of a backup that the cluster is restored from. Each keeps what it had, unless the file has it.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Its name.
        type: str
        required: true
      address:
        description: Its IPv4 address.
        type: str
        required: true
      subnet:
        description: Its part of the pod network.
        type: str
        required: true
  kubeconfig:
    description:
      - Kubeconfig file on the control plane host for the API that is asked which subnets are taken.
      - One that is not there, or whose API does not answer, is no error.
    type: path
    default: /etc/kubernetes/admin.conf
"""

EXAMPLES = r"""
- name: Give the node its part of the pod network
  mink8s.kubernetes.pod_subnet:
    network: 10.244.0.0/16
    node: beta
    address: 192.0.2.8
  delegate_to: alpha

- name: Give the part of a node that is gone to others
  mink8s.kubernetes.pod_subnet:
    node: beta
    state: absent
  delegate_to: alpha
"""

RETURN = r"""
subnet:
  description: The node's subnet; empty with O(state=absent).
  type: str
  returned: success
  sample: 10.244.1.0/24
control_plane_address:
  description: Address of the control plane host's own node; empty if it is not in the file.
  type: str
  returned: success
nodes:
  description: All nodes in the file, this one among them, sorted by name.
  type: list
  elements: dict
  returned: success
  sample:
    - name: alpha
      address: 192.0.2.7
      subnet: 10.244.0.0/24
    - name: beta
      address: 192.0.2.8
      subnet: 10.244.1.0/24
reasons:
  description: Why something changed, one sentence for each change.
  type: list
  elements: str
  returned: success
  sample: ["node beta has no subnet for its pods"]
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import (
    own_cluster,
    pod_network,
    pod_subnets,
    procfs,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import files, ledger_file
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import carry_out

TEXT = {"type": "str", "required": True}
ARGUMENTS: dict[str, Any] = {
    "path": {"type": "path", "default": "/etc/kubernetes/pod-subnets.json"},
    "node": {"type": "str", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "network": {"type": "str"},
    "address": {"type": "str"},
    "current": {"type": "str", "default": ""},
    "own_node": {"type": "str", "default": ""},
    "known": {
        "type": "list",
        "elements": "dict",
        "options": dict.fromkeys(("name", "address", "subnet"), TEXT),
        "default": [],
    },
    "kubeconfig": {"type": "path", "default": "/etc/kubernetes/admin.conf"},
    **ledger_file.ARGUMENTS,
}


def observe(params: dict[str, Any], own: str) -> pod_subnets.Wanted:
    """What is asked for, and which subnets are taken beyond the file. own: that of this host's pods."""
    reported: dict[str, tuple[str, ...]] = {}
    if params["node"] not in pod_subnets.read(params["path"]):
        # Most runs find the node in the file, and this import takes longer than all else of the module.
        from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import pod_cidrs

        reported = pod_cidrs.observe(params["kubeconfig"])
    return pod_subnets.Wanted(
        params["network"],
        params["node"],
        params["address"],
        params["current"],
        reported,
        (params["own_node"], own if params["own_node"] else ""),
    )


def run(module: AnsibleModule) -> None:
    """Give the subnet, or forget the node, and end the module."""
    params = module.params
    path, node = params["path"], params["node"]
    present = params["state"] == "present"
    own = pod_network.subnet(procfs.text(own_cluster.UNIT)) or ""
    wanted = observe(params, own) if present else None
    if present and not module.check_mode:
        ledger_file.note(params["ledger"], files=[path])
        files.make_directory(Path(path).parent, 0o755)
    with pod_subnets.alone(path):
        before = pod_subnets.read(path)
        if wanted:
            after = pod_subnets.allocate(
                wanted, pod_subnets.with_known(before, params["known"], params["network"])
            )
        else:
            after = {name: each for name, each in before.items() if name != node}
        nodes = [{"name": name, **asdict(each)} for name, each in sorted(after.items())]
        carry_out(
            module,
            pod_subnets.plan(path, node, before, after),
            lambda: files.write(path, pod_subnets.render(after), pod_subnets.MODE),
            subnet=after[node].subnet if wanted else "",
            control_plane_address=next((each.address for each in after.values() if each.subnet == own), ""),
            nodes=nodes,
        )


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        ARGUMENTS,
        required_if=[("state", "present", ["network", "address"])],
        supports_check_mode=True,
    )
    try:
        run(module)
    except (pod_subnets.PodSubnetError, ledger_file.LedgerError) as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}. The node was given no subnet.")


if __name__ == "__main__":
    main()
