"""kube-proxy on a host whose rules are iptables-legacy's; in all other tests they are iptables-nft's."""

from __future__ import annotations

import subprocess
from typing import Any

import objects
import pytest
from bare_node import DIRECT, ROOT, Node, changed

COMPONENTS = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]
PORT = 30080


@pytest.fixture(scope="module")
def legacy(node: Node, given: dict[str, Any]) -> Node:
    """A node with legacy rules, kube-proxy, and a web server behind a Service."""
    for program in ("iptables", "ip6tables"):
        node.run("update-alternatives", "--set", program, f"/usr/sbin/{program}-legacy")
    for playbook in ("site.yml", "../tests/sandbox/images.yml"):
        changed(node.playbook(playbook, cluster_components=[*COMPONENTS, "kube-proxy"]))
    container = {"name": "web", "image": given["verify_images"]["web"], "imagePullPolicy": "Never"}
    pod = {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}}
    service = {"type": "NodePort", "selector": {"app": "web"}, "ports": [{"port": 80, "nodePort": PORT}]}
    objects.apply(
        node,
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web"},
            "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": pod},
        },
        {"kind": "Service", "metadata": {"name": "web"}, "spec": service},
    )
    objects.runs(node, "web")
    return node


def chains(node: Node, mode: str, *prefixes: str) -> set[str]:
    """Chains among the rules of a mode, those of kube-proxy for Services if no prefixes are given."""
    saved = node.run(f"iptables-{mode}-save", "-t", "nat").splitlines()
    names = prefixes or (":KUBE-SVC-", ":KUBE-SERVICES", ":KUBE-SEP-")
    return {line.split()[0] for line in saved if line.startswith(names)}


def answers(url: str) -> bool:
    """Whether the web server answers there."""
    try:
        with DIRECT.open(url, timeout=3) as response:
            return response.status == 200
    except OSError:
        return False


def test_a_service_answers_on_the_host_and_from_elsewhere(legacy: Node) -> None:
    objects.until(legacy, lambda: answers(f"http://{legacy.address}:{PORT}/"), "the NodePort answers")
    cluster_ip = legacy.run("kubectl", "get", "service", "web", "--output", "jsonpath={.spec.clusterIP}")
    script = "import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=5).status)"
    assert legacy.run("python3", "-c", script, f"http://{cluster_ip}/").strip() == "200"


def test_its_rules_are_where_the_hosts_are_and_go_with_it(legacy: Node) -> None:
    assert any(chain.startswith(":KUBE-SVC-") for chain in chains(legacy, "legacy"))
    assert chains(legacy, "nft") == set()
    assert changed(legacy.playbook("site.yml", cluster_components=COMPONENTS))
    assert chains(legacy, "legacy") == set()
    assert changed(legacy.playbook("site.yml", cluster_components=COMPONENTS)) == []


def test_nothing_of_it_is_left_where_the_kubelet_makes_none_of_its_chains(legacy: Node) -> None:
    shared = {":KUBE-MARK-MASQ", ":KUBE-POSTROUTING"}
    assert shared <= chains(legacy, "legacy", ":KUBE-")
    # As from 1.27 on; the kubelet of this node has made them itself.
    task = ["--module-name", "mink8s.kubernetes.kube_proxy_rules", "--args", '{"kubelet_chains": []}']
    command = ["ansible", "--inventory", str(legacy.inventory), "all", *task]
    for changes in ("true", "false"):
        done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
        assert f'"changed": {changes}' in done.stdout
    assert chains(legacy, "legacy", ":KUBE-") == {":KUBE-KUBELET-CANARY", ":KUBE-MARK-DROP"}
