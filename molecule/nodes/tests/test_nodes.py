"""One cluster of several nodes: pods see each other wherever they are, and nodes come and go."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address, IPv4Network
from itertools import permutations
from pathlib import Path

import bare
import bare_node
import browser
import lesson
import neighbour
import objects
import pytest
import several
import snapshot
from bare_node import DIRECT, Node, changed, said, sandbox
from several import ALPHA, DELTA, NODES, WORKERS, Web

CONFIG = "/etc/kubernetes"
REPLICAS = 6
# Prints what a pod's web server answers through a port-forward.
FORWARD = """
import subprocess, sys, urllib.request
command = ["kubectl", "port-forward", f"pod/{sys.argv[1]}", "18080:80"]
with subprocess.Popen(command, stdout=subprocess.PIPE) as forward:
    forward.stdout.readline()
    print(urllib.request.urlopen("http://127.0.0.1:18080/", timeout=20).read().decode())
    forward.terminate()
"""
# What reset leaves until a restart, as docs/reset.md says; Docker outside writes the address of a node.
DOCUMENTED = ("iptables ", "file /etc/hosts ", "link docker0 ", "mount /run/docker/")


class Who(BaseHTTPRequestHandler):
    """Says who asks, as the web servers in the pods do."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(f"outside {self.client_address[0]}\n".encode())


@pytest.fixture(scope="module")
def node() -> Node:
    """The node with the control plane."""
    return ALPHA


@pytest.fixture(scope="module")
def were_bare() -> dict[str, snapshot.Snapshot]:
    """What there was on each node before there was a cluster."""
    return bare.recorded(several.DIRECTORY / "bare.json")


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Another host, with an administrator's certificate and kube-apiserver's own for kubelets."""
    try:
        neighbour.start(ALPHA, tmp_path_factory.mktemp("clients"), "admin", "apiserver-kubelet-client")
        yield
    finally:
        neighbour.stop()


@pytest.fixture(scope="module")
def outside() -> Iterator[str]:
    """A web server on this machine, by its address and port."""
    with ThreadingHTTPServer(("", 0), Who) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        gateway = ALPHA.run("ip", "route", "show", "default").split()[2]
        yield f"{gateway}:{server.server_port}"
        server.shutdown()


@pytest.fixture(scope="module")
def pods(node: Node, busybox: str) -> list[Web]:
    """Web servers behind a Service, all of them Ready."""
    objects.apply(node, *lesson.web(busybox, REPLICAS))
    return come(node, REPLICAS)


@pytest.fixture(scope="module")
def delta(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One more host, bare; the inventory that puts it among the workers."""
    inventory = tmp_path_factory.mktemp("delta") / "hosts.yml"
    inventory.write_text(several.WITH_DELTA)
    try:
        sandbox("node-rm", DELTA.name)
        sandbox("node", DELTA.name)
        bare.record(inventory.with_name("bare.json"), [DELTA.name])
        yield inventory
    finally:
        sandbox("node-rm", DELTA.name)


def come(node: Node, number: int) -> list[Web]:
    """Wait until so many web servers are Ready and behind the Service."""

    def ready() -> bool:
        found = {pod.name for pod in several.web()}
        return len(found) == number and lesson.endpoints(node, "web") == found

    objects.until(node, ready, f"{number} web servers are Ready, and behind the Service")
    return several.web()


def reach_each_other(pods: list[Web]) -> None:
    """Every pod reaches every pod by its address, and is seen with its own."""
    for pod in pods:
        heard = several.ask(pod, *(other.address for other in pods))
        assert heard == [(other.name, pod.address) for other in pods], pod


def have_routes(*nodes: Node) -> None:
    """Each node has a route to every other's pods, by its address, and no more."""
    subnets = several.subnets()
    assert subnets.keys() == {node.name for node in nodes}
    for node in nodes:
        others = {subnets[other.name]: other.address for other in nodes if other is not node}
        assert several.routes(node) == others, node.name


