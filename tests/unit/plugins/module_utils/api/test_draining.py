"""Whoever drains a node is told which pods stay on it, and what to do."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import draining

# What kubectl 1.20 and 1.18 print, and one of today.
BUDGET = "Cannot evict pod as it would violate the pod's disruption budget."
KEPT = f"""node/beta already cordoned
evicting pod default/web-0
evicting pod default/web-1
pod/web-0 evicted
error when evicting pods/"web-1" -n "default" (will retry after 5s): {BUDGET}
error: unable to drain node "beta", aborting command...
"""
OLD_KEPT = f"""error when evicting pod "web-1" (will retry after 5s): {BUDGET}
error when evicting pod "web-0" (will retry after 5s): {BUDGET}
pod/web-0 evicted
"""
UNMANAGED = (
    'error: unable to drain node "beta", aborting command...\n\n'
    "There are pending nodes to be drained:\n beta\n"
    "error: cannot delete Pods not managed by ReplicationController, ReplicaSet, Job, DaemonSet or"
    " StatefulSet (use --force to override): default/reader, team/one\n"
)
NEW_UNMANAGED = (
    'error: unable to drain node "beta" due to error: cannot delete Pods that declare no controller'
    " (use --force to override): default/reader, continuing command...\n"
)


def pod(name: str, owner: str = "", annotations: dict[str, str] | None = None) -> dict[str, Any]:
    owners = [{"kind": owner, "name": "any"}] if owner else None
    return {
        "metadata": {
            "namespace": "default",
            "name": name,
            "ownerReferences": owners,
            "annotations": annotations,
        }
    }


def test_pods_of_the_node_itself_stay() -> None:
    pods = [
        pod("web", "ReplicaSet"),
        pod("reader"),
        pod("agent", "DaemonSet"),
        pod("kube-proxy-beta", "Node", {draining.MIRROR: "0123"}),
    ]
    assert draining.to_move(pods) == ["default/reader", "default/web"]


@pytest.mark.parametrize(
    ("text", "option"),
    [
        ("--delete-local-data=false: Continue even if", "--delete-local-data"),
        ("--delete-emptydir-data=false: .. --delete-local-data=false: deprecated", "--delete-emptydir-data"),
        ("", "--delete-emptydir-data"),
    ],
)
def test_the_option_is_the_one_that_kubectl_knows(text: str, option: str) -> None:
    assert draining.empty_dir_option(text) == option


def test_pods_that_a_budget_keeps_are_named_with_it() -> None:
    budget = {
        "metadata": {"namespace": "default", "name": "web"},
        "status": {"disruptionsAllowed": 0, "currentHealthy": 2, "desiredHealthy": 2},
    }
    generous = {
        "metadata": {"namespace": "default", "name": "other"},
        "status": {"disruptionsAllowed": 1},
    }
    exhausted = list(draining.exhausted([budget, generous]))
    assert exhausted == ["default/web (healthy pods: 2, needed: 2)"]
    assert draining.evicted(KEPT) == ["default/web-0"]
    assert draining.kept(OLD_KEPT) == ["web-1"]
    text = draining.why(KEPT, exhausted, 300)
    assert text.startswith(
        "After 300 s a disruption budget still keeps default/web-1. Budgets that let no pod go: default/web"
        " (healthy pods: 2, needed: 2). Have more of these pods run"
    )


def test_pods_that_nobody_makes_again_are_named() -> None:
    assert draining.unmanaged(UNMANAGED) == ["default/reader", "team/one"]
    assert draining.unmanaged(NEW_UNMANAGED) == ["default/reader"]
    assert "Delete them yourself, or leave out upgrade_drain" in draining.why(UNMANAGED, [], 300)


def test_pods_that_end_slowly_are_named() -> None:
    now = 'error when waiting for pod "web-1" terminating: global timeout reached: 12s'
    today = (
        'error when waiting for pod "web-1" in namespace "default" to terminate: global timeout reached: 12s'
    )
    for said in (now, today):
        assert draining.why(f"evicting pod default/web-1\n{said}", [], 12) == (
            "After 12 s these pods have been told to end, and have not ended: web-1. Set"
            " upgrade_drain_timeout to more seconds."
        )


def test_anything_else_is_told_in_kubectls_words() -> None:
    assert draining.why('error: nodes "beta"\n not found', [], 300) == (
        'kubectl drain said: error: nodes "beta" not found'
    )
