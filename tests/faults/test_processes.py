"""Processes that die, and a manifest that is none."""

from __future__ import annotations

import time

import pytest
from bare_node import runtime
from cluster import MANIFESTS, Cluster, until

# The name of each under which its process is found, and the static pods that do not notice.
PROCESSES = {
    "kubelet": ("kubelet", ["etcd", "kube-apiserver"]),
    "containerd": ("containerd", ["etcd", "kube-apiserver"]),
    "kube-apiserver": ("kube-apiserver", ["etcd"]),
    "etcd": ("etcd", []),
    **({"dockerd": ("docker", [])} if runtime().name == "docker" else {}),
}
STOPPED_SECONDS = 150


@pytest.mark.parametrize("process", PROCESSES)
def test_killed(cluster: Cluster, process: str) -> None:
    name, unmoved = PROCESSES[process]
    before, containers = cluster.process(name), [cluster.container(pod) for pod in unmoved]

    def gone() -> bool:
        return cluster.process(name) in ("", "0", before)

    with cluster.fault(f"kill {process}"):
        cluster.node.run("kill", "-9", before)
        until(cluster.node, f"another {process}", lambda: "it does not run yet" if gone() else "")
        until(cluster.node, "Docker hears of what ends", cluster.deaf)
    assert [cluster.container(pod) for pod in unmoved] == containers


def test_container_runtime_restarted(cluster: Cluster) -> None:
    before, name = cluster.container("etcd"), runtime().name
    with cluster.fault(f"restart {name}"):
        cluster.node.run("systemctl", "restart", name)
    assert (cluster.container("etcd") == before) == runtime().keeps_containers


def test_container_runtime_stopped(cluster: Cluster) -> None:
    before, name = cluster.container("etcd"), runtime().name
    with cluster.fault(f"stop {name}"):
        cluster.node.run("systemctl", "stop", *runtime().units)
        time.sleep(STOPPED_SECONDS)
        assert bool(cluster.api("nodes")) == runtime().keeps_containers
        cluster.node.run("systemctl", "start", *runtime().units)
    assert (cluster.container("etcd") == before) == runtime().keeps_containers


def test_image_removed(cluster: Cluster) -> None:
    before = cluster.container("kube-apiserver")
    (image,) = (name for name in runtime().tags(cluster.node) if "/kube-apiserver" in name)

    def runs() -> str:
        return "it runs" if cluster.container("kube-apiserver") else ""

    with cluster.fault("image removed"):
        runtime().untag(cluster.node, image)
        runtime().kill(cluster.node, before)
        until(cluster.node, "kube-apiserver has ended", runs)
        run = cluster.node.playbook("site.yml")
        assert run.returncode == 0, run.stdout + run.stderr


def test_broken_manifest(cluster: Cluster) -> None:
    before = [cluster.container(name) for name in ("etcd", "kube-apiserver")]
    broken = f"{MANIFESTS}/broken.yaml"

    def unnoticed() -> str:
        journal = cluster.node.run("journalctl", "--unit=kubelet", "--lines=200", "--output=cat")
        return "" if "broken.yaml" in journal else "the kubelet has not said anything of it"

    with cluster.fault("broken manifest"):
        cluster.node.run("sh", "-c", f"printf 'kind: Pod\\n  spec: [' >{broken}")
        until(cluster.node, "the kubelet reads it", unnoticed)
        cluster.node.run("systemctl", "restart", "kubelet")
        restarted = time.time()
        until(cluster.node, "Ready beside it", lambda: cluster.not_ready(restarted))
        cluster.node.run("rm", broken)
    assert [cluster.container(name) for name in ("etcd", "kube-apiserver")] == before
