"""What was in the cluster when it was backed up is there again, on the same host and on a fresh one."""

from __future__ import annotations

import hashlib
import json
import re
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import objects
import pytest
from bare_node import Node, runtime, said

ALARM = """
import json
body = {"action": "%s", "memberID": 1, "alarm": "NOSPACE"}
ask("/v3/maintenance/alarm", json.dumps(body).encode())
"""


def back_up(node: Node, directory: Path) -> Path:
    """Back up, and return the one file that came."""
    before = set(directory.glob("*"))
    run = node.playbook("backup.yml", backup_dir=str(directory))
    assert run.returncode == 0, said(run)
    (path,) = set(directory.glob("*")) - before
    assert str(path) in said(run)
    return path


def restore(node: Node, path: Path, **variables: Any) -> str:
    """Restore, which has to succeed."""
    run = node.playbook("restore.yml", restore_file=str(path), **variables)
    assert run.returncode == 0, said(run)
    return said(run)


@pytest.fixture(scope="module")
def cluster(node: Node) -> Node:
    """A cluster with what a person has in one."""
    run = node.playbook("site.yml")
    assert run.returncode == 0, said(run)
    objects.write(node)
    return node


@pytest.fixture(scope="module")
def backup(cluster: Node, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of it."""
    return back_up(cluster, tmp_path_factory.mktemp("controller") / "backups")


@pytest.fixture(scope="module")
def backed_up(cluster: Node, backup: Path) -> dict[str, Any]:
    """What the cluster had then."""
    return objects.read(cluster)


def test_only_its_owner_can_read_a_backup_and_none_stays_on_the_host(cluster: Node, backup: Path) -> None:
    assert [stat.S_IMODE(path.stat().st_mode) for path in (backup.parent, backup)] == [0o700, 0o600]
    assert backup.name.startswith(f"{cluster.name}-")
    assert cluster.run("find", "/", "-xdev", "-name", "*.db", "-path", f"*{cluster.name}*") == ""


def test_check_mode_backs_nothing_up_and_restores_nothing(
    cluster: Node, backup: Path, tmp_path: Path
) -> None:
    before = objects.containers(cluster), objects.kubelet(cluster)
    run = cluster.playbook("backup.yml", "--check", backup_dir=str(tmp_path / "backups"))
    assert run.returncode == 0, said(run)
    assert list(tmp_path.iterdir()) == []
    run = cluster.playbook("restore.yml", "--check", restore_file=str(backup))
    assert run.returncode == 0, said(run)
    assert (objects.containers(cluster), objects.kubelet(cluster)) == before


def cut_off(content: bytes) -> bytes:
    return content[: len(content) // 2]


def flipped(content: bytes) -> bytes:
    middle = len(content) // 2
    return content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]


def with_sum(database: bytes) -> bytes:
    return database + hashlib.sha256(database).digest()


def without_kubernetes(content: bytes) -> bytes:
    return with_sum(content[:-32].replace(b"/registry/", b"/elsewhere"))


def of_another_node(content: bytes) -> bytes:
    return with_sum(content[:-32].replace(b"/registry/minions/mink8s-", b"/registry/minions/other1-"))


@pytest.mark.parametrize(
    ("spoil", "expected"),
    [
        (cut_off, "is no whole snapshot of etcd"),
        (flipped, "is damaged"),
        (without_kubernetes, "not of a Kubernetes cluster's"),
        (of_another_node, "set cluster_node_name"),
    ],
)
def test_what_cannot_be_restored_is_refused_and_the_cluster_runs_on(
    cluster: Node, backup: Path, tmp_path: Path, spoil: Callable[[bytes], bytes], expected: str
) -> None:
    before = objects.containers(cluster), objects.kubelet(cluster)
    spoiled = tmp_path / "spoiled.db"
    spoiled.write_bytes(spoil(backup.read_bytes()))
    run = cluster.playbook("restore.yml", restore_file=str(spoiled))
    assert run.returncode != 0
    assert f"{spoiled} is " in said(run)
    assert expected in said(run)
    assert "Nothing was changed" in said(run)
    assert "changed=0 " in said(run)
    assert (objects.containers(cluster), objects.kubelet(cluster)) == before


def test_a_backup_is_asked_for(cluster: Node) -> None:
    run = cluster.playbook("restore.yml")
    assert run.returncode != 0
    assert "Set restore_file to the file" in said(run)


def test_restored_in_place_what_came_later_is_gone_and_what_was_there_runs_on(
    cluster: Node, backup: Path, backed_up: dict[str, Any]
) -> None:
    objects.apply(
        cluster,
        {"kind": "ConfigMap", "metadata": {"name": "words"}, "data": {"greeting": "changed"}},
        {"kind": "ConfigMap", "metadata": {"name": "later"}},
        objects.pod(cluster, "later"),
    )
    cluster.run("kubectl", "delete", "secret", "key")
    objects.runs(cluster, "later")
    reader = objects.containers(cluster)["reader"]
    text = restore(cluster, backup)
    assert objects.read(cluster) == backed_up
    assert objects.containers(cluster)["reader"] == reader
    objects.ended(cluster, "later")
    (replaced,) = cluster.run("sh", "-c", "ls -d /var/lib/etcd/replaced-*").split()
    assert replaced in text
    assert cluster.run("ls", replaced).split() == ["snap", "wal"]
    assert cluster.run("stat", "--format=%a", "/var/lib/etcd", "/var/lib/etcd/member").split() == [
        "700",
        "700",
    ]


def test_where_etcd_is_not_well_with_the_backup_it_gets_its_data_back(
    cluster: Node, backed_up: dict[str, Any], tmp_path: Path
) -> None:
    objects.etcd(cluster, ALARM % "ACTIVATE")
    full = back_up(cluster, tmp_path)
    objects.etcd(cluster, ALARM % "DEACTIVATE")
    objects.apply(cluster, {"kind": "ConfigMap", "metadata": {"name": "later"}})
    directories = cluster.run("ls", "/var/lib/etcd")
    run = cluster.playbook("restore.yml", restore_file=str(full), cluster_timeout=45)
    assert run.returncode != 0
    assert re.search("NOSPACE|no space", said(run)), said(run)
    assert "It has its old data again, and is healthy with it" in said(run)
    objects.until(
        cluster, lambda: "ok" in cluster.run("kubectl", "get", "--raw", "/healthz", check=False), "API"
    )
    assert {*objects.read(cluster)} == {*backed_up, "ConfigMap later"}
    assert cluster.run("ls", "/var/lib/etcd") == directories


def test_a_cluster_whose_data_is_broken_is_mended(
    cluster: Node, backup: Path, backed_up: dict[str, Any]
) -> None:
    etcd = objects.containers(cluster)["etcd"]
    cluster.run("sh", "-c", "echo nothing >/var/lib/etcd/member/snap/db")
    # It may have ended by itself already.
    runtime().kill(cluster, etcd)
    restore(cluster, backup, cluster_timeout=60)
    assert objects.read(cluster) == backed_up


def test_a_fresh_host_takes_the_place_of_the_old(
    cluster: Node, backup: Path, backed_up: dict[str, Any]
) -> None:
    run = cluster.playbook("reset.yml", reset_confirm=True)
    assert run.returncode == 0, said(run)
    assert cluster.run("sh", "-c", "ls -A /var/lib/etcd /etc/kubernetes 2>/dev/null || true") == ""
    text = restore(cluster, backup)
    assert f"has what {backup} has" in text
    assert objects.read(cluster) == backed_up
    objects.runs(cluster, "reader")
    assert objects.secret_on_the_host(cluster) == "open sesame"
    listed = json.loads(cluster.run("kubectl", "get", "nodes", "--output", "json"))["items"]
    assert [item["metadata"]["name"] for item in listed] == [cluster.name]


def replicas(node: Node) -> int:
    """How many pods of the Deployment run."""
    return sum(name.startswith("web-") for name in objects.pods(node))


def test_controllers_follow_what_happens_after_a_restore(
    cluster: Node, given: dict[str, Any], tmp_path: Path
) -> None:
    components = ["etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler"]
    run = cluster.playbook("site.yml", cluster_components=components)
    assert run.returncode == 0, said(run)
    container = objects.pod(cluster, "web")["spec"]["containers"][0]
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    objects.apply(
        cluster, {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}
    )
    objects.until(cluster, lambda: replicas(cluster) == 1, "a pod of the Deployment")
    backup = back_up(cluster, tmp_path)
    # What controllers remember is far ahead of the backup then.
    for round_ in range(3):
        objects.apply(
            cluster,
            *(
                {"kind": "ConfigMap", "metadata": {"name": f"later-{number}"}, "data": {"round": str(round_)}}
                for number in range(100)
            ),
        )
    cluster.run("kubectl", "scale", "deployment/web", "--replicas=2")
    objects.until(cluster, lambda: replicas(cluster) == 2, "two pods of the Deployment")
    restore(cluster, backup, cluster_components=components)
    cluster.run("kubectl", "scale", "deployment/web", "--replicas=3")
    objects.until(cluster, lambda: replicas(cluster) == 3, "three pods of the Deployment")
    cluster.run("kubectl", "delete", "deployment", "web")
    objects.until(cluster, lambda: replicas(cluster) == 0, "no pod of the Deployment")
