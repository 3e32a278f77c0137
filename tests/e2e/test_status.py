"""What status.yml says of a host, compared with what others say of it, and looked at in a browser."""

from __future__ import annotations

import json
import re
import socket
import ssl
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import browser
import objects
import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release.components import COMPONENTS as ALL
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status import page
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status.model import (
    ELSEWHERE,
    REACH,
    Component,
    Connection,
    Pod,
    Port,
    Status,
)
from bare_node import Node, changed, runtime

COMPONENTS = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kube-proxy"]
# What a container runtime stands on comes before it.
UNITS = [*dict.fromkeys(["containerd", runtime().name]), "kubelet"]
PODS, NODE_PORT = 9, 30080
PROBLEM = "its container ended with code 137 at 2026-11-25 15:53:15 UTC: see `docker logs 0123456789ab`."
# In pixels: six points, and four for the fullest map there can be on one sheet.
MINIMUM_ON_PAPER = {"shown": 8, "crowded": 5.3}


class Shown:
    """What a run of status.yml has shown."""

    def __init__(self, node: Node, directory: Path) -> None:
        """Run it. directory: for the page."""
        run = node.playbook("status.yml", status_dir=str(directory))
        assert changed(run) in ([], ["Write the page"])
        self.lines: list[str] = json.loads(run.stdout.partition('"msg": ')[2].partition("]\n}")[0] + "]")
        self.page = directory / f"{node.name}-status.html"
        assert self.lines[-1] == f"The same with a map: {self.page}"

    @property
    def rows(self) -> dict[str, list[list[str]]]:
        """The table's cells by component, a list for each of its ports."""
        start = next(number for number, line in enumerate(self.lines) if line.startswith("COMPONENT"))
        head = self.lines[start]
        edges = [head.index(name) for name in re.split(r"  +", head)]
        found: dict[str, list[list[str]]] = {}
        name = ""
        for line in self.lines[start + 1 : self.lines.index("", start)]:
            if " is not healthy: " in line:
                continue
            cells = [line[one:other].strip() for one, other in zip(edges, [*edges[1:], None])]
            name = cells[0] or name
            found.setdefault(name, []).append(cells)
        return found

    @property
    def missing(self) -> dict[str, str]:
        """The word for what is missing."""
        start = next(number for number, line in enumerate(self.lines) if line.startswith("STILL MISSING"))
        rows = [re.split(r"  +", line) for line in self.lines[start + 1 : self.lines.index("", start)]]
        return {what.partition(":")[0]: word for what, word in rows}


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the page is written."""
    return tmp_path_factory.mktemp("status")


@pytest.fixture(scope="module")
def bare(node: Node, directory: Path) -> Shown:
    """What is said of the node before there is anything on it."""
    return Shown(node, directory)


@pytest.fixture(scope="module")
def cluster(node: Node, bare: Shown, given: dict[str, Any]) -> Node:
    """The node as a cluster of all components there are, with pods."""
    variables = {"cluster_components": COMPONENTS, "cluster_apiserver_bind_address": "0.0.0.0"}
    for playbook in ("site.yml", "../tests/sandbox/images.yml"):
        changed(node.playbook(playbook, **variables))
    command = ["sh", "-c", "(sleep 86400) | nc $HOST 6443"]
    host = [{"name": "HOST", "value": node.address}]
    container = {"name": "main", "image": given["verify_images"]["busybox"], "imagePullPolicy": "Never"}
    spec = {"nodeName": node.name, "terminationGracePeriodSeconds": 1}
    talker = {**container, "command": command, "env": host}
    names = [
        "talker",
        *(f"one-of-many-pods-with-a-name-as-long-as-a-deployment-makes-them-{n}" for n in range(PODS - 1)),
    ]
    pods = [
        {
            "kind": "Pod",
            "metadata": {"name": name},
            "spec": {**spec, "containers": [{**talker, "name": f"c{number}"}]},
        }
        for number, name in enumerate(names)
    ]
    ports = [{"port": 80, "nodePort": NODE_PORT}]
    service = {"kind": "Service", "metadata": {"name": "none"}, "spec": {"type": "NodePort", "ports": ports}}
    objects.apply(node, *pods, service)
    for number in range(PODS):
        objects.runs(node, f"c{number}")
    return node


@pytest.fixture(scope="module")
def shown(cluster: Node, directory: Path) -> Iterator[Shown]:
    """What is said of the cluster while somebody from elsewhere is connected to its API."""
    with socket.create_connection((cluster.address, 6443)):
        yield Shown(cluster, directory)


def test_on_a_bare_host_there_is_nothing_and_all_is_missing(bare: Shown, node: Node) -> None:
    assert "This collection has made nothing on this host." in bare.lines
    assert "Nothing of Kubernetes runs here." in bare.lines
    assert list(bare.missing.values()) == [
        "kube-scheduler in cluster_components",
        "certificates in cluster_authentication",
        f"{node.name} in cluster_control_plane",
        "kube-proxy in cluster_components",
        "coredns in cluster_components",
        "kube-controller-manager in cluster_components",
    ]


def test_versions_are_what_the_programs_say(shown: Shown, cluster: Node) -> None:
    assert list(shown.rows) == [*UNITS, *COMPONENTS]
    kubernetes = cluster.run("kubelet", "--version").split()[1]
    wanted = dict.fromkeys(["kubelet", *COMPONENTS], kubernetes)
    wanted["etcd"] = _etcd(cluster)
    wanted["containerd"] = cluster.run("containerd", "--version").split()[2]
    if runtime().name == "docker":
        wanted["docker"] = cluster.run("docker", "version", "--format", "{{.Server.Version}}").strip()
    assert {name: rows[0][2] for name, rows in shown.rows.items()} == wanted


def _etcd(node: Node) -> str:
    return str(json.loads(objects.etcd(node, "print(ask('/version'))"))["etcdserver"])


def test_each_runs_where_it_is_said_to_and_takes_the_memory_that_is_said(shown: Shown, cluster: Node) -> None:
    containers = objects.containers(cluster)
    for name, (first, *_ports) in shown.rows.items():
        place = f"unit {name}.service" if name in UNITS else f"static pod, container {containers[name][:12]}"
        assert first[1] == place
        program = {runtime().name: runtime().program}.get(name, name[:15])
        process = cluster.run("pgrep", "--exact", program).split()[0]
        (now,) = re.findall(r"VmRSS:\s+(\d+)", cluster.run("cat", f"/proc/{process}/status"))
        assert int(first[4].removesuffix(" MiB")) == pytest.approx(int(now) / 1024, rel=0.5)
        assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", first[3]), first


def test_ports_are_all_there_are_and_reached_from_where_it_is_said(shown: Shown, cluster: Node) -> None:
    told = {int(row[5].split("/")[0]): row[6] for rows in shown.rows.values() for row in rows if row[5]}
    rows = cluster.run("ss", "--listening", "--tcp", "--numeric", "--no-header").splitlines()
    assert set(told) == {int(row.split()[3].rpartition(":")[2]) for row in rows}
    address = cluster.address
    got = {port: _knock(address, port) for port in told}
    beyond = {port: who for port, who in told.items() if who.startswith("the network")}
    assert {port for port, answer in got.items() if answer} == {6443, 10250}
    # What leads to a Service is not asked: it may be anybody's.
    assert beyond.pop(NODE_PORT) == "the network, for a Service"
    assert beyond == dict.fromkeys((6443, 10250), "the network, with credentials")
    assert {got[port] for port in beyond} <= {401, 403}


def _knock(address: str, port: int) -> int:
    """The HTTP status for somebody from elsewhere; 0 if there is nobody."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((address, port), timeout=5) as stream,
            context.wrap_socket(stream) as tls,
        ):
            tls.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            return int(tls.recv(100).split()[1])
    except OSError:
        return 0


