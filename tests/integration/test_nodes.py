"""A node is waited for in the order in which it comes up, and what is missing is said."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import kubernetes_client
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import waiting
from servers import NODE, module

if TYPE_CHECKING:
    from servers import Apiserver, Etcd

UNIT = "mink8s-not-there.service"


def test_a_kubelet_that_does_not_run_is_the_first_thing_missing(apiserver: Apiserver) -> None:
    options = {"name": NODE, "kubeconfig": str(apiserver.kubeconfig), "unit": UNIT, "timeout": 1}
    done = module("node_registration", **options)
    assert done.status == "FAILED"
    assert done.values["missing"] == ["the kubelet does not run"]
    assert done.values["node"] == {}
    assert f" s:\n- the kubelet does not run\nSee `journalctl -u {UNIT}`." in done.values["msg"]
    checked = module("node_registration", "--check", **options)
    assert checked.status == "SUCCESS"
    assert (checked.values["missing"], checked.values["node"]) == (["the kubelet does not run"], {})


def test_a_node_that_is_not_registered_is_none(apiserver: Apiserver) -> None:
    assert kubernetes_client.unhealthy(apiserver.api()) == []
    assert kubernetes_client.get(apiserver.core().read_node, NODE) is None


def test_an_api_without_its_etcd_is_not_healthy(apiserver: Apiserver, etcd: Etcd) -> None:
    etcd.signal(signal.SIGSTOP)
    try:
        (problem,) = kubernetes_client.unhealthy(apiserver.api())
    finally:
        etcd.signal(signal.SIGCONT)
    assert problem.startswith(f"kube-apiserver at {apiserver.url} is not healthy: HTTP 500")
    assert "[-]etcd failed" in problem
    assert waiting.until_none(apiserver.problem, timeout=30) == []
