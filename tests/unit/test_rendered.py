"""Every file of every release and mode is what it was, to the byte, unless its sum is changed with it."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import pod_network
from rendering import COMPONENTS, MANIFESTS, Rendered, known, render, sums, variables

LISTING = Path(__file__).parent / "rendered.sha256"


@pytest.fixture(scope="module")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rendered]:
    return render(known(), tmp_path_factory.mktemp("clusters"))


def test_every_rendered_file_is_what_it_was(clusters: dict[str, Rendered]) -> None:
    lines = LISTING.read_text().splitlines()
    before = {path: checksum for checksum, path in (line.split("  ") for line in lines)}
    after = sums(clusters)
    differing = sorted(path for path in before | after if before.get(path) != after.get(path))
    assert not differing, "\n".join(["See tests/rendering.py for how to compare them:", *differing])


def test_a_flag_is_given_until_the_release_that_does_not_know_it_any_more(
    clusters: dict[str, Rendered],
) -> None:
    table = variables("release", "vars")["release_table"]
    removed = {
        (component, flag)
        for row in table.values()
        for component, flags in row.get("removed_arguments", {}).items()
        for flag in flags
    }
    for component, flag in sorted(removed):
        given = {minor: flag in cluster.flags(component) for minor, cluster in with_all_components(clusters)}
        assert given == {
            minor: flag not in row.get("removed_arguments", {}).get(component, ())
            for minor, row in table.items()
            if minor in given
        }, flag
        assert set(given.values()) == {True, False}, flag


def test_coredns_tells_whose_bridge_it_answers_on(clusters: dict[str, Rendered]) -> None:
    said = {
        name: "the pod network's bridge," in cluster[corefile]
        for name, cluster in clusters.items()
        if (corefile := "/etc/kubernetes/Corefile") in cluster
    }
    assert said == {name: name.endswith("-containerd-all") for name in said}
    assert set(said.values()) == {True, False}


def with_all_components(clusters: dict[str, Rendered]) -> list[tuple[str, Rendered]]:
    """Those that have all that a release has, with containerd; each with its minor release."""
    return [
        (user["cluster_version"].removeprefix("v").rpartition(".")[0], clusters[name])
        for name, user in known().items()
        if name.endswith("-containerd-all")
    ]


def test_a_release_is_one_row_of_the_table(tmp_path: Path) -> None:
    table = variables("release", "vars")["release_table"]
    row = {**table["1.23"], "tags": {"etcd": "9.8.7", "pause": "6.5", "coredns": "v4.3"}}
    invented = {"cluster_version": "v1.99.1", "release_table": {**table, "1.99": row}}
    (rendered,) = render({"invented": invented}, tmp_path).values()
    images = {
        name: rendered.document(f"{MANIFESTS}/{name}.yaml")["spec"]["containers"][0]["image"]
        for name in ("etcd", "kube-apiserver")
    }
    assert images == {
        "etcd": "registry.k8s.io/etcd:9.8.7",
        "kube-apiserver": "registry.k8s.io/kube-apiserver:v1.99.1",
    }
    assert "--pod-infra-container-image=registry.k8s.io/pause:6.5" in rendered.kubelet()
    assert "--client-ca-file=/etc/kubernetes/pki/ca.crt" in rendered.apiserver()


def test_a_node_without_control_plane_has_what_is_for_every_node_alone(tmp_path: Path) -> None:
    node = {
        "cluster_components": COMPONENTS["all"],
        "cluster_authentication": "certificates",
        "__cluster_host_runs": ["every node"],
    }
    article = {**node, "cluster_components": COMPONENTS["article"]}
    rendered, without_pods = render({"node": node, "article": article}, tmp_path).values()
    assert sorted(without_pods) == [
        "/etc/kubernetes/kubelet.conf",
        "/etc/kubernetes/kubelet.yaml",
        "/etc/systemd/system/kubelet.service",
    ]
    assert sorted(rendered) == [
        "/etc/kubernetes/Corefile",
        "/etc/kubernetes/coredns.conf",
        "/etc/kubernetes/kube-proxy.conf",
        "/etc/kubernetes/kubelet.conf",
        "/etc/kubernetes/kubelet.yaml",
        f"{MANIFESTS}/coredns.yaml",
        f"{MANIFESTS}/kube-proxy.yaml",
        "/etc/systemd/system/kubelet.service",
    ]


def test_the_pod_network_has_a_route_to_each_other_node(tmp_path: Path) -> None:
    others = [
        {"name": f"node{each}", "address": f"192.0.2.{each}", "subnet": f"10.244.{each}.0/24"}
        for each in (1, 2)
    ]
    user = {"cluster_container_runtime": "containerd", "cluster_version": "v1.20.15"}
    nodes = {"pod_network_nodes": others, "pod_network_node_address": "192.0.2.3"}
    clusters = {"alone": user, "one of three": {**user, **nodes}}
    unit = "/etc/systemd/system/pod-network.service"
    alone, three = (each[unit].splitlines() for each in render(clusters, tmp_path).values())
    proto = f"proto {pod_network.PROTOCOL}"
    for each in others:
        route = f"ExecStart=ip route replace {each['subnet']} via {each['address']} src 192.0.2.3 {proto}"
        assert three[three.index(route) - 1] == f"# To the pods of {each['name']}."
    (kept,) = (line for line in three if "ip route delete" in line)
    assert f" in 10.244.1.0/24|10.244.2.0/24) ;; *) ip route delete $$subnet {proto} ;;" in kept
    assert f"ExecStart=ip -4 route flush {proto}" in alone
    assert "Wants=network-online.target" in three
    assert [line for line in alone if "via" in line or "online" in line] == []