def test_what_is_missing_is_what_the_variables_left_out(shown: Shown, cluster: Node) -> None:
    assert shown.missing == {
        "several nodes": f"{cluster.name} in cluster_control_plane",
        "cluster DNS": "coredns in cluster_components",
    }


def test_the_map_has_each_component_pod_and_connection(shown: Shown, cluster: Node) -> None:
    with browser.looking(shown.page) as page:
        boxes, arrows, tables = map(page.sees, ("boxes", "arrows", "tables"))
    assert {name for name, box in boxes.items() if box["kind"] == "component"} == {*UNITS, *COMPONENTS}
    assert {name for name, box in boxes.items() if box["kind"] == "missing"} == {"coredns"}
    # Seven pods and a word that there are more, which the table has.
    assert sum(box["kind"] == "pod" for box in boxes.values()) == 8
    assert boxes["…"]["texts"][0] == f"{PODS - 7} more"
    assert (
        boxes["kubelet"]["marks"].count("network") == boxes["kube-apiserver"]["marks"].count("network") == 1
    )
    assert len(tables["Other pods"]) == PODS
    for row in tables["Components"]:
        (name,), (place,) = row[:2]
        assert [name, place] == shown.rows[name][0][:2]
    for client, server, port in (
        ("kube-apiserver", "etcd", "2379"),
        *((each, "kube-apiserver", "6443") for each in ("kubelet", *COMPONENTS[2:])),
        ("kubelet", runtime().name, f"{runtime().name}.sock"),
        *([("docker", "containerd", "containerd.sock")] if "docker" in UNITS else []),
        ("the network", "kube-apiserver", "6443"),
    ):
        assert f"{client} is connected to {server}, {port}" in arrows
    pod = next(arrow for arrow in arrows if arrow.startswith("default/"))
    assert pod.endswith(" is connected to kube-apiserver, 6443")


