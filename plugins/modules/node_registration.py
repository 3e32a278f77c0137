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
  - When time is up, the error has the last condition seen and the last lines of the kubelet's journal and
    of the static pods' containers.
author: The mink8s authors (@mink8s)
attributes:
  check_mode:
    description: >-
      Looks once, reports what is missing in RV(missing) and does not fail. Where the API does not answer,
      each ServiceAccount would be made.
    support: full
  diff_mode:
    description: Shows the namespaces and ServiceAccounts before and after.
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
      - Nothing else is changed of a ServiceAccount that exists.
    type: list
    elements: str
    default: []
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

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils import (
    _kubernetes,
    _node,
    _service_account,
    _systemd,
    _wait,
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


class Watch:
    """Looks until nothing is missing, and asks only for what was missing before."""

    def __init__(self, module: AnsibleModule, api: Any, wanted: list[_node.StaticPod]) -> None:
        """api: None on a host without a cluster. wanted: the manifests on the host."""
        self._module, self._api, self._wanted = module, api, wanted
        self._namespaces: list[str] = module.params["service_account_namespaces"]
        self._accounts_made = False
        self.accounts: Plan | None = None
        self.seen = _node.Observed()

    def look(self) -> list[str]:
        """What is still missing. Nothing is only if one look has seen it all."""
        first = self.seen == _node.Observed()
        lacks = self._look()
        return lacks if lacks or first else self.look_afresh()

    def look_afresh(self) -> list[str]:
        """What is missing now, whatever was seen before."""
        self.seen = _node.Observed()
        return self._look()

    def _look(self) -> list[str]:
        params, seen = self._module.params, self.seen
        if not seen.kubelet_started_at:
            seen.kubelet_started_at = _systemd.observe(self._module, params["unit"]).started_at
        try:
            seen.api_problem = self._ask()
        except _kubernetes.api_exceptions() as error:
            host = self._api.configuration.host
            seen.api_problem = f"kube-apiserver at {host} answered {_kubernetes.explain(error)}"
        if seen.api_problem:
            seen.apiserver_version = ""
        return _node.missing(params["name"], params["version"], self._wanted, seen)

    def _ask(self) -> str:
        """Ask the API. Returns why it could not be asked; empty if it could."""
        params, seen, api = self._module.params, self.seen, self._api
        name, version = params["name"], params["version"]
        if api is None:
            return f"{params['kubeconfig']} does not exist: there is no cluster yet"
        if not seen.apiserver_version or _node.apiserver_lacks(version, seen):
            problem = _kubernetes.unhealthy(api)
            if problem:
                return problem[0]
            seen.apiserver_version = _kubernetes.version(api)
        core = _kubernetes.core(api)
        if not self._accounts_made:
            self._make_accounts(core)
        if _node.node_lacks(name, version, seen):
            seen.node = _kubernetes.get(core.read_node, name)
        if seen.node is not None and _node.pods_lack(name, self._wanted, seen):
            seen.mirror_pods = dict(self._mirror_pods(core))
        return ""

    def _mirror_pods(self, core: Any) -> Iterator[tuple[str, _node.StaticPod]]:
        for namespace in {pod.namespace for pod in self._wanted}:
            listed = core.list_namespaced_pod(namespace, _request_timeout=_kubernetes.REQUEST_TIMEOUT)
            for pod in listed.items:
                conditions = pod.status.conditions or []
                ready = any(c.type == "Ready" and c.status == "True" for c in conditions)
                mirror = _node.static_pod(self._api.sanitize_for_serialization(pod), ready)
                yield f"{namespace}/{mirror.name}", mirror

    def _make_accounts(self, core: Any) -> None:
        found = _service_account.observe(core, self._namespaces)
        # What a look that broke off has made was missing, too.
        self.accounts = self.accounts or _service_account.plan(found)
        if not self._module.check_mode:
            _service_account.apply(core, found)
        self._accounts_made = True


def last_lines(module: AnsibleModule, wanted: list[_node.StaticPod]) -> str:
    """The ends of the logs a person would look at next."""
    parts = [f"Journal of {module.params['unit']}:\n{_systemd.last_lines(module, module.params['unit'])}"]
    docker = module.get_bin_path("docker")
    for pod in wanted if docker else []:
        listing = ["ps", "--all", "--latest", "--quiet", "--filter", f"name=k8s_{pod.name}_{pod.name}-"]
        _rc, container, _err = module.run_command([docker, *listing])
        if container.strip():
            _rc, out, err = module.run_command([docker, "logs", "--tail", "500", container.strip()])
            parts.append(f"Container {pod.name}:\n{_systemd.telling(out + err)}")
        else:
            parts.append(f"Container {pod.name}: none was ever started")
    return "\n".join(parts)


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
        },
        supports_check_mode=True,
    )
    api = _kubernetes.connect(module)
    manifests = [Path(path) for path in module.params["manifests"]]
    # The client needs PyYAML, so only a host without a cluster, in check mode, can lack it here.
    wanted = [read(path) for path in manifests if api and path.exists()]
    watch = Watch(module, api, wanted)
    timeout = 0 if module.check_mode else module.params["timeout"]
    lacks = list(_wait.until_none(watch.look, timeout, INTERVAL))
    if lacks and not module.check_mode:
        lacks = watch.look_afresh()
    nothing = dict.fromkeys(module.params["service_account_namespaces"], _service_account.Observed())
    accounts = watch.accounts or (_service_account.plan(nothing) if module.check_mode else Plan())
    results = {
        "missing": lacks,
        "node": _node.summary(watch.seen.node),
        "apiserver_version": watch.seen.apiserver_version,
    }
    if lacks and not module.check_mode:
        reason = "\n".join(f"- {line}" for line in lacks)
        module.fail_json(
            msg=f"After {timeout} s:\n{reason}\n{last_lines(module, wanted)}",
            changed=bool(accounts.reasons),
            reasons=list(accounts.reasons),
            **results,
        )
    # They were made while the node was waited for.
    carry_out(module, accounts, lambda: None, **results)


if __name__ == "__main__":
    main()
