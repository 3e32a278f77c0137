# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A node and its static pods: what the API has of them, and what they still lack."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import versions
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan

# For how many seconds the container of a new manifest has to run: one that ends at once is Ready as well.
PROBATION = 3
# What a kubelet says when it begins to evict pods, and takes no new ones.
PRESSURES = {
    "DiskPressure": "evicts pods until there is space again on the file system of /var/lib/kubelet or of the"
    " container runtime. Free some",
    "MemoryPressure": "evicts pods until there is memory again. Free some",
    "PIDPressure": "evicts pods until there are process IDs again. Stop what makes so many processes",
}
# The taints that kube-apiserver puts on a new node, or a controller on one in trouble, and that only a
# controller takes away; each with the condition it stands for.
TAINTS = {
    "node.kubernetes.io/not-ready": "Ready",
    "node.kubernetes.io/unreachable": "Ready",
    "node.kubernetes.io/disk-pressure": "DiskPressure",
    "node.kubernetes.io/memory-pressure": "MemoryPressure",
    "node.kubernetes.io/pid-pressure": "PIDPressure",
    "node.kubernetes.io/network-unavailable": "NetworkUnavailable",
}


@dataclass(frozen=True)
class StaticPod:
    """What a manifest and its mirror pod have in common: image and command of each container."""

    name: str
    namespace: str
    annotations: dict[str, str]
    containers: list[tuple[str, list[str]]]
    ready: bool = False
    # How long its containers have run, in seconds.
    age: float = math.inf


@dataclass
class Observed:
    """What was seen of the API and of the kubelet's unit."""

    kubelet_started_at: float = 0.0
    api_problem: str = ""
    apiserver_version: str = ""
    node: Any = None
    mirror_pods: dict[str, StaticPod] = field(default_factory=dict)
    # Names of static pods whose manifest is one that has not worked yet.
    tried: frozenset[str] = frozenset()


def static_pod(manifest: dict[str, Any], ready: bool = False, age: float = math.inf) -> StaticPod:
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
        age=age,
    )


def missing(name: str, version: str | None, wanted: list[StaticPod], seen: Observed) -> list[str]:
    """What is still missing, the first thing to wait for first; empty if nothing."""
    if not seen.kubelet_started_at:
        return ["the kubelet does not run"]
    if seen.api_problem:
        return [seen.api_problem]
    missing = [*missing_of_apiserver(version, seen), *missing_of_node(name, version, seen)]
    return missing if seen.node is None else [*missing, *missing_of_pods(name, wanted, seen)]


def missing_of_apiserver(version: str | None, seen: Observed) -> list[str]:
    """What is missing of a kube-apiserver of this version."""
    if version and not versions.is_release(seen.apiserver_version, version):
        return [f"kube-apiserver says it is {seen.apiserver_version}, wanted {version}"]
    return []


def missing_of_node(name: str, version: str | None, seen: Observed) -> list[str]:
    """What is missing of a node that the running kubelet, of this version, has reported Ready."""
    if seen.node is None:
        return [f"node {name} is not registered"]
    missing = []
    reported = seen.node.status.node_info.kubelet_version
    if version and not versions.is_release(reported, version):
        missing.append(f"node {name} reports kubelet {reported}, wanted {version}")
    ready = _condition(seen.node, "Ready")
    if ready is None:
        missing.append(f"node {name} has no Ready condition yet")
    elif ready.status != "True":
        missing.append(f"node {name} is not Ready: {ready.reason}: {ready.message}")
    elif ready.last_heartbeat_time.timestamp() < int(seen.kubelet_started_at):
        missing.append(f"node {name} has not been reported Ready since the kubelet was started")
    return missing