@pytest.fixture(scope="module")
def crowded(directory: Path) -> Path:
    """The page of a host with as much as there can be, half of it not well."""
    ports = (*(Port("tcp", 10248, reach, guarded=True) for reach in REACH), Port("udp", 53, "pods"))
    components = [
        Component(name, "static pod, container 0123456789ab", "v1.18.20+vendor.1", problem, 0.0, 2**28, ports)
        for name, problem in zip([*UNITS, *ALL], [PROBLEM, ""] * 5)
    ]
    pods = tuple(
        Pod("a-namespace-of-a-class", f"a-{n}-{'long-' * 9}name", "CrashLoopBackOff", "172.17.0.2")
        for n in range(99)
    )
    clients = (ELSEWHERE, "kubelet", *ALL[2:], *(pod.full_name for pod in pods))
    links = tuple(Connection(client, "kube-apiserver", "6443") for client in clients)
    named = "host-of-the-whole-class.example.com"
    status = Status(named, named, "Debian", 1.8e9, tuple(components), pods, links, (), (PROBLEM,))
    path = directory / "crowded.html"
    path.write_text(page.render(status))
    return path


@pytest.mark.parametrize("page_of", ["shown", "crowded"])
@pytest.mark.parametrize(
    ("scheme", "medium"), [("light", "screen"), ("dark", "screen"), ("light", "print"), ("dark", "print")]
)
def test_it_can_be_read_in_a_window_in_the_dark_and_on_paper(
    shown: Shown, crowded: Path, page_of: str, scheme: str, medium: str
) -> None:
    with browser.looking(crowded if page_of == "crowded" else shown.page, scheme, medium) as page:
        texts, boxes = page.sees("texts"), page.sees("boxes")
        width = page.sees("width")
        background = page.sees("background")
    assert width <= (browser.WIDTH if medium == "screen" else browser.PAPER["width"])
    assert (background == "rgb(255, 255, 255)") == (scheme == "light" or medium == "print")
    assert len(texts) > 80
    for each in texts:
        (left, top, right, bottom), (outer_left, outer_top, outer_right, outer_bottom) = (
            each["area"],
            each["frame"],
        )
        assert outer_left <= left + 1 and right - 1 <= outer_right, each
        assert outer_top <= top + 1 and bottom - 1 <= outer_bottom, each
        assert each["contrast"] >= 4.5, each
        assert each["size"] >= (11 if medium == "screen" else MINIMUM_ON_PAPER[page_of]), each
    for (one, first), (other, second) in combinations(boxes.items(), 2):
        (left, top, right, bottom), (left2, top2, right2, bottom2) = first["area"], second["area"]
        assert right <= left2 or right2 <= left or bottom <= top2 or bottom2 <= top, (one, other)


def test_on_paper_the_map_is_on_the_first_page(shown: Shown, tmp_path: Path) -> None:
    with browser.looking(shown.page, medium="print") as page:
        page.paper(tmp_path / "page.pdf")
        area = page.sees("mapBottom")
    assert area <= browser.PAPER["height"]
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")


def test_nothing_on_the_page_is_taken_for_markup(cluster: Node, directory: Path) -> None:
    word = "<script>document.title=4711</script>"
    cluster.run("sh", "-c", f"cp /etc/os-release /root/ && echo 'PRETTY_NAME=\"{word}\"' >/etc/os-release")
    try:
        with browser.looking(Shown(cluster, directory).page) as page:
            assert page.page.title() == f"{cluster.name}: what there is of Kubernetes"
            assert word in page.page.inner_text("body")
    finally:
        cluster.run("cp", "/root/os-release", "/etc/os-release")


def test_a_cluster_that_is_not_well_says_what_is_wrong(cluster: Node, directory: Path) -> None:
    etcd = objects.containers(cluster)["etcd"]
    cluster.run("systemctl", "stop", "kubelet")
    try:
        runtime().kill(cluster, etcd)
        shown, logs = Shown(cluster, directory), re.escape(runtime().logs(etcd))
        said = "\n".join(shown.lines)
        assert "kubelet is not healthy: kubelet.service does not run: see `journalctl -u kubelet`." in said
        assert re.search(
            rf"etcd is not healthy: its container ended with code 137 at .* see {logs}",
            said,
        )
        assert "The API does not answer: " in said
        assert re.search(r"^default/talker +Running$", said, re.M)
        with browser.looking(shown.page) as page:
            boxes = page.sees("boxes")
        assert {"kubelet", "etcd"} <= {name for name, box in boxes.items() if box["kind"] == "unhealthy"}
    finally:
        cluster.run("systemctl", "start", "kubelet")


def test_a_container_runtime_that_hangs_is_not_healthy_and_hides_what_it_runs(
    cluster: Node, directory: Path
) -> None:
    name, title = runtime().name, runtime().title
    cluster.run("systemctl", "kill", "--signal", "STOP", "--kill-who", "main", name)
    try:
        said = "\n".join(Shown(cluster, directory).lines)
        assert f"{name} is not healthy: it runs, and does not answer: see `journalctl -u {name}`." in said
        assert f"etcd is not healthy: its container can't be seen, as {title} does not answer." in said
    finally:
        cluster.run("systemctl", "kill", "--signal", "CONT", "--kill-who", "main", name)
