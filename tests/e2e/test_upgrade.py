"""A cluster gets another version with everything in it, or is left as it is and told how to go back."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import objects
import pytest
from bare_node import ROOT, Node, said, sandbox

OLD, NEW = "v1.20.2", "v1.20.3"


def variables(version: str) -> dict[str, Any]:
    """The variables of one of the two releases."""
    artifacts = sandbox("release", version)
    given = json.loads(sandbox("vars", "--artifacts", artifacts, "--version", version))
    # The inventory has the sum of the release that is in it.
    return {**given, "cluster_release_checksum": ""}


def versions(node: Node) -> tuple[str, str]:
    """What kube-apiserver and the kubelet say of themselves, through the API."""
    apiserver = json.loads(node.run("kubectl", "get", "--raw", "/version"))["gitVersion"]
    jsonpath = "jsonpath={.items[0].status.nodeInfo.kubeletVersion}"
    return apiserver, node.run("kubectl", "get", "nodes", "--output", jsonpath)


@pytest.fixture(scope="module")
def backups(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory for backups."""
    return tmp_path_factory.mktemp("controller") / "backups"


@pytest.fixture(scope="module")
def old(backups: Path) -> dict[str, Any]:
    """The variables of the version the cluster has at first."""
    return {**variables(OLD), "backup_dir": str(backups)}


@pytest.fixture(scope="module")
def new(backups: Path) -> dict[str, Any]:
    """The variables of the version after it."""
    return {**variables(NEW), "backup_dir": str(backups)}


@pytest.fixture(scope="module")
def cluster(node: Node, old: dict[str, Any]) -> Node:
    """A cluster of the old version with what a person has in one."""
    run = node.playbook("upgrade.yml", **old)
    assert run.returncode != 0
    assert f"The cluster on {node.name} is not healthy: the kubelet does not run. Nothing was" in said(run)
    run = node.playbook("site.yml", **old)
    assert run.returncode == 0, said(run)
    objects.write(node)
    return node


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("v1.19.16", "downgrade: The host runs v1.20.2, which is newer than"),
        ("v1.22.17", "upgrade_skip_minor: true"),
    ],
)
def test_only_the_next_minor_version_comes_after_one(
    cluster: Node, old: dict[str, Any], backups: Path, version: str, expected: str
) -> None:
    before = objects.containers(cluster), objects.kubelet(cluster)
    anyway = {"cluster_version": version, "cluster_preflight_skip": ["mirror", "artifacts"]}
    run = cluster.playbook("upgrade.yml", **{**old, **anyway})
    assert run.returncode != 0
    assert expected in said(run)
    assert "changed=0 " in said(run)
    assert not backups.exists()
    assert (objects.containers(cluster), objects.kubelet(cluster)) == before


def test_where_the_version_is_there_already_nothing_is_to_do(
    cluster: Node, old: dict[str, Any], backups: Path
) -> None:
    run = cluster.playbook("upgrade.yml", **old)
    assert run.returncode == 0
    assert f"{cluster.name} already runs {OLD}" in said(run)
    assert "changed=0 " in said(run)
    assert not backups.exists()


def test_a_release_that_is_not_what_its_sum_says_leaves_the_cluster_as_it_is(
    cluster: Node, old: dict[str, Any], backups: Path
) -> None:
    before = objects.containers(cluster), objects.kubelet(cluster), objects.read(cluster)
    # Of a version whose sum is known, but with the tarball of another.
    wrong = {
        "cluster_version": "v1.22.17",
        "upgrade_skip_minor": True,
        "cluster_preflight_skip": ["mirror", "artifacts"],
    }
    run = cluster.playbook("upgrade.yml", **{**old, **wrong})
    assert run.returncode != 0
    assert f"The upgrade of {cluster.name} from {OLD} to v1.22.17 failed" in said(run)
    assert "has the SHA-512" in said(run)
    assert f"Now: kubelet {OLD} and kube-apiserver {OLD} run and are healthy" in said(run)
    assert [path.name.startswith(f"{cluster.name}-") for path in backups.iterdir()] == [True]
    assert (objects.containers(cluster), objects.kubelet(cluster), objects.read(cluster)) == before


def test_a_failed_upgrade_is_taken_back_by_what_it_says_to_run(
    cluster: Node, old: dict[str, Any], new: dict[str, Any]
) -> None:
    before, reader = objects.read(cluster), objects.containers(cluster)["reader"]
    # An address that is another host's, so that the new kube-apiserver does not start.
    wrong = {
        "cluster_apiserver_bind_address": "203.0.113.1",
        "cluster_preflight_skip": ["ports", "address", "bind_address"],
        "cluster_timeout": 45,
    }
    run = cluster.playbook("upgrade.yml", **{**new, **wrong})
    assert run.returncode != 0
    assert "is not healthy" in said(run)
    match = re.search(
        rf"ansible-playbook .* mink8s\.kubernetes\.restore .* -e cluster_version={OLD}", said(run)
    )
    assert match, said(run)
    others = {name: value for name, value in old.items() if name != "cluster_version"}
    command = [*shlex.split(match[0]), "-e", json.dumps({**others, "cluster_timeout": 60})]
    back = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert back.returncode == 0, said(back)
    assert versions(cluster) == (OLD, OLD)
    assert objects.read(cluster) == before
    assert objects.containers(cluster)["reader"] == reader


def test_the_next_version_comes_with_everything_in_the_cluster(
    cluster: Node, new: dict[str, Any], backups: Path
) -> None:
    before, containers = objects.read(cluster), objects.containers(cluster)
    there = set(backups.iterdir())
    run = cluster.playbook("upgrade.yml", **new)
    assert run.returncode == 0, said(run)
    assert f"{cluster.name} ran {OLD} and runs kubelet {NEW}, kube-apiserver {NEW}" in said(run)
    assert re.search(rf"To go back to it: .* -e restore_file=\S+\.db -e cluster_version={OLD}", said(run))
    assert versions(cluster) == (NEW, NEW)
    assert objects.read(cluster) == before
    after = objects.containers(cluster)
    assert (after["reader"], after["etcd"]) == (containers["reader"], containers["etcd"])
    assert after["kube-apiserver"] != containers["kube-apiserver"]
    (backup,) = set(backups.iterdir()) - there
    assert str(backup) in said(run)