def is_bare(node: Node, before: snapshot.Snapshot) -> None:
    """Nothing that a cluster brings is left on a node."""
    left = snapshot.difference(before, snapshot.take(node))
    assert [line for line in left if not line.startswith(DOCUMENTED)] == [], node.name


def test_every_node_is_ready_with_a_subnet_of_its_own() -> None:
    items = several.get("nodes")["items"]
    conditions = {
        item["metadata"]["name"]: {each["type"]: each["status"] for each in item["status"]["conditions"]}
        for item in items
    }
    assert {name: each["Ready"] for name, each in conditions.items()} == {node.name: "True" for node in NODES}
    subnets = {IPv4Network(subnet) for subnet in several.subnets().values()}
    assert len(subnets) == len(NODES)
    assert {each.prefixlen for each in subnets} == {24}
    assert all(each.subnet_of(several.POD_NETWORK) for each in subnets)
    have_routes(*NODES)


def test_both_container_runtimes_are_in_one_cluster() -> None:
    first = bare_node.runtime().name
    assert [several.runtime(node).name for node in NODES] == [first, first, "containerd"]


def test_who_has_no_certificate_gets_nowhere_on_any_node(elsewhere: None) -> None:
    for node in NODES:
        ports = neighbour.ports(node)
        got = neighbour.knocks(node.address, list(ports))
        assert neighbour.lets_in(got) == ({"6443", "10250"} if node is ALPHA else {"10250"}), node.name
        assert got == neighbour.refuses(ports), node.name


def test_a_worker_has_credentials_of_its_own_and_no_authority_s_nor_an_administrator_s() -> None:
    sums = [several.keys(node) for node in NODES]
    assert len({key for each in sums for key in each.values()}) == sum(map(len, sums))
    components = ["kube-proxy", *(["coredns"] if bare_node.has_coredns(bare_node.given()) else [])]
    for node in WORKERS:
        assert several.keys(node).keys() == {
            f"{name}.key" for name in ["kubelet", "kubelet-client", *components]
        }
        conf = node.run("find", CONFIG, "/root", "-name", "*.conf", "-o", "-path", "*/.kube/config").split()
        assert set(conf) == {f"{CONFIG}/{name}.conf" for name in ["kubelet", *components]}


def test_a_worker_changes_no_other_node_and_lists_no_secrets() -> None:
    kubectl = ("kubectl", f"--kubeconfig={CONFIG}/kubelet.conf")
    for node in WORKERS:
        node.run(*kubectl, "annotate", "--overwrite", "node", node.name, "lesson=taught")
        refused = node.run(
            "sh", "-c", f"{' '.join(kubectl)} annotate node {ALPHA.name} lesson=taught 2>&1", check=False
        )
        assert lesson.ANOTHER_NODE.search(refused)
        assert node.run(*kubectl, "auth", "can-i", "list", "secrets", check=False).split()[0] == "no"


def test_a_deployment_spreads_over_all_nodes_with_addresses_of_their_subnets(pods: list[Web]) -> None:
    subnets = several.subnets()
    assert {pod.node for pod in pods} == subnets.keys()
    for pod in pods:
        assert IPv4Address(pod.address) in IPv4Network(subnets[pod.node]), pod


def test_every_pod_reaches_every_pod_and_is_seen_with_its_own_address(pods: list[Web]) -> None:
    reach_each_other(pods)


def test_the_world_outside_sees_a_pod_with_the_address_of_its_node(pods: list[Web], outside: str) -> None:
    addresses = {node.name: node.address for node in NODES}
    for pod in several.of_each_node(pods):
        assert several.ask(pod, outside) == [("outside", addresses[pod.node])], pod


def test_a_service_balances_over_all_nodes_from_every_node(pods: list[Web]) -> None:
    names = {pod.name for pod in pods}
    hosts = [several.get("service", "web")["spec"]["clusterIP"]]
    if bare_node.has_coredns(bare_node.given()):
        hosts += ["web", "web.default.svc.cluster.local"]
    for pod in several.of_each_node(pods):
        for host in hosts:
            assert {name for name, _address in several.ask(pod, *[host] * 50)} == names, (pod, host)


