# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Pods that are moved off a node: which they are, and why one stays, in kubectl's words."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

# The option has had another name, which today's kubectl does not know any more.
EMPTY_DIR = ("--delete-emptydir-data", "--delete-local-data")
MIRROR = "kubernetes.io/config.mirror"
UNMANAGED = re.compile(r"\(use --force to override\): ([\w.-]+/[\w.-]+(?:, [\w.-]+/[\w.-]+)*)")
KEPT = re.compile(r'error when evicting pods?[/ ]"([^"]+)"(?: -n "([^"]+)")?[^\n]*disruption budget')
EVICTING = re.compile(r'^evicting pod "?([^\s"]+)', re.MULTILINE)
EVICTED = re.compile(r"^pod/(\S+) evicted", re.MULTILINE)
ENDING = re.compile(r'error when waiting for pod "([^"]+)"(?: in namespace "[^"]+")? t')


def empty_dir_option(text: str) -> str:
    """The option that lets pods with an emptyDir go. text: what `kubectl drain --help` prints."""
    return next((option for option in EMPTY_DIR if option in text), EMPTY_DIR[0])


def to_move(pods: Iterable[Mapping[str, Any]]) -> list[str]:
    """Those of a node's pods that go to other nodes, as namespace/name.

    Static pods and those of a DaemonSet belong to the node.
    """
    return sorted(
        f"{meta['namespace']}/{meta['name']}"
        for meta in (pod["metadata"] for pod in pods)
        if MIRROR not in (meta.get("annotations") or {})
        and all(owner["kind"] != "DaemonSet" for owner in meta.get("ownerReferences") or [])
    )


def unmanaged(said: str) -> list[str]:
    """Pods that nobody would make again elsewhere. said: what `kubectl drain` printed."""
    return sorted({name for names in UNMANAGED.findall(said) for name in names.split(", ")})


def kept(said: str) -> list[str]:
    """Pods that a disruption budget has kept to the end, as kubectl names them."""
    gone = EVICTED.findall(said)
    found = {(name, namespace) for name, namespace in KEPT.findall(said) if name not in gone}
    return sorted(f"{namespace}/{name}" if namespace else name for name, namespace in found)


def evicted(said: str) -> list[str]:
    """Pods that have gone or are going, as kubectl names them."""
    stay = {name.rpartition("/")[2] for name in kept(said)}
    return sorted({pod for pod in EVICTING.findall(said) if pod.rpartition("/")[2] not in stay})


def exhausted(budgets: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """The disruption budgets that let no pod go now, with what they count."""
    for budget in budgets:
        status, meta = budget.get("status") or {}, budget["metadata"]
        if not status.get("disruptionsAllowed"):
            healthy, needed = status.get("currentHealthy", 0), status.get("desiredHealthy", 0)
            yield f"{meta['namespace']}/{meta['name']} (healthy pods: {healthy}, needed: {needed})"


def why(said: str, budgets: Sequence[str], timeout: int) -> str:
    """Why not all pods have gone, and what to do. budgets: those that let none go."""
    if names := unmanaged(said):
        return (
            "These pods are of no Deployment or the like, so nobody would start them on another node:"
            f" {', '.join(names)}. Delete them yourself, or leave out upgrade_drain: then they stay and"
            " run on."
        )
    if names := kept(said):
        return (
            f"After {timeout} s a disruption budget still keeps {', '.join(names)}. Budgets that let no pod"
            f" go: {', '.join(budgets) or 'none any more'}. Have more of these pods run, on other nodes, or"
            " change the budget; or leave out upgrade_drain: then the pods stay and run on."
        )
    if names := sorted(set(ENDING.findall(said))):
        return (
            f"After {timeout} s these pods have been told to end, and have not ended: {', '.join(names)}. Set"
            " upgrade_drain_timeout to more seconds."
        )
    return f"kubectl drain said: {' '.join(said.split())}"
