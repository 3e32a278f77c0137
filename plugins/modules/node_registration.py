#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wait until the running kubelet has registered its node."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_registration
short_description: Wait for and verify a node's registration
version_added: 0.1.0
description:
  - Waits until kube-apiserver is healthy and has the expected version, the node is registered, has the
    expected kubelet version and is Ready, and the static pods asked for are visible in the API as their
    manifests want them.
  - Ready counts only if the running kubelet said so itself. Without a node controller nobody takes back
    what an earlier kubelet reported.
  - When time is up, the error has the last condition seen and the last lines of the kubelet's journal and
    of the static pods' containers.
  - Never changes anything. In check mode it looks once and does not wait.
author: The mink8s authors (@mink8s)
attributes:
  check_mode:
    description: Looks once, reports what is missing in RV(missing) and does not fail.
    support: full
  diff_mode:
    description: Nothing is changed, so there is nothing to show.
    support: none
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
"""

EXAMPLES = r"""
- name: Wait for the node
  mink8s.kubernetes.node_registration:
    name: host-1
    version: v1.18.20
    manifests:
      - /etc/kubernetes/manifests/etcd.yaml
      - /etc/kubernetes/manifests/kube-apiserver.yaml
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
missing:
  description: What was still missing at the last look.
  type: list
  elements: str
  returned: always
  sample: ["node host-1 is not Ready: KubeletNotReady: PLEG is not healthy"]
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils import _kubernetes, _systemd, _version, _wait

try:
    import yaml
except ImportError:
    HAS_YAML = False
else:
    HAS_YAML = True


@dataclass(frozen=True)
class StaticPod:
    """What a manifest and its mirror pod have in common: image and command of each container."""

    name: str
    namespace: str
    annotations: dict[str, str]
    containers: list[tuple[str, list[str]]]
    ready: bool = False


@dataclass
class Observed:
    """One look at the API and at the kubelet's unit."""

    kubelet_started_at: float = 0.0
    api_problem: str = ""
    apiserver_version: str = ""
    node: Any = None
    mirror_pods: dict[str, StaticPod] = field(default_factory=dict)


def static_pod(manifest: dict[str, Any], ready: bool = False) -> StaticPod:
    """The part of a pod, from a manifest or from the API, that shows which manifest it runs."""
    meta, spec = manifest["metadata"], manifest["spec"]
    return StaticPod(
        name=meta["name"],
        namespace=meta.get("namespace", "default"),
        annotations=meta.get("annotations") or {},
        containers=[
            (item["image"], [*(item.get("command") or []), *(item.get("args") or [])])
            for item in spec["containers"]
        ],
        ready=ready,
    )


def missing(name: str, version: str | None, wanted: list[StaticPod], seen: Observed) -> list[str]:
    """What the node still lacks, the first thing to wait for first; empty if nothing."""
    if not seen.kubelet_started_at:
        return ["the kubelet does not run"]
    if seen.api_problem:
        return [seen.api_problem]
    lacks = []
    if version and not _version.is_release(seen.apiserver_version, version):
        lacks.append(f"kube-apiserver says it is {seen.apiserver_version}, wanted {version}")
    if seen.node is None:
        return [*lacks, f"node {name} is not registered"]
    reported = seen.node.status.node_info.kubelet_version
    if version and not _version.is_release(reported, version):
        lacks.append(f"node {name} reports kubelet {reported}, wanted {version}")
    ready = next((c for c in seen.node.status.conditions or [] if c.type == "Ready"), None)
    if ready is None:
        lacks.append(f"node {name} has no Ready condition yet")
    elif ready.status != "True":
        lacks.append(f"node {name} is not Ready: {ready.reason}: {ready.message}")
    elif ready.last_heartbeat_time.timestamp() < int(seen.kubelet_started_at):
        lacks.append(f"node {name} has not been reported Ready since the kubelet was started")
    for pod in wanted:
        mirror = seen.mirror_pods.get(f"{pod.namespace}/{pod.name}-{name}")
        where = f"static pod {pod.namespace}/{pod.name}-{name}"
        if mirror is None:
            lacks.append(f"{where} is not visible in the API")
        elif mirror.containers != pod.containers or pod.annotations.items() - mirror.annotations.items():
            lacks.append(f"{where} does not run its present manifest yet")
        elif not mirror.ready:
            lacks.append(f"{where} is not Ready")
    return lacks


def observe(module: AnsibleModule, api: Any, wanted: list[StaticPod]) -> Observed:
    """Look once at the unit, the API, the node and the mirror pods."""
    seen = Observed(kubelet_started_at=_systemd.observe(module, module.params["unit"]).started_at)
    if api is None:
        seen.api_problem = f"{module.params['kubeconfig']} does not exist: there is no cluster yet"
        return seen
    core = _kubernetes.core(api)
    try:
        problem = _kubernetes.unhealthy(api)
        if problem:
            seen.api_problem = problem[0]
            return seen
        seen.apiserver_version = _kubernetes.version(api)
        seen.node = _kubernetes.get(core.read_node, module.params["name"])
        for namespace in {pod.namespace for pod in wanted}:
            for pod in core.list_namespaced_pod(
                namespace, _request_timeout=_kubernetes.REQUEST_TIMEOUT
            ).items:
                conditions = pod.status.conditions or []
                ready = any(c.type == "Ready" and c.status == "True" for c in conditions)
                mirror = static_pod(api.sanitize_for_serialization(pod), ready)
                seen.mirror_pods[f"{namespace}/{mirror.name}"] = mirror
    except _kubernetes.api_exceptions() as error:
        seen.api_problem = f"kube-apiserver at {api.configuration.host} answered {_kubernetes.explain(error)}"
    return seen


def last_lines(module: AnsibleModule, wanted: list[StaticPod]) -> str:
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


def summary(node: Any) -> dict[str, Any]:
    """The node as the module returns it."""
    if node is None:
        return {}
    status = node.status
    return {
        "name": node.metadata.name,
        "ready": any(c.type == "Ready" and c.status == "True" for c in status.conditions or []),
        "version": status.node_info.kubelet_version,
        "container_runtime": status.node_info.container_runtime_version,
        "addresses": {address.type: address.address for address in status.addresses or []},
    }


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **_kubernetes.ARGUMENTS,
            "name": {"type": "str", "required": True},
            "version": {"type": "str"},
            "unit": {"type": "str", "default": "kubelet.service"},
            "manifests": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True,
    )
    name, version = module.params["name"], module.params["version"]
    api = _kubernetes.connect(module)
    manifests = [Path(path) for path in module.params["manifests"]]
    # The client needs PyYAML, so only a host without a cluster, in check mode, can lack it here.
    wanted = [static_pod(yaml.safe_load(path.read_text())) for path in manifests if api and path.exists()]
    seen = Observed()

    def look() -> list[str]:
        nonlocal seen
        seen = observe(module, api, wanted)
        return missing(name, version, wanted, seen)

    timeout = 0 if module.check_mode else module.params["timeout"]
    lacks = list(_wait.until_none(look, timeout))
    results = {"node": summary(seen.node), "apiserver_version": seen.apiserver_version}
    if lacks and not module.check_mode:
        reason = "\n".join(f"- {line}" for line in lacks)
        module.fail_json(
            msg=f"After {timeout} s:\n{reason}\n{last_lines(module, wanted)}",
            missing=lacks,
            **results,
        )
    module.exit_json(changed=False, missing=lacks, **results)


if __name__ == "__main__":
    main()
