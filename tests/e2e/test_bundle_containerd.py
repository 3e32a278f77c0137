"""A bundle is all that a node needs with either container runtime, whichever one it was made with."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

import offline
import pytest
from bare_node import Node, bare, changed, said, shell
from offline import DIRECTORY, IMAGES, PACKAGES, RELEASE, address, bundle, docker

CONTAINERD: dict[str, Any] = {"cluster_container_runtime": "containerd"}
# Docker's pods in a network whose plugins are packages, too.
DOCKER: dict[str, Any] = {"cluster_container_runtime": "docker", "cluster_pod_network": "10.200.0.0/16"}
STORED = ("ctr", "--namespace", "k8s.io", "images", "list")
# A pod without kube-controller-manager and kube-scheduler, of an image that every cluster has.
POD = """
image=$(sed -n 's/.*pod-infra-container-image=\\([^ ]*\\).*/\\1/p' /etc/systemd/system/kubelet.service)
node=$(kubectl get nodes --output 'jsonpath={.items[0].metadata.name}')
kubectl run hello --image="$image" --restart=Never --image-pull-policy=Never \\
    --overrides='{"apiVersion": "v1", "spec": {"nodeName": "'$node'"}}' >&2
kubectl wait --for=condition=Ready --timeout=60s pod/hello >&2
kubectl get pod hello --output 'jsonpath={.status.podIP}'
"""


@pytest.fixture(scope="module")
def connected(fetched: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A cluster with Docker, and a way to the release server and the registry."""
    with bare("mink8s-bundle-containerd", fetched, tmp_path_factory.mktemp("connected")) as node:
        assert changed(node.playbook("site.yml", cluster_container_runtime="docker"))
        yield node


@pytest.fixture(scope="module")
def cut_off(fetched: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A bare node without a route out."""
    with offline.node("mink8s-offline-containerd", fetched, tmp_path_factory.mktemp("offline")) as node:
        yield node


def brought(node: Node, target: Path) -> Path:
    """The node's bundle, on the controller."""
    docker("cp", f"{node.name}:{DIRECTORY}", str(target))
    return target


def is_made(node: Node, artifacts: Path, variables: dict[str, Any]) -> str:
    """Make a cluster of a bundle alone, and a pod in it. Returns the pod's address."""
    known = {**variables, "cluster_artifacts": str(artifacts), "cluster_address": address(node)}
    run = node.playbook("site.yml", **known)
    assert run.returncode == 0, said(run)
    pod = shell(node, POD)
    assert changed(node.playbook("site.yml", **known)) == []
    return pod


def test_with_docker_everything_for_containerd_is_brought_together(
    connected: Node, cut_off: Node, tmp_path: Path
) -> None:
    assert bundle(connected, **CONTAINERD) == [RELEASE, IMAGES, PACKAGES]
    assert bundle(connected, **CONTAINERD) == []
    artifacts = brought(connected, tmp_path / "bundle")
    pod = is_made(cut_off, artifacts, CONTAINERD)
    assert IPv4Address(pod) in IPv4Network("10.244.0.0/24")
    assert "containerd://" in shell(cut_off, "kubectl get nodes --output wide")
    assert cut_off.run("sh", "-c", "command -v dockerd || true") == ""


def test_with_containerd_everything_for_docker_is_brought_together(
    connected: Node, cut_off: Node, tmp_path: Path
) -> None:
    assert changed(connected.playbook("site.yml", **CONTAINERD))
    connected.run("rm", "-r", DIRECTORY)
    before = connected.run(*STORED)
    assert bundle(connected, "--check", **DOCKER) == [RELEASE, IMAGES, PACKAGES]
    assert bundle(connected, **DOCKER) == [RELEASE, IMAGES, PACKAGES]
    assert connected.run(*STORED) == before
    assert bundle(connected, **DOCKER) == []
    artifacts = brought(connected, tmp_path / "bundle")
    run = cut_off.playbook("reset.yml", reset_confirm=True, reset_container_runtime=True)
    assert run.returncode == 0, said(run)
    assert cut_off.run("sh", "-c", "command -v containerd || true") == ""
    pod = is_made(cut_off, artifacts, DOCKER)
    assert IPv4Address(pod) in IPv4Network("10.200.0.0/24")
    assert "docker://" in shell(cut_off, "kubectl get nodes --output wide")
