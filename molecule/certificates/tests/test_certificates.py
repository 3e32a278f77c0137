"""Who gets in where: nobody without the right certificate, and each certificate to its own job alone."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import lesson
import neighbour
import objects
import pytest
from bare_node import Node, runtime

CONFIG = "/etc/kubernetes"
COMPONENTS = ("kube-controller-manager", "kube-scheduler", "kube-proxy")
# kube-apiserver, which decides about everything, has the whole directory.
KEYS = {
    "etcd": {"etcd.key"},
    "kube-controller-manager": {"kube-controller-manager.key", "sa.key"},
    "kube-scheduler": {"kube-scheduler.key"},
    "kube-proxy": {"kube-proxy.key"},
}
# What nobody needs for the job of one component: verbs and resources, in the namespace default or everywhere.
FOREIGN = (
    "create clusterrolebindings",
    "create pods --subresource=exec",
    "impersonate users",
    "delete nodes",
)
JOBS = {
    "kube-controller-manager": (
        ("create serviceaccounts --subresource=token", "list deployments.apps"),
        ("create pods", "create deployments.apps", "delete namespaces", "patch nodes"),
    ),
    "kube-scheduler": (
        ("create pods --subresource=binding", "list nodes", "list pods"),
        ("create deployments.apps", "get secrets", "list secrets", "create pods", "patch nodes"),
    ),
    "kube-proxy": (
        ("list services", "list endpointslices.discovery.k8s.io", "get nodes"),
        ("create pods", "get secrets", "list configmaps", "patch nodes", "update services"),
    ),
    "kubelet": (
        ("create nodes", "list services"),
        ("list secrets", "list configmaps", "create deployments.apps", "create serviceaccounts"),
    ),
}


@pytest.fixture(scope="module")
def address(node: Node) -> str:
    """The node's address."""
    return node.address


@pytest.fixture(scope="module")
def ports(node: Node) -> dict[int, set[str]]:
    """Every port on which the node listens, with the addresses."""
    return neighbour.ports(node)