def test_a_node_port_answers_on_every_node(pods: list[Web]) -> None:
    for node in NODES:
        url = f"http://{node.address}:{lesson.NODE_PORT}/"
        answers = {DIRECT.open(url, timeout=5).read().decode().strip() for _time in range(50)}
        assert answers == {pod.name for pod in pods}, node.name


def test_logs_and_port_forward_reach_every_node(node: Node, pods: list[Web]) -> None:
    for pod in several.of_each_node(pods):
        assert node.run("kubectl", "logs", pod.name) == "serving\n"
        assert node.run("python3", "-c", FORWARD, pod.name).strip() == pod.name


def arrows(node: Node, directory: Path) -> dict[str, str]:
    """The state of each way between nodes, as the map shows it, by what is said of it."""
    run = node.playbook("status.yml", status_dir=str(directory))
    assert changed(run) in ([], ["Write the page"])
    with browser.looking(directory / f"{node.name}-status.html") as page:
        found = page.page.query_selector_all(".map .arrow[marker-end*='tip-']")
        return {
            (each.text_content() or "").partition(",")[0]: (each.get_attribute("class") or "").split()[-1]
            for each in found
        }


def test_an_arrow_is_green_only_where_a_packet_gets_through(node: Node, tmp_path: Path) -> None:
    ways = {f"{one.name} to the pods of {other.name}" for one, other in permutations(NODES, 2)}
    assert arrows(node, tmp_path) == dict.fromkeys(ways, "through")
    one, other = NODES[-2:]
    one.run("ip", "route", "delete", several.subnets()[other.name])
    try:
        cut = {f"{each.name} to the pods of {of.name}" for each, of in ((one, other), (other, one))}
        assert arrows(node, tmp_path) == {way: "broken" if way in cut else "through" for way in ways}
    finally:
        one.run("systemctl", "restart", "pod-network")
    assert arrows(node, tmp_path) == dict.fromkeys(ways, "through")


def test_the_page_of_a_worker_has_its_own_node(node: Node, tmp_path: Path) -> None:
    run = node.playbook("status.yml", status_dir=str(tmp_path))
    assert run.returncode == 0, said(run)
    for worker in WORKERS:
        with browser.looking(tmp_path / f"{worker.name}-status.html") as page:
            assert page.page.title().startswith(f"{worker.name}: ")
            assert f"The control plane is at https://{node.address}:6443." in page.page.inner_text("body")
            pods = {row[0][0] for row in page.sees("tables").get("Other pods", [])}
        assert pods == {f"default/{pod.name}" for pod in several.web() if pod.node == worker.name}


def test_one_more_host_becomes_a_node_and_the_others_only_get_a_route(
    node: Node, pods: list[Web], delta: Path
) -> None:
    before, subnets = [several.running(each) for each in NODES], several.subnets()
    run = node.playbook("site.yml", "--inventory", str(delta))
    assert changed(run)
    for each in NODES:
        assert [task for task in several.changed_on(each, run) if "pod network" not in task] == [], each.name
    assert [several.running(each) for each in NODES] == before
    have_routes(*NODES, DELTA)
    assert subnets.items() < several.subnets().items()
    images = node.playbook("../tests/sandbox/images.yml", "--inventory", str(delta), "--limit", DELTA.name)
    assert images.returncode == 0, said(images)
    node.run("kubectl", "scale", "deployment", "web", f"--replicas={REPLICAS + 2}")
    more = come(node, REPLICAS + 2)
    assert DELTA.name in {pod.node for pod in more}
    reach_each_other(more)


def test_hosts_that_were_bare_are_bare_again(
    node: Node, were_bare: dict[str, snapshot.Snapshot], delta: Path
) -> None:
    before = {**were_bare, **bare.recorded(delta.with_name("bare.json"))}
    reset = {"reset_confirm": True, "reset_container_runtime": True}
    run = node.playbook("reset.yml", "--inventory", str(delta), **reset)
    assert run.returncode == 0, said(run)
    for each in (*NODES, DELTA):
        is_bare(each, before[each.name])
    assert changed(node.playbook("reset.yml", "--inventory", str(delta), **reset)) == []
