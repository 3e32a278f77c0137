#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What only an administrator may change of a Node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node
version_added: 0.1.0
short_description: Set what only an administrator may set of a node, or remove it
description:
  - Sets C(spec.podCIDR) of a node that is registered, which can be set once, and takes away the taints that
    keep pods from a node that is Ready, where no controller does.
  - Or deletes the Node object with the pods that were on it and its Lease, which stay where no controller
    removes them. A kubelet that still runs does not register its node again before it is restarted.
  - Runs on a host with an administrator's kubeconfig, such as that of the control plane. A kubelet may not
    do any of this for its own node.
author: The mink8s authors (@mink8s)
attributes:
  check_mode:
    description: Reports what would change. Where there is no cluster yet, all of it would.
    support: full
  diff_mode:
    description: Shows C(spec.podCIDR) and the taints before and after.
    support: full
extends_documentation_fragment: [mink8s.kubernetes.api]
options:
  name:
    description: The node's name.
    type: str
    required: true
  state:
    description: Whether there is to be a Node object.
    type: str
    choices: [present, absent]
    default: present
  pod_cidr:
    description: The network of the node's pods; left as it is if empty.
    type: str
    default: ""
  taints:
    description: V(managed) to take away taints where no controller does, V(unmanaged) to leave them to one.
    type: str
    choices: [managed, unmanaged]
    default: unmanaged
"""

EXAMPLES = r"""
- name: Set the pod subnet of a node
  mink8s.kubernetes.node:
    name: beta
    pod_cidr: 10.244.1.0/24
  delegate_to: alpha

- name: Remove a node whose host is gone
  mink8s.kubernetes.node:
    name: beta
    state: absent
  delegate_to: alpha
"""

RETURN = r"""
reasons:
  description: Why something changed, one sentence for each change.
  type: list
  elements: str
  returned: success
  sample: [node beta has no podCIDR]
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import (
    kubernetes_client,
    node_removal,
    nodes,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan, carry_out, together


def plan_presence(params: dict[str, Any], node: Any) -> Plan:
    """Why a node has to change. node: None where it is not registered yet."""
    if node is None:
        return nodes.plan_pod_cidr(params["name"], "", params["pod_cidr"])
    pod_cidr = nodes.plan_pod_cidr(params["name"], node.spec.pod_cidr or "", params["pod_cidr"])
    return together(pod_cidr, nodes.plan_taints(node) if params["taints"] == "managed" else Plan())


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **kubernetes_client.ARGUMENTS,
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            "pod_cidr": {"type": "str", "default": ""},
            "taints": {"type": "str", "choices": ["managed", "unmanaged"], "default": "unmanaged"},
        },
        supports_check_mode=True,
    )
    params, api = module.params, kubernetes_client.connect(module)
    name = params["name"]
    try:
        read = kubernetes_client.core(api).read_node if api else None
        node: Any = kubernetes_client.get(read, name) if read else None
        if params["state"] == "absent":
            left = node_removal.observe(api, name) if api else node_removal.Left()
            carry_out(module, node_removal.plan(name, left), lambda: node_removal.apply(api, name, left))
        if node is None and not module.check_mode:
            module.fail_json(msg=f"node {name} is not registered. Run the playbook site for its host.")
        plan, managed = plan_presence(params, node), params["taints"] == "managed"

        def apply() -> None:
            kubernetes_client.core(api).patch_node(
                name, nodes.changed_by_administrator(node, params["pod_cidr"], managed)
            )

        carry_out(module, plan, apply)
    except ValueError as error:
        module.fail_json(msg=str(error))
    except kubernetes_client.api_exceptions() as error:
        host = api.configuration.host
        module.fail_json(msg=f"kube-apiserver at {host} answered {kubernetes_client.explain(error)}")


if __name__ == "__main__":
    main()
