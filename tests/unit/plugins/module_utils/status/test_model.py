"""Sockets are read from what `ss` prints, and told as ports, connections and lines of a table."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.containerd.engine import Containerd
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker.engine import Docker
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import timestamps
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status import (
    api_objects,
    host_map,
    model,
    network,
    observe,
    ports,
    table,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status.model import (
    Component,
    Connection,
    Missing,
    Pod,
    Port,
    Socket,
    Status,
)

NAMES = {10: "kubelet", 20: "kube-apiserver", 30: "docker", 40: "etcd"}
PRINTED = """\
u_str LISTEN 0 4096 /run/docker.sock 600 * 0 users:(("dockerd",pid=30,fd=7))
u_str ESTAB 0 0 /run/docker.sock 601 * 602 users:(("dockerd",pid=30,fd=8))
u_str ESTAB 0 0 /run/a path/x.sock 700 * 701 users:(("other",pid=77,fd=9))
u_str ESTAB 0 0 * 602 * 601 users:(("kubelet",pid=10,fd=9))
udp UNCONN 0 0 172.17.0.1:53 0.0.0.0:* users:(("coredns",pid=50,fd=3))
tcp LISTEN 0 4096 *:6443 *:* users:(("kube-apiserver",pid=20,fd=7))
tcp LISTEN 0 4096 127.0.0.1:2379 0.0.0.0:* users:(("etcd",pid=40,fd=7))
tcp ESTAB 0 0 127.0.0.1:4500 127.0.0.1:2379 users:(("kube-apiserver",pid=20,fd=8))
tcp ESTAB 0 0 127.0.0.1:2379 127.0.0.1:4500 users:(("etcd",pid=40,fd=8))
tcp ESTAB 0 0 127.0.0.1:4501 127.0.0.1:2379 users:(("kube-apiserver",pid=20,fd=9))
tcp ESTAB 0 0 127.0.0.1:2379 127.0.0.1:4501 users:(("etcd",pid=40,fd=9))
tcp ESTAB 0 0 [::ffff:192.0.2.7]:6443 [::ffff:172.17.0.2]:4000 users:(("kube-apiserver",pid=20,fd=10))
tcp ESTAB 0 0 [::ffff:192.0.2.7]:6443 [::ffff:192.0.2.9]:4000 users:(("kube-apiserver",pid=20,fd=11))
tcp ESTAB 0 0 [::ffff:192.0.2.7]:6443 [::ffff:192.0.2.7]:4001 users:(("kube-apiserver",pid=20,fd=12))
tcp ESTAB 0 0 192.0.2.7:4001 192.0.2.7:6443 users:(("kubectl",pid=99,fd=3))
tcp TIME-WAIT 0 0 192.0.2.7:4002 192.0.2.7:6443
"""


@pytest.fixture(name="sockets")
def fixture_sockets() -> list[Socket]:
    """The sockets of a host."""
    return list(ports.parse(PRINTED))


def test_sockets_are_read_with_those_who_hold_them(sockets: list[Socket]) -> None:
    assert len(sockets) == 15
    assert sockets[0] == Socket("unix", "/run/docker.sock", "600", "", "", (30,))
    assert sockets[2] == Socket("unix", "/run/a path/x.sock", "700", "", "701", (77,))
    assert sockets[4] == Socket("udp", "172.17.0.1", "53", "", "", (50,))
    assert sockets[11] == Socket("tcp", "192.0.2.7", "6443", "172.17.0.2", "4000", (20,))


def test_connections_go_from_who_opened_them_each_once(sockets: list[Socket]) -> None:
    found = model.connections(sockets, NAMES, {"172.17.0.2": "default/web"}, {"127.0.0.1", "192.0.2.7", "*"})
    # That of a program on the host which is no component is left out.
    assert list(found) == [
        Connection("kubelet", "docker", "docker.sock"),
        Connection("kube-apiserver", "etcd", "2379"),
        Connection("default/web", "kube-apiserver", "6443"),
        Connection(model.ELSEWHERE, "kube-apiserver", "6443"),
    ]


@pytest.mark.parametrize(
    ("address", "reach"),
    [
        ("127.0.0.1", "host"),
        ("::1", "host"),
        ("172.17.0.1", "pods"),
        ("*", "network"),
        ("0.0.0.0", "network"),
        ("192.0.2.7", "network"),
        ("::", "network"),
    ],
)
def test_who_reaches_an_address(address: str, reach: str) -> None:
    assert model.reach(address, "172.17.0.1") == reach


def test_what_runs_is_not_missing() -> None:
    running = {"kube-proxy", "kube-scheduler"}
    words = [each.word for each in model.missing(running, certificates=True, host="host-1", several=False)]
    assert words == ["host-1", "coredns", "kube-controller-manager"]
    more = [each.word for each in model.missing(running, certificates=True, host="host-1", several=True)]
    assert more == ["coredns", "kube-controller-manager"]
    assert [each.word for each in model.of_a_node({"kubelet", "coredns"})] == ["kube-proxy"]


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("2026-11-25T15:53:15Z", 1795621995.0),
        ("2026-11-25T15:53:15.123456789Z", 1795621995.0),
        ("0001-01-01T00:00:00Z", 0.0),
        ("", 0.0),
    ],
)
def test_moments_as_kubernetes_and_container_runtimes_write_them(written: str, seconds: float) -> None:
    assert timestamps.seconds(written) == seconds


def status(*components: Component, pods: tuple[Pod, ...] = ()) -> Status:
    """A host with those components and pods."""
    return Status(
        host="host-1",
        node="host-1",
        system="Debian",
        taken=1795621995.0,
        components=components,
        pods=pods,
        connections=(Connection("kubelet", "kube-apiserver", "6443"),),
        missing=(Missing("a scheduler: pods need a nodeName", "cluster_components", "kube-scheduler"),),
    )


def test_a_table_has_a_line_for_each_port_and_problem() -> None:
    ports = Port("tcp", 10248, "host"), Port("tcp", 10250, "network", guarded=True)
    kubelet = Component("kubelet", "unit kubelet.service", "v1.18.20", "", 1795621995.0, 2**27, ports)
    etcd = Component("etcd", "static pod", problem="it has a manifest and no container.")
    lines = table.lines(status(kubelet, etcd))
    assert [line.split("  ") for line in lines[:2]] == [["host-1 at 2026-11-25 15:53:15 UTC, Debian"], [""]]
    head, one, other, last = lines[2:6]
    moment, who = head.index("HEALTHY SINCE"), head.index("WHO CAN")
    assert one.startswith(
        "kubelet    unit kubelet.service  v1.18.20  2026-11-25 15:53:15  128 MiB  10248/tcp"
    )
    assert one[who:] == "this host, anyone"
    assert other.split() == ["10250/tcp", "the", "network,", "with", "credentials"]
    assert other.index("the network") == who
    assert last.startswith("etcd       static pod")
    assert last[moment:] == "not healthy"
    assert lines[6:] == [
        "etcd is not healthy: it has a manifest and no container.",
        "",
        "STILL MISSING                      THE WORD THAT ADDS IT",
        "a scheduler: pods need a nodeName  kube-scheduler in cluster_components",
    ]


def test_what_to_type_is_told_after_all_else() -> None:
    seen = observe.Seen(Containerd(), version="1.6.20", api=[], control_plane=True)
    lines = table.lines(replace(status(), commands=tuple(observe.commands(seen))))
    assert lines[-6:] == [
        "",
        "TO SEE                  TYPE ON THE HOST",
        "all containers          ctr --namespace k8s.io containers list",
        "the log of a container  cat /var/log/containers/*CONTAINER*.log",
        "all pods                kubectl get pods --all-namespaces",
        "the log of a pod        kubectl logs --namespace NAMESPACE POD",
    ]
    without_api = observe.Seen(Docker(), version="20.10.24")
    assert [each.command for each in observe.commands(without_api)] == [
        "docker ps --all",
        "docker logs CONTAINER",
    ]
    assert list(observe.commands(observe.Seen(Docker()))) == []


def test_a_map_of_many_pods_says_how_many_more_there_are() -> None:
    drawn = host_map.draw(status(pods=tuple(Pod("default", f"web-{n}", "Running") for n in range(100))))
    pods = [box for box in drawn.boxes.values() if box.kind == "pod"]
    assert len(pods) == host_map.PODS_IN_A_ROW * host_map.POD_ROWS
    assert pods[-1].lines[0].text == f"{100 - len(pods) + 1} more"


def test_an_arrow_of_what_is_not_on_the_map_is_left_out() -> None:
    assert host_map.draw(status()).arrows == []


def test_what_is_connected_runs_along_the_edge_they_share_only_side_by_side() -> None:
    units = [Component(name, f"unit {name}.service") for name in ("containerd", "docker", "kubelet")]
    drawn = host_map.draw(status(*units))
    tops = [drawn.boxes[unit.name].top for unit in reversed(units)]
    assert tops == sorted(tops)
    assert {drawn.boxes[unit.name].left for unit in units} == {host_map.LEFTS[2]}
    for client, server, expected in (
        ("kubelet", "docker", ("bottom", "top")),
        ("containerd", "docker", ("top", "bottom")),
        ("kubelet", "containerd", ("left", "left")),
    ):
        assert host_map._sides(drawn.boxes, Connection(client, server, "x.sock")) == expected


def node(name: str, **conditions: str) -> dict[str, Any]:
    """A Node of the API."""
    listed = [
        {"type": kind, "status": status, "reason": "Why", "message": "said.", "lastTransitionTime": SINCE}
        for kind, status in {"Ready": "True", **conditions}.items()
    ]
    return {"kind": "Node", "metadata": {"name": name}, "status": {"conditions": listed}}


SINCE = "2026-11-23T17:26:40Z"


def test_a_host_has_the_node_that_its_kubelet_registers() -> None:
    assert api_objects.node_name(["kubelet", "--hostname-override=host-1", "--v=2"], "Other") == "host-1"
    assert api_objects.node_name(["kubelet", "--v=2"], "Host-1") == "host-1"
    old, own = node("a-former-name", Ready="Unknown", DiskPressure="Unknown"), node("host-1")
    silent = "Node a-former-name is not healthy (Ready). kube-controller-manager says: Why: said."
    assert api_objects.own_node([old, own], "host-1") == (own, [silent])
    assert api_objects.own_node([old], "host-1") == (
        None,
        ["The kubelet here registers as host-1, and the API knows a-former-name.", silent],
    )
    assert api_objects.ready_since([old, own], "host-1") == {"kubelet": timestamps.seconds(SINCE)}
    assert api_objects.ready_since([own], "host-2") == {}


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ({"DiskPressure": "False", "MemoryPressure": "False"}, []),
        ({"DiskPressure": "True"}, ["has DiskPressure and evicts pods until there is space again"]),
        ({"MemoryPressure": "True"}, ["has MemoryPressure and evicts pods"]),
        ({"Ready": "False"}, ["is not healthy (Ready). The kubelet says: Why: said."]),
        ({"NetworkUnavailable": "True"}, ["is not healthy (NetworkUnavailable)"]),
    ],
)
def test_what_is_wrong_with_the_node_is_told(conditions: dict[str, str], expected: list[str]) -> None:
    _node, remarks = api_objects.own_node([node("host-1", **conditions)], "host-1")
    assert [remark.startswith("Node host-1 ") for remark in remarks] == [True] * len(expected)
    assert [words in remark for words, remark in zip(expected, remarks)] == [True] * len(expected)


def test_what_pods_lack_of_the_network_is_told() -> None:
    docker = Docker()
    assert network.missing(docker, "1\n", "*nat\n:DOCKER - [0:0]\n") == []
    assert network.missing(docker, "1\n", "") == []
    (forward,) = network.missing(docker, "0\n", "*nat\n:DOCKER - [0:0]\n")
    assert "net.ipv4.ip_forward is 0" in forward
    (rules,) = network.missing(docker, "1\n", "(none)")
    assert "Docker's rules are gone" in rules
    assert "systemctl restart docker" in rules


def test_a_node_is_told_by_what_the_api_has_of_it() -> None:
    item = node("beta", Ready="False")
    item["spec"] = {"podCIDR": "10.244.1.0/24"}
    item["status"]["nodeInfo"] = {"kubeletVersion": "v1.20.2", "containerRuntimeVersion": "docker://20.10.24"}
    item["status"]["addresses"] = [
        {"type": "Hostname", "address": "beta"},
        {"type": "InternalIP", "address": "192.0.2.8"},
    ]
    bare = {"kind": "Node", "metadata": {"name": "new"}, "status": {}}
    assert list(api_objects.nodes([item, bare, {"kind": "Pod"}])) == [
        model.Node("beta", False, "v1.20.2", "docker://20.10.24", "192.0.2.8", "10.244.1.0/24"),
        model.Node("new", False),
    ]


def test_a_node_without_control_plane_says_so_and_asks_for_its_own_pods(tmp_path: Path) -> None:
    kubeconfig = tmp_path / "kubelet.conf"
    kubeconfig.write_text("clusters:\n- cluster:\n    server: https://192.0.2.7:6443\n")
    seen = observe.Seen(Docker(), api=[], node_name="beta", kubeconfig=kubeconfig, cluster="abc")
    assert observe.note(seen).endswith("The control plane is at https://192.0.2.7:6443.")
    assert [each.command for each in observe.commands(seen)] == [
        f"kubectl --kubeconfig={kubeconfig} get pods --all-namespaces --field-selector=spec.nodeName=beta"
    ]
    assert [each.word for each in observe.missing(seen, "beta", several=False)] == ["kube-proxy", "coredns"]
    assert observe.note(replace(seen, control_plane=True)) == ""


def test_a_host_s_map_has_its_own_pods_and_the_table_all() -> None:
    nodes = (model.Node("host-1", True), model.Node("beta", True))
    pods = (Pod("default", "here", "Running", node="host-1"), Pod("default", "there", "Running", node="beta"))
    several = replace(status(pods=pods), nodes=nodes)
    assert {name for name, box in host_map.draw(several).boxes.items() if box.kind == "pod"} == {
        "default/here"
    }
    lines = table.lines(several)
    assert [line.split()[-1] for line in lines if line.startswith("default/")] == ["host-1", "beta"]
