# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the API has of a node, and how all of it is deleted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import kubernetes_client
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan

LEASES = "kube-node-lease"


@dataclass(frozen=True)
class Left:
    """What there is of a node. pods: the namespace and the name of each pod that is bound to it."""

    registered: bool = False
    pods: tuple[tuple[str, str], ...] = ()
    lease: bool = False


def observe(api: Any, name: str) -> Left:
    """Ask the API. Raises what kubernetes_client.api_exceptions names."""
    core, leases = kubernetes_client.core(api), kubernetes_client.coordination(api)
    bound = kubernetes_client.get(
        partial(core.list_pod_for_all_namespaces, field_selector=f"spec.nodeName={name}")
    )
    pods = tuple((pod.metadata.namespace, pod.metadata.name) for pod in bound.items)
    lease = kubernetes_client.get(leases.read_namespaced_lease, name, LEASES)
    return Left(kubernetes_client.get(core.read_node, name) is not None, pods, lease is not None)


def plan(name: str, left: Left) -> Plan:
    """Why something has to go."""
    reasons = [f"node {name} is registered"] if left.registered else []
    reasons += [f"pod {namespace}/{pod} is on node {name}" for namespace, pod in left.pods]
    reasons += [f"node {name} has a Lease"] if left.lease else []
    return Plan(tuple(reasons), "".join(f"{reason}\n" for reason in reasons), "")


def apply(api: Any, name: str, left: Left) -> None:
    """Delete it. What is gone meanwhile, because a controller was faster, is no error."""
    core = kubernetes_client.core(api)
    # First, so that no new pod comes to it.
    if left.registered:
        kubernetes_client.get(core.delete_node, name)
    # Nobody is there to confirm that a pod has stopped.
    for namespace, pod in left.pods:
        kubernetes_client.get(partial(core.delete_namespaced_pod, grace_period_seconds=0), pod, namespace)
    if left.lease:
        kubernetes_client.get(kubernetes_client.coordination(api).delete_namespaced_lease, name, LEASES)
