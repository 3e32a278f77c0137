"""What bad input gets: a message that names the cause, and a host on which nothing is half done."""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bare_node import Node, runtime, said

MADE = "/usr/local/bin/kubelet /usr/local/bin/kubectl /etc/kubernetes /etc/systemd/system/kubelet.service"


def refused(node: Node, variables: dict[str, Any], *expected: str) -> str:
    """Run site.yml, which has to fail, and look for each expected text in what it says."""
    run = node.playbook("site.yml", **variables)
    printed = said(run)
    assert run.returncode != 0, printed
    for text in expected:
        assert text in printed, f"{text!r} is not in:\n{printed}"
    return printed


def is_bare(node: Node) -> None:
    """Nothing of the cluster has come to the host."""
    assert node.run("sh", "-c", f"ls -d {MADE} 2>/dev/null || true") == ""


@contextlib.contextmanager
def on_node(node: Node, before: str, after: str) -> Iterator[None]:
    """Put the host into a state that is in the way, and take it back."""
    node.run("sh", "-c", before)
    try:
        yield
    finally:
        node.run("sh", "-c", after)


@pytest.fixture()
def spoiled(offline: dict[str, Any], tmp_path: Path) -> dict[str, Any]:
    """The variables of a release from artifacts that a test may spoil."""
    artifacts = shutil.copytree(offline["cluster_artifacts"], tmp_path / "artifacts")
    return {**offline, "cluster_artifacts": str(artifacts)}


def test_everything_wrong_is_reported_at_once_before_anything_is_changed(node: Node) -> None:
    variables = {
        "cluster_version": "v1.18.99",
        "cluster_node_name": "Not_Valid",
        "cluster_release_url": "http://127.0.0.1:9",
        "cluster_artifacts": "",
        "cluster_release_checksum": "",
    }
    blocker = "import socket, time; s = socket.create_server(('127.0.0.1', 2379)); time.sleep(60)"
    held = f'systemd-run --quiet --unit blocker python3 -c "{blocker}" && sleep 1'
    config = runtime().configuration
    broken = f"cp {config} /root/kept 2>/dev/null; mkdir -p $(dirname {config}); echo '{{,' > {config}"
    mended = f"rm {config}; [ ! -e /root/kept ] || mv /root/kept {config}"
    with on_node(node, held, "systemctl stop blocker"), on_node(node, broken, mended):
        refused(
            node,
            variables,
            "v1.18.99",
            "cluster_release_checksum",
            "Not_Valid",
            "cluster_node_name",
            "127.0.0.1:9",
            "2379",
            "python3",
            config,
            "line 1",
        )
    is_bare(node)
    assert node.run("sh", "-c", f"command -v {runtime().program} || true") == ""


def test_cgroup_v2_with_1_18(node: Node) -> None:
    version = {"cluster_version": "v1.18.20", "cluster_preflight_skip": ["mirror", "artifacts"]}
    mounted = "mount -t cgroup2 none /sys/fs/cgroup"
    with on_node(node, mounted, "umount /sys/fs/cgroup"):
        refused(node, version, "cgroup v2", "systemd.unified_cgroup_hierarchy=0", "v1.19")
    is_bare(node)


def test_no_space_left(node: Node) -> None:
    small = "mkdir /small && mount -t tmpfs -o size=20m none /small"
    with on_node(node, small, "umount /small && rmdir /small"):
        refused(node, {"cluster_state_dir": "/small/mink8s"}, "/small", "MB")
        is_bare(node)
        anyway = {"cluster_state_dir": "/small/mink8s", "cluster_preflight_skip": ["disk_space"]}
        refused(node, anyway, "/small", "space")
        is_bare(node)


def test_tarball_that_is_not_what_its_sum_says(node: Node, spoiled: dict[str, Any]) -> None:
    tarball = Path(spoiled["cluster_artifacts"], "kubernetes-server-linux-amd64.tar.gz")
    with tarball.open("r+b") as stream:
        stream.truncate(tarball.stat().st_size // 2)
    sums = tarball.with_name("SHA512SUMS")
    listed = {**spoiled, "cluster_release_checksum": ""}
    refused(node, listed, f"{tarball} has the SHA-512", f"but {sums} says", "Nothing was copied.")
    is_bare(node)
    assert node.run("sh", "-c", "ls /var/lib/mink8s/artifacts 2>/dev/null || true") == ""


def test_tarball_of_another_release_whose_sum_is_right(node: Node, spoiled: dict[str, Any]) -> None:
    other = {"cluster_version": "v1.20.99", "cluster_release_checksum": ""}
    version = spoiled["cluster_version"]
    refused(
        node,
        {**spoiled, **other},
        f"kubectl is {version}, wanted v1.20.99; kubelet is {version}, wanted v1.20.99.",
        f":{version} (amd64), wanted kube-apiserver:v1.20.99 for amd64",
        "Nothing was replaced.",
    )
    is_bare(node)


def test_artifacts_without_etcd(node: Node, spoiled: dict[str, Any]) -> None:
    sums = Path(spoiled["cluster_artifacts"], "SHA512SUMS")
    sums.write_text("".join(line for line in sums.read_text().splitlines(True) if "etcd" not in line))
    refused(node, spoiled, "etcd:", "pause:", "cluster_image_tags")
    assert (
        node.run("sh", "-c", "ls -d /etc/kubernetes /etc/systemd/system/kubelet.service 2>/dev/null || true")
        == ""
    )


def test_apiserver_that_never_becomes_healthy(node: Node) -> None:
    spoiled = "mkdir -p /var/lib/etcd && touch /var/lib/etcd/member"
    with on_node(node, spoiled, "rm /var/lib/etcd/member"):
        printed = refused(
            node,
            {"cluster_timeout": 40},
            "kube-apiserver",
            "not healthy",
            # The file is in the way of a directory.
            "etcd ended with code 1 and said: ",
            "member",
        )
        # One line of each component that is not well.
        assert "Job for" not in printed
        assert "Main process exited" not in printed


def test_the_next_run_makes_good_what_the_refusals_left(node: Node) -> None:
    run = node.playbook("site.yml")
    assert run.returncode == 0, run.stdout
    assert "Ready" in node.run("kubectl", "get", "nodes")


def test_the_proofs_need_no_more_than_the_variables(node: Node) -> None:
    variables = {"cluster_bin_dir": "/opt/kubernetes/bin"}
    run = node.playbook("site.yml", **variables)
    assert run.returncode == 0, said(run)
    # Whatever comes first is not the host's node.
    other = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "a-former-name"}}
    node.run("sh", "-c", f"echo '{json.dumps(other)}' | /opt/kubernetes/bin/kubectl apply -f -")
    node.run("sh", "-c", "rm /usr/local/bin/kubectl")
    run = node.playbook("verify.yml", **variables)
    assert run.returncode == 0, said(run)
    assert "A killed container came back" in said(run)
    for printed in (run.stdout, run.stderr):
        assert not re.search("RETRY|WARNING|DEPRECAT|FAILED", printed), printed
    assert node.run("/opt/kubernetes/bin/kubectl", "get", "pods", "--output", "name") == ""
    run = node.playbook("status.yml", status_dir="/tmp")
    assert "The host of node a-former-name was not asked" in said(run)
