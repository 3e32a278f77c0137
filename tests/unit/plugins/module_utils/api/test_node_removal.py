"""Why what the API has of a node has to go."""

from __future__ import annotations

from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import node_removal
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan


def test_nothing_is_removed_of_a_node_that_is_gone() -> None:
    assert node_removal.plan("beta", node_removal.Left()) == Plan()


def test_all_that_there_is_of_a_node_is_named() -> None:
    left = node_removal.Left(True, (("kube-system", "kube-proxy-beta"), ("default", "web")), True)
    assert node_removal.plan("beta", left).reasons == (
        "node beta is registered",
        "pod kube-system/kube-proxy-beta is on node beta",
        "pod default/web is on node beta",
        "node beta has a Lease",
    )


def test_pods_and_lease_that_an_interrupted_run_has_left_go() -> None:
    assert node_removal.plan("beta", node_removal.Left(lease=True)).reasons == ("node beta has a Lease",)
