# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The subnets that the API has of nodes, where it answers."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import kubernetes_client
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import library

# Whoever waits longer for it has no cluster that could know of more.
SECONDS = 3


def observe(kubeconfig: str) -> dict[str, tuple[str, ...]]:
    """The subnets of each node by its name, as registered has it."""
    return by_node(registered(kubeconfig))


def registered(kubeconfig: str) -> list[Any]:
    """All Node objects; none where there is no client, or no answer.

    May start the module again with the system's Python, so nothing is to be changed before.
    """
    if not Path(kubeconfig).exists():
        return []
    if not kubernetes_client.HAS_KUBERNETES:
        library.respawn("kubernetes")
        return []
    failures: tuple[type[Exception], ...] = (
        *kubernetes_client.api_exceptions(),
        kubernetes_client.KubeconfigError,
    )
    try:
        api = kubernetes_client.load(kubeconfig)
        return list(kubernetes_client.core(api).list_node(_request_timeout=SECONDS).items)
    except failures:
        return []


def by_node(nodes: Iterable[Any]) -> dict[str, tuple[str, ...]]:
    """The subnets of each that has any."""
    found = {
        node.metadata.name: (node.spec.pod_cidr, *(getattr(node.spec, "pod_cid_rs", None) or []))
        for node in nodes
    }
    return {name: tuple(filter(None, dict.fromkeys(all_of))) for name, all_of in found.items() if any(all_of)}
