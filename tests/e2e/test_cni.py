"""Docker with pods that CNI plugins connect, where dockerd has forbidden all other forwarding."""

from __future__ import annotations

import json
import re
import subprocess
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import objects
import pytest
import snapshot
from bare_node import DIRECT, Node, changed, load, said, shell

COMPONENTS = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"]
BRIDGE: dict[str, Any] = {"cluster_container_runtime": "docker", "cluster_components": COMPONENTS}
CNI = {**BRIDGE, "cluster_pod_network": "10.200.0.0/16"}
OTHER = {**BRIDGE, "cluster_pod_network": "10.201.0.0/28"}
PAGE = "mink8s"
# And a pod that listens on a port of the host.
PUBLISHED = """
kubectl run published --image=mink8s-web:1 --port=80 --hostport=8081
kubectl wait --for=condition=Ready --timeout=60s pod/published
"""


def serves(node: Node, pods: str) -> None:
    """Every web server, in this network, reaches both of them by their Service, itself among them."""

    def addresses() -> list[str]:
        form = r"{range .items[*]}{.metadata.deletionTimestamp} {.status.podIP}{'\n'}{end}"
        lines = shell(node, f'kubectl get pods --selector app=web --output jsonpath="{form}"').splitlines()
        return [line.strip() for line in lines]

    def is_known() -> bool:
        found, rules = addresses(), node.run("iptables-save", "-t", "nat")
        # What the API says at first of pods that are created anew is what was so before.
        known = [each for each in found if each and IPv4Address(each) in IPv4Network(pods)]
        return len(found) == len(known) == 2 and all(
            f"--to-destination {each}:80\n" in rules for each in known
        )

    shell(node, "kubectl rollout status deployment web --timeout=120s")
    objects.until(node, is_known, "kube-proxy has rules for both web servers", seconds=120)
    service = shell(node, "kubectl get service web --output jsonpath='{.spec.clusterIP}'")
    for pod in shell(node, "kubectl get pods --selector app=web --output name").split():
        for _again in range(8):
            assert PAGE in shell(node, f"timeout 10 kubectl exec {pod} -- wget -q -O - http://{service}/")


@pytest.fixture(scope="module")
def bare(node: Node) -> snapshot.Snapshot:
    """The bare host, which does not forward packets, so that dockerd is who switches it on."""
    node.run("sh", "-c", "chmod 710 /var/lib/docker; chmod 700 /var/lib/containerd")
    node.run("sysctl", "--write", "net.ipv4.ip_forward=0")
    return snapshot.take(node)


def test_a_cluster_comes_up_and_a_second_run_changes_nothing(node: Node, bare: snapshot.Snapshot) -> None:
    assert changed(node.playbook("site.yml", "--check", **CNI))
    assert snapshot.difference(bare, snapshot.take(node)) == []
    assert changed(node.playbook("site.yml", **CNI))
    assert "-P FORWARD DROP" in node.run("iptables", "--list-rules", "FORWARD")
    assert changed(node.playbook("site.yml", **CNI)) == []
    assert changed(node.playbook("site.yml", "--check", **CNI)) == []


def test_the_proofs_are_the_same_as_on_dockers_bridge(node: Node) -> None:
    run = node.playbook("verify.yml", **CNI)
    assert run.returncode == 0, said(run)
    assert re.search(r"answered at 10\.200\.0\.\d+, to the host and to a second pod", said(run))
    # verify.yml has started the kubelet anew, which first says that it is not ready.
    objects.until(
        node,
        lambda: "not healthy" not in said(node.playbook("status.yml", **CNI)),
        "status finds nothing wrong",
    )


def test_pods_are_reached_from_each_other_themselves_the_host_and_outside(node: Node) -> None:
    load(node, "docker")
    shell(node, objects.WEB + PUBLISHED)
    serves(node, "10.200.0.0/24")
    with DIRECT.open(f"http://{node.address}:8081/", timeout=10) as answer:
        assert PAGE in answer.read().decode()
    gateway = shell(node, "ip route show default | cut -d ' ' -f 3").strip()
    shell(node, f"kubectl exec published -- ping -c 1 -W 5 {gateway}")


def test_it_comes_back_after_a_restart_of_the_host(node: Node) -> None:
    subprocess.run(["docker", "restart", node.name], check=True, capture_output=True)
    # What the API says at first is what was so before.
    form = "jsonpath={.items[*].status.containerStatuses[0].restartCount}"
    ask = ("env", "KUBECONFIG=/etc/kubernetes/admin.conf", "kubectl", "get", "pods", "--output", form)
    restarts = ["1", "1", "1"]
    objects.until(node, lambda: node.run(*ask, check=False).split() == restarts, "pods run anew", seconds=120)
    serves(node, "10.200.0.0/24")
    assert "10.200.0.1/24" in node.run("ip", "-brief", "address", "show", "cni0")


def test_pods_get_addresses_of_another_pod_network(node: Node) -> None:
    shell(node, "kubectl create configmap kept --from-literal=a=1")
    run = node.playbook("site.yml", **OTHER)
    assert changed(run)
    assert "pod_network_change: The pods of this node are in 10.200.0.0/24, and are going to be in" in said(
        run
    )
    serves(node, "10.201.0.0/28")
    assert changed(node.playbook("site.yml", **OTHER)) == []
    assert shell(node, "kubectl get configmap kept --output jsonpath='{.data.a}'") == "1"


def test_pods_go_back_to_dockers_bridge_and_nothing_of_the_network_is_left(node: Node) -> None:
    would = changed(node.playbook("site.yml", "--check", **BRIDGE))
    run = node.playbook("site.yml", **BRIDGE)
    assert changed(run) == would
    assert "pod_network_change: The pods of this node are in 10.201.0.0/28" in said(run)
    (own,) = json.loads(node.run("docker", "network", "inspect", "bridge"))[0]["IPAM"]["Config"]
    serves(node, own["Subnet"])
    assert changed(node.playbook("site.yml", **BRIDGE)) == []
    assert "cni0" not in node.run("ip", "-brief", "link", "show")
    assert re.findall("CNI-|MINK8S-", node.run("iptables-save")) == []
    left = "find /etc/cni /var/lib/cni/networks /etc/systemd/system/pod-network.service -type f || true"
    assert node.run("sh", "-c", left) == ""


def test_reset_leaves_nothing(node: Node, bare: snapshot.Snapshot) -> None:
    run = node.playbook("site.yml", **CNI)
    assert changed(run)
    assert "are on the network that Docker has by itself, and are going to be in 10.200.0.0/16" in said(run)
    serves(node, "10.200.0.0/24")
    run = node.playbook("reset.yml", reset_confirm=True)
    assert run.returncode == 0, said(run)
    assert "cni0" not in node.run("ip", "-brief", "link", "show")
    assert re.findall("CNI-|MINK8S-", node.run("iptables-save")) == []
    assert node.run("sh", "-c", "ls -d /usr/lib/cni /var/lib/cni || true") == ""
    run = node.playbook("reset.yml", reset_confirm=True, reset_container_runtime=True)
    assert run.returncode == 0, said(run)
    documented = ("iptables ", "file /etc/hosts ", "link docker0 ")
    left = snapshot.difference(bare, snapshot.take(node))
    assert [line for line in left if not line.startswith(documented)] == []
    assert changed(node.playbook("reset.yml", reset_confirm=True, reset_container_runtime=True)) == []
