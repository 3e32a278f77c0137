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
    take away, such as C(node.kubernetes.io/not-ready), where O(service_accounts=made).
  - Warns of a node that is Ready and evicts pods, for want of space, memory or process IDs.
  - When time is up, the error has the last condition seen and, of each component that is not well, the line
    of its log that tells most.
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
      - Whether those ServiceAccounts are V(made), where no controller does, or V(left) to one, with
        C(automountServiceAccountToken) taken back where this module has set it.
    type: str
    choices: [made, left]
    default: made
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
      description: The engine and its version.
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

from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils import (
    _cluster_role,
    _component_log,
    _kubernetes,
    _node,
    _wait,
    _watch,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils._plan import Plan, carry_out

try:
    import yaml
except ImportError:
    HAS_YAML = False
else:
    HAS_YAML = True

# Each look asks for little.
INTERVAL = 0.1


def read(path: Path) -> _node.StaticPod:
    """What a manifest on the host says."""
    # The loader in C takes a tenth of the other's time.
    return _node.static_pod(yaml.load(path.read_text(), getattr(yaml, "CSafeLoader", yaml.SafeLoader)))


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **_kubernetes.ARGUMENTS,
            "name": {"type": "str", "required": True},
            "version": {"type": "str"},
            "unit": {"type": "str", "default": "kubelet.service"},
            "manifests": {"type": "list", "elements": "path", "default": []},
            "service_account_namespaces": {"type": "list", "elements": "str", "default": []},
            "service_accounts": {"type": "str", "choices": ["made", "left"], "default": "made"},
            "cluster_roles": _cluster_role.ARGUMENT,
        },
        supports_check_mode=True,
    )
    api = _kubernetes.connect(module)
    manifests = [Path(path) for path in module.params["manifests"]]
    # The client needs PyYAML, so only a host without a cluster, in check mode, can lack it here.
    wanted = [read(path) for path in manifests if api and path.exists()]
    watch = _watch.Watch(module, api, wanted)
    timeout = 0 if module.check_mode else module.params["timeout"]
    lacks = list(_wait.until_none(watch.look, timeout, INTERVAL))
    if lacks and not module.check_mode:
        lacks = watch.look_afresh()
    objects = watch.objects or (_watch.unmade(module.params) if module.check_mode else Plan())
    results = {
        "missing": lacks,
        "node": _node.summary(watch.seen.node),
        "apiserver_version": watch.seen.apiserver_version,
    }
    if lacks and not module.check_mode:
        said = _component_log.tell(module, module.params["unit"], [pod.name for pod in wanted])
        module.fail_json(
            msg="\n".join([f"After {timeout} s:", *(f"- {line}" for line in lacks), *said]),
            changed=bool(objects.reasons),
            reasons=list(objects.reasons),
            **results,
        )
    for warning in _node.warnings(watch.seen.node):
        module.warn(warning)
    # They were made while the node was waited for.
    carry_out(module, objects, lambda: None, **results)


if __name__ == "__main__":
    main()