def missing_of_pods(name: str, wanted: list[StaticPod], seen: Observed) -> list[str]:
    """What is missing of mirror pods that run what the manifests say."""
    missing = []
    for pod in wanted:
        mirror = seen.mirror_pods.get(f"{pod.namespace}/{pod.name}-{name}")
        where = f"static pod {pod.namespace}/{pod.name}-{name}"
        if mirror is None:
            missing.append(f"{where} is not visible in the API")
        elif mirror.containers != pod.containers or pod.annotations.items() - mirror.annotations.items():
            missing.append(f"{where} does not run its present manifest yet")
        elif not mirror.ready:
            missing.append(f"{where} is not Ready")
        elif pod.name in seen.tried and mirror.age < PROBATION:
            missing.append(f"{where} has only just been started")
    return missing


def summary(node: Any) -> dict[str, Any]:
    """The node as the module returns it."""
    if node is None:
        return {}
    status = node.status
    return {
        "name": node.metadata.name,
        "ready": is_ready(node),
        "pressures": pressures(node),
        "version": status.node_info.kubelet_version,
        "container_runtime": status.node_info.container_runtime_version,
        "addresses": {address.type: address.address for address in status.addresses or []},
    }


def is_ready(node: Any) -> bool:
    """Whether the API has the node as Ready."""
    return _is(node, "Ready")


def pressures(node: Any) -> list[str]:
    """What the node has so little of that it evicts pods: words of PRESSURES."""
    return [condition for condition in PRESSURES if _is(node, condition)]


def warnings(node: Any) -> list[str]:
    """What a person should know of a node that is Ready."""
    return [
        f"node {node.metadata.name} is Ready and has {condition}: it {PRESSURES[condition]}."
        for condition in (pressures(node) if node is not None else [])
    ]


def outlived(node: Any) -> list[Any]:
    """The taints whose reason has passed, on a node where no controller takes them away."""

    def has_passed(key: str) -> bool:
        condition = TAINTS.get(key)
        return condition is not None and _is(node, condition) == (condition == "Ready")

    return [taint for taint in node.spec.taints or [] if has_passed(taint.key)]


def plan_taints(node: Any) -> Plan:
    """Why taints have to go."""
    name, gone = node.metadata.name, outlived(node)
    reasons = [f"node {name} has the taint {taint.key}, which no controller takes away" for taint in gone]
    before = [f"node {name}: taint {taint.key}:{taint.effect}\n" for taint in gone]
    return Plan(tuple(reasons), "".join(before), "")


def without_outlived(node: Any) -> dict[str, Any]:
    """The change that takes those taints away, unless somebody else has changed the node meanwhile."""
    gone = outlived(node)
    left = [taint for taint in node.spec.taints if taint not in gone]
    return {"metadata": {"resourceVersion": node.metadata.resource_version}, "spec": {"taints": left or None}}


def plan_pod_cidr(name: str, seen: str, wanted: str) -> Plan:
    """Why a node's podCIDR has to be set. Raises ValueError if it has another one, which can't change."""
    if wanted in ("", seen):
        return Plan()
    if seen:
        raise ValueError(
            f"node {name} has the podCIDR {seen} in the API, which can't be changed, and its pods are to"
            f" be in {wanted}. Run kubectl delete node {name} and the playbook site again, which registers it"
            " anew."
        )
    return Plan((f"node {name} has no podCIDR",), "", f"node {name}: podCIDR {wanted}\n")


def changed_by_administrator(node: Any, pod_cidr: str, taints: bool) -> dict[str, Any]:
    """The change that sets the podCIDR, where one is given, and takes outlived taints away, if it is to."""
    change = without_outlived(node) if taints and outlived(node) else {"spec": {}}
    if pod_cidr:
        change["spec"].update({"podCIDR": pod_cidr, "podCIDRs": [pod_cidr]})
    return change


def _condition(node: Any, name: str) -> Any:
    """The node's condition of that name, or None."""
    return next((each for each in node.status.conditions or [] if each.type == name), None)


def _is(node: Any, name: str) -> bool:
    condition = _condition(node, name)
    return condition is not None and condition.status == "True"
