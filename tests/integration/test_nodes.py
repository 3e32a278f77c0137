"""A node is waited for in the order in which it comes up, and what is missing is said."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import (
    kubernetes_client,
    node_removal,
    pod_cidrs,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import waiting
from servers import NODE, module

if TYPE_CHECKING:
    from pathlib import Path

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


def test_subnets_of_nodes_are_taken_whoever_knows_of_them(apiserver: Apiserver, tmp_path: Path) -> None:
    kubeconfig = str(apiserver.kubeconfig)
    node = {"metadata": {"name": "omega"}, "spec": {"podCIDR": "10.244.0.0/24"}}
    apiserver.core().create_node(node)
    try:
        assert pod_cidrs.observe(kubeconfig) == {"omega": ("10.244.0.0/24",)}
        options = {"network": "10.244.0.0/16", "kubeconfig": kubeconfig, "current": "10.244.0.0/24"}
        files = {"path": str(tmp_path / "pod-subnets.json"), "ledger": str(tmp_path / "ledger.json")}
        given = {
            name: module("pod_subnet", node=name, address=address, **options, **files).values["subnet"]
            for name, address in (("beta", "192.0.2.8"), ("omega", "192.0.2.9"))
        }
    finally:
        apiserver.core().delete_node("omega")
    assert given == {"beta": "10.244.1.0/24", "omega": "10.244.0.0/24"}


def test_an_api_that_does_not_answer_has_no_subnets(apiserver: Apiserver, tmp_path: Path) -> None:
    broken = tmp_path / "broken.conf"
    broken.write_text("[]")
    gone = tmp_path / "gone.conf"
    gone.write_text(apiserver.kubeconfig.read_text().replace(apiserver.url, "https://127.0.0.1:1"))
    assert (pod_cidrs.observe(str(broken)), pod_cidrs.observe(str(gone))) == ({}, {})


def test_an_administrator_sets_a_pod_cidr_once_and_removes_a_node(apiserver: Apiserver) -> None:
    options = {"name": "omega", "kubeconfig": str(apiserver.kubeconfig)}
    missing = module("node", **options, pod_cidr="10.244.3.0/24")
    assert missing.status == "FAILED"
    assert "node omega is not registered. Run the playbook site" in missing.values["msg"]
    taint = {"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"}
    ready = {"type": "Ready", "status": "True"}
    apiserver.core().create_node({"metadata": {"name": "omega"}, "spec": {"taints": [taint]}})
    apiserver.core().patch_node_status("omega", {"status": {"conditions": [ready]}})
    wanted = {**options, "pod_cidr": "10.244.3.0/24", "taints": "managed"}
    checked = module("node", "--check", **wanted)
    changed = [module("node", **wanted).values["changed"] for _run in range(2)]
    node = apiserver.core().read_node("omega")
    assert (checked.values["changed"], changed) == (True, [True, False])
    assert (node.spec.pod_cidr, node.spec.taints) == ("10.244.3.0/24", None)
    other = module("node", **{**wanted, "pod_cidr": "10.244.4.0/24"})
    assert "node omega has the podCIDR 10.244.3.0/24" in other.values["msg"]
    removed = [module("node", **options, state="absent").values["changed"] for _run in range(2)]
    assert removed == [True, False]
    assert kubernetes_client.get(apiserver.core().read_node, "omega") is None


def test_a_host_waits_for_the_kube_apiserver_of_another(apiserver: Apiserver) -> None:
    pki = apiserver.directory / "pki"
    options = {
        "control_plane": "alpha",
        "ca_file": str(pki / "ca.crt"),
        "certificate_file": str(pki / "admin.crt"),
        "key_file": str(pki / "admin.key"),
        "timeout": 1,
    }
    assert module("apiserver_health", server=apiserver.url, **options).values["problem"] == ""
    nobody = module("apiserver_health", server="https://127.0.0.1:1", **options)
    assert nobody.status == "FAILED"
    assert (
        "After 1 s kube-apiserver on alpha is not healthy for this host: https://127.0.0.1:1/healthz"
        in (nobody.values["msg"])
    )
    stranger = module(
        "apiserver_health", server=apiserver.url, **{**options, "ca_file": str(pki / "etcd-ca.crt")}
    )
    assert "certificate" in stranger.values["msg"]


def test_a_node_that_is_removed_takes_its_pods_and_its_lease(apiserver: Apiserver) -> None:
    core, leases = apiserver.core(), kubernetes_client.coordination(apiserver.api())
    options = {"name": "beta", "state": "absent", "kubeconfig": str(apiserver.kubeconfig)}
    core.create_node({"metadata": {"name": "beta"}})
    core.create_namespaced_service_account("kube-public", {"metadata": {"name": "default"}})
    for name, node in (("gone", "beta"), ("kept", NODE)):
        specification = {
            "nodeName": node,
            "automountServiceAccountToken": False,
            "containers": [{"name": "pause", "image": "pause"}],
        }
        core.create_namespaced_pod("kube-public", {"metadata": {"name": name}, "spec": specification})
    leases.create_namespaced_lease(node_removal.LEASES, {"metadata": {"name": "beta"}, "spec": {}})
    checked, done, again = (module("node", *flags, **options) for flags in (["--check"], [], []))
    assert (
        checked.values["reasons"]
        == done.values["reasons"]
        == [
            "node beta is registered",
            "pod kube-public/gone is on node beta",
            "node beta has a Lease",
        ]
    )
    assert again.values["reasons"] == []
    assert [pod.metadata.name for pod in core.list_namespaced_pod("kube-public").items] == ["kept"]
    core.delete_namespaced_pod("kept", "kube-public", grace_period_seconds=0)