@pytest.fixture(scope="module")
def elsewhere(node: Node, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Another host, with certificates."""
    try:
        neighbour.start(node, tmp_path_factory.mktemp("clients"), "admin", "apiserver-kubelet-client")
        yield
    finally:
        neighbour.stop()


@pytest.fixture(scope="module")
def pods(node: Node, busybox: str) -> None:
    """A pod with a Secret on this node, and one with another on a node that is not here."""
    for name, host in (("mine", node.name), ("theirs", "mink8s-another")):
        volume = {"name": "secret", "secret": {"secretName": name}}
        mount = {"name": "secret", "mountPath": "/secret"}
        container: dict[str, Any] = {"name": "main", "image": busybox, "imagePullPolicy": "Never"}
        container |= {"command": ["sleep", "86400"], "volumeMounts": [mount]}
        spec = {"nodeName": host, "containers": [container], "volumes": [volume]}
        objects.apply(
            node,
            {"kind": "Secret", "metadata": {"name": name}, "stringData": {"word": name}},
            {"kind": "Pod", "metadata": {"name": name}, "spec": {**spec, "terminationGracePeriodSeconds": 1}},
        )
    objects.apply(node, {"kind": "Secret", "metadata": {"name": "unused"}, "stringData": {"word": "unused"}})
    objects.until(node, lambda: "mine" in objects.pods(node), "a pod runs")


def kubectl(node: Node, name: str, *command: str) -> subprocess.CompletedProcess[str]:
    """Do something with the certificate of a component, whatever comes of it."""
    program = ["docker", "exec", node.name, "kubectl", f"--kubeconfig={CONFIG}/{name}.conf"]
    return subprocess.run([*program, *command], capture_output=True, text=True, check=False)


def dropped(node: Node) -> int:
    """How many packets from elsewhere for its loopback the node has thrown away."""
    listed = node.run("iptables", "--verbose", "--list-rules", "KUBE-FIREWALL")
    (rule,) = [line for line in listed.splitlines() if "block incoming localnet" in line]
    return int(rule.split(" -c ")[1].split()[0])


def test_only_the_api_and_the_kubelet_listen_beyond_loopback(ports: dict[int, set[str]]) -> None:
    open_ports = {port for port, hosts in ports.items() if not all(host.startswith("127.") for host in hosts)}
    assert open_ports == {6443, 10250}
    assert {2379, 2380, 10248, 10249, 10256, 10257, 10259} <= ports.keys()


def test_no_datagram_is_waited_for(node: Node) -> None:
    assert node.run("ss", "--listening", "--udp", "--numeric", "--no-header") == ""


def test_another_host_gets_nowhere_without_the_right_certificate(
    elsewhere: None, address: str, ports: dict[int, set[str]]
) -> None:
    got = neighbour.knocks(address, list(ports))
    # That it can get in shows that what refuses is the port.
    assert neighbour.lets_in(got) == {"6443", "10250"}
    assert got == neighbour.refuses(ports)


def test_on_the_host_itself_etcd_lets_in_who_has_its_certificate_alone(node: Node) -> None:
    knock = ("sh", "-ec", f'cd {neighbour.PKI}; exec python3 -c "$0" 127.0.0.1 2379 2380')
    got = json.loads(node.run(*knock, neighbour.KNOCK.read_text()))
    for answers in got.values():
        assert {
            "nobody",
            "admin",
            "apiserver",
            "kubelet",
            "kubelet-client",
            "kube-scheduler",
        } <= answers.keys()
        let_in = {name for name, said in answers.items() if re.search(r"\b[1-5]\d\d\b", said)}
        assert let_in == {"apiserver-etcd-client", "etcd", "etcd-ca"}


def test_nobody_gets_more_than_health_and_the_version(node: Node, elsewhere: None, address: str) -> None:
    paths = json.loads(node.run("kubectl", "get", "--raw", "/"))["paths"]
    got = neighbour.nobody_gets(address, paths)
    public = ("/healthz", "/livez", "/readyz", "/version")
    assert got == {path: "200" if path in public else "403" for path in paths}


def test_a_pod_gets_nowhere_without_a_certificate(
    node: Node, pods: None, address: str, ports: dict[int, set[str]]
) -> None:
    (process,) = (each.process for each in runtime().running(node, "main") if each.pod == "mine")
    script = neighbour.KNOCK.read_text()
    for host in (address, runtime().host_address(node)):
        command = ["nsenter", f"--net=/proc/{process}/ns/net", "python3", "-c", script, host]
        got = json.loads(node.run(*command, *map(str, ports)))
        refused = neighbour.refuses(ports)
        assert got == {port: {"nobody": answers["nobody"]} for port, answers in refused.items()}


def test_another_host_does_not_reach_the_loopback_that_kube_proxy_makes_a_route_to(
    node: Node, elsewhere: None, address: str, ports: dict[int, set[str]]
) -> None:
    local = [port for port, hosts in ports.items() if all(host.startswith("127.") for host in hosts)]
    before = dropped(node)
    neighbour.lead_astray(address)
    got = neighbour.knocks("127.0.0.1", local)
    assert {answer for answers in got.values() for answer in answers.values()} == {"TimeoutError"}
    # They did come as far as that.
    assert dropped(node) >= before + len(local)


@pytest.mark.parametrize("name", JOBS)
def test_a_certificate_does_its_own_job_and_no_other(node: Node, name: str) -> None:
    may, may_not = JOBS[name]
    wanted = dict.fromkeys(may, "yes") | dict.fromkeys((*may_not, *FOREIGN), "no")
    got = {what: kubectl(node, name, "auth", "can-i", *what.split()).stdout.split()[0] for what in wanted}
    assert got == wanted


def test_kube_proxy_makes_no_pod_and_the_scheduler_no_deployment(node: Node, busybox: str) -> None:
    for name, what in (("kube-proxy", "run pod"), ("kube-scheduler", "create deployment more")):
        done = kubectl(node, name, *what.split(), f"--image={busybox}")
        assert " is forbidden: User" in done.stderr


def test_a_node_reads_the_secrets_of_its_pods_alone(node: Node, pods: None) -> None:
    assert kubectl(node, "kubelet", "get", "secret", "mine").returncode == 0
    for name in ("theirs", "unused"):
        done = kubectl(node, "kubelet", "get", "secret", name)
        assert "no relationship found between node" in done.stderr


def test_a_node_changes_no_other_node(node: Node) -> None:
    objects.apply(node, {"kind": "Node", "metadata": {"name": "mink8s-another"}})
    for name in (node.name, "mink8s-another"):
        done = kubectl(node, "kubelet", "annotate", "node", name, "lesson=taught", "--overwrite")
        assert (done.returncode == 0) == (name == node.name)
        assert bool(lesson.ANOTHER_NODE.search(done.stderr)) == (name != node.name)
    node.run("kubectl", "delete", "node", "mink8s-another")


def test_keys_and_what_names_them_are_for_root_alone(node: Node) -> None:
    named = ("(", "-name", "*.key", "-o", "-name", "*.conf", ")")
    found = node.run("find", CONFIG, *named, "-printf", "%f %m %U %G\n").split("\n")[:-1]
    assert len(found) >= len(COMPONENTS) * 2 + 4
    assert [line for line in found if not line.endswith(" 600 0 0")] == []


@pytest.mark.parametrize("name", KEYS)
def test_a_component_sees_no_other_ones_key(node: Node, name: str) -> None:
    (process,) = (each.process for each in runtime().running(node, name))
    # As the container has it, whatever its manifest says.
    seen = node.run("find", f"/proc/{process}/root{CONFIG}", "-name", "*.key", "-printf", "%f\n", check=False)
    assert set(seen.split()) == KEYS[name]
