"""A snapshot counts if it is whole, of a Kubernetes cluster, and of the right one."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.backup import snapshot_file
from ansible_collections.mink8s.kubernetes.plugins.module_utils.backup.snapshot_file import (
    Snapshot,
    SnapshotError,
)

if TYPE_CHECKING:
    from pathlib import Path


def pair(key: str, deleted: bool = False) -> bytes:
    """A key as etcd stores it: with what it was made by, unless it is the mark of its deletion."""
    text = key.encode()
    return b"\x0a" + bytes([len(text)]) + text + (b"" if deleted else b"\x10\x02\x18\x05\x20\x01")


KUBE_SYSTEM = pair("/registry/namespaces/kube-system")


def database(*pairs: bytes) -> bytes:
    """What begins as a bolt database and has these keys somewhere."""
    content = bytes(16) + snapshot_file.MAGIC + bytes(4096) + b"".join(pairs)
    return content + bytes(-len(content) % 4096)


def write(path: Path, content: bytes) -> Path:
    path.write_bytes(content + hashlib.sha256(content).digest())
    return path


def refusal(path: Path) -> str:
    with pytest.raises(SnapshotError) as caught:
        snapshot_file.verify(path)
    return str(caught.value)


def test_a_whole_snapshot_tells_its_nodes(tmp_path: Path) -> None:
    nodes = [
        pair("/registry/minions/host-2"),
        pair("/registry/minions/host-1.example"),
        pair("/registry/minions/host-2"),
    ]
    others = [pair("/registry/minions/gone", deleted=True), pair("/registry/leases/kube-node-lease/other")]
    path = write(tmp_path / "snapshot.db", database(KUBE_SYSTEM, *nodes, *others))
    whole = path.read_bytes()
    assert snapshot_file.verify(path) == Snapshot(
        len(whole), hashlib.sha256(whole).hexdigest(), ("host-1.example", "host-2")
    )


def test_one_longer_than_what_is_read_at_a_time(tmp_path: Path) -> None:
    path = write(tmp_path / "snapshot.db", database(KUBE_SYSTEM, bytes(snapshot_file.BLOCK * 2)))
    assert snapshot_file.verify(path).size == path.stat().st_size


@pytest.mark.parametrize("length", [0, 1, 32, 4096, -1, -512 + 32])
def test_one_that_is_cut_off(tmp_path: Path, length: int) -> None:
    path = write(tmp_path / "snapshot.db", database(KUBE_SYSTEM))
    path.write_bytes(path.read_bytes()[:length])
    assert f"{path} is no whole snapshot of etcd: it has {path.stat().st_size} bytes" in refusal(path)


def test_one_that_is_cut_off_where_it_could_end(tmp_path: Path) -> None:
    path = write(tmp_path / "snapshot.db", database(KUBE_SYSTEM))
    path.write_bytes(path.read_bytes()[:-512])
    assert f"{path} is damaged: its database has the SHA-256 " in refusal(path)


@pytest.mark.parametrize("place", [0, 4096, -1])
def test_one_with_a_flipped_byte(tmp_path: Path, place: int) -> None:
    path = write(tmp_path / "snapshot.db", database(KUBE_SYSTEM))
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)
    assert "is damaged" in refusal(path)


def test_another_kind_of_file(tmp_path: Path) -> None:
    path = write(tmp_path / "snapshot.db", bytes(4096))
    assert f"{path} is no snapshot of etcd: it does not begin as its database does." == refusal(path)


def test_an_etcd_without_a_cluster(tmp_path: Path) -> None:
    deleted = pair("/registry/namespaces/kube-system", deleted=True)
    path = write(tmp_path / "snapshot.db", database(deleted, pair("/registry/namespaces/kube-system2")))
    assert "not of a Kubernetes cluster's" in refusal(path)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none") == f"{tmp_path}/none cannot be read: No such file or directory."


def test_the_cluster_is_known_by_its_nodes() -> None:
    snapshot_file.belongs(Snapshot(1, "", ("host-1", "host-2")), "snapshot.db", "host-2")
    with pytest.raises(SnapshotError, match=r"it knows host-1, and this host's node is host-2\.") as caught:
        snapshot_file.belongs(Snapshot(1, "", ("host-1",)), "snapshot.db", "host-2")
    assert "set cluster_node_name to have it take the place of the old node" in str(caught.value)
    with pytest.raises(SnapshotError, match="it knows no node at all"):
        snapshot_file.belongs(Snapshot(1, "", ()), "snapshot.db", "host-2")
