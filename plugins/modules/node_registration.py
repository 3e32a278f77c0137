#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wait until the running kubelet has registered its node, and let pods in."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_registration
short_description: Verify a node's registration and let pods in
version_added: 0.1.0
description:
  - Waits until kube-apiserver is healthy and has the expected version, the node is registered, has the
    expected kubelet version and is Ready, and the static pods asked for are visible in the API as their
    manifests want them.
  - Ready counts only if the running kubelet said so itself. Without a node controller nobody takes back
    what an earlier kubelet reported.
  - As soon as kube-apiserver is healthy, makes the ServiceAccount C(default) in each of
    O(service_account_namespaces). Without controllers nobody else does, and kube-apiserver admits no pod
    without it. It has no token for pods, for which a controller would be needed, too.
  - As soon as the node is Ready, takes away the taints that keep pods from it and that a controller would
    take away, such as C(node.kubernetes.io/not-ready), where O(service_accounts=managed).
  - Warns of a node that is Ready and evicts pods, for want of space, memory or process IDs.
  - Does not wait on for a component that says that it cannot read its command line or configuration.
  - Once all is healthy, forgets what M(mink8s.kubernetes.files) and M(mink8s.kubernetes.certificates) have
    kept of the configuration before.
  - When time is up, the error has the last condition seen and, of each component that is not healthy, the
    line of its log that tells most.
author: The mink8s authors (@mink8s)
attributes:
  check_mode:
    description: >-
      Looks once, reports what is missing in RV(missing) and does not fail. Where the API does not answer,
      each ServiceAccount would be made.
    support: full
  diff_mode:
    description: Shows the namespaces, ServiceAccounts and taints before and after.
    support: full
extends_documentation_fragment:
  - mink8s.kubernetes.api
  - mink8s.kubernetes.ledger
options:
  name:
    description: The node's name, as the kubelet registers it.
    type: str
    required: true
  version:
    description: >-
      The version kube-apiserver and the node's kubelet have to report, such as V(v1.18.20). Any if not given.
    type: str
  unit:
    description: The systemd unit that runs the kubelet.
    type: str
    default: kubelet.service
  manifests:
    description: >-
      Static pods' manifests on the host that have to be visible in the API, Ready, as they are on disk.
    type: list
    elements: path
    default: []
  service_account_namespaces:
    description:
      - Namespaces, made where they do not exist, in which the ServiceAccount C(default) gets
        C(automountServiceAccountToken=false).
      - Nothing else is changed of a ServiceAccount that exists, but for the label
        C(app.kubernetes.io/managed-by), which says who has set it.
    type: list
    elements: str
    default: []
  service_accounts:
    description:
      - V(managed) to create those ServiceAccounts, where no controller does.
      - V(unmanaged) to leave them to a controller, with C(automountServiceAccountToken) taken back where this
        module has set it.
    type: str
    choices: [managed, unmanaged]
    default: managed
  cluster_roles:
    description: ClusterRoles to make or remove, each bound to the user with its name.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the role, of its binding, and of the user.
        type: str
        required: true
      rules:
        description: The rules, as in a manifest.
        type: list
        elements: dict
        default: []
      state:
        description: Whether there is to be one.
        type: str
        choices: [present, absent]
        default: present
"""

EXAMPLES = r"""
- name: Wait for the node and let pods into two namespaces
  mink8s.kubernetes.node_registration:
    name: host-1
    version: v1.18.20
    manifests:
      - /etc/kubernetes/manifests/etcd.yaml
      - /etc/kubernetes/manifests/kube-apiserver.yaml
    service_account_namespaces:
      - default
      - team-a
  register: node
"""

RETURN = r"""
node:
  description: The node as the API has it; empty if it is not registered.
  type: dict
  returned: always
  contains:
    name:
      description: The node's name.
      type: str
    ready:
      description: Whether its Ready condition is V(True).
      type: bool
    version:
      description: The kubelet's version.
      type: str
    container_runtime:
      description: The container runtime and its version.
      type: str
    addresses:
      description: Addresses by type, such as C(InternalIP).
      type: dict
apiserver_version:
  description: What kube-apiserver says of its version. Empty if it is not healthy.
  type: str
  returned: always
  sample: v1.18.20
reasons:
  description: Why something changed, one sentence for each change.
  type: list
  elements: str
  returned: always
  sample: ["serviceaccount default/default does not exist"]
missing:
  description: What was still missing at the last look.
  type: list
  elements: str
  returned: always
  sample: ["node host-1 is not Ready: KubeletNotReady: PLEG is not healthy"]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import (
    cluster_role,
    kubernetes_client,
    nodes,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import previous_configuration
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import ledger_file
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan, carry_out
from ansible_collections.mink8s.kubernetes.plugins.module_utils.startup import watch


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **kubernetes_client.ARGUMENTS,
            **ledger_file.ARGUMENTS,
            "name": {"type": "str", "required": True},
            "version": {"type": "str"},
            "unit": {"type": "str", "default": "kubelet.service"},
            "manifests": {"type": "list", "elements": "path", "default": []},
            "service_account_namespaces": {"type": "list", "elements": "str", "default": []},
            "service_accounts": {"type": "str", "choices": ["managed", "unmanaged"], "default": "managed"},
            "cluster_roles": cluster_role.ARGUMENT,
        },
        supports_check_mode=True,
    )
    try:
        kept = previous_configuration.read(module.params["ledger"])
    except ledger_file.LedgerError as error:
        module.fail_json(msg=str(error))
    api = kubernetes_client.connect(module)
    seen = watch.wait(module, api, module.params["manifests"], kept)
    objects = seen.watch.objects or (watch.unmade(module.params) if module.check_mode else Plan())
    if seen.missing and not module.check_mode:
        module.fail_json(
            msg=seen.message, changed=bool(objects.reasons), reasons=list(objects.reasons), **seen.results
        )
    if not module.check_mode:
        previous_configuration.drop(module.params["ledger"])
    for warning in nodes.warnings(seen.watch.seen.node):
        module.warn(warning)
    # They were made while the node was waited for.
    carry_out(module, objects, lambda: None, **seen.results)


if __name__ == "__main__":
    main()
