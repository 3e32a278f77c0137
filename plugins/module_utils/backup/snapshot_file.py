# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a snapshot of etcd is: etcd's database, and after it the database's SHA-256."""

from __future__ import annotations

import hashlib
import mmap
import re
import struct
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.mink8s.kubernetes.plugins.module_utils.backup import node_records
from ansible_collections.mink8s.kubernetes.plugins.module_utils.backup.node_records import NodeRecord

CHECKSUM_BYTES = 32
SECTOR_BYTES = 512
# Where the first page of a bolt database says what it is.
MAGIC = struct.pack("<I", 0xED0CDAED)
MAGIC_OFFSET = 16
BLOCK = 1 << 20
# What etcd puts after a key that has a value, unlike after one that was deleted.
HAS_VALUE = b"\x10"
KUBE_SYSTEM = b"/registry/namespaces/kube-system" + HAS_VALUE
NODE = re.compile(rb"/registry/minions/([a-z0-9.-]+)" + HAS_VALUE)
REFUSED = (
    "Nothing was changed. The playbook restore takes a file that the playbook backup wrote, as it wrote it."
)


class SnapshotError(ValueError):
    """A file is not a snapshot that could be restored."""


@dataclass(frozen=True)
class Snapshot:
    """A whole snapshot of a Kubernetes cluster.

    sha256: of the file. nodes: names of the nodes in it, those deleted a short while ago too.
    pod_subnets: the nodes that have a part of the pod network.
    """

    size: int
    sha256: str
    nodes: tuple[str, ...]
    pod_subnets: tuple[NodeRecord, ...] = ()


def verify(path: str | Path) -> Snapshot:
    """The snapshot in a file. Raises SnapshotError unless it is whole and of a Kubernetes cluster."""
    try:
        size = Path(path).stat().st_size
        if size <= CHECKSUM_BYTES or size % SECTOR_BYTES != CHECKSUM_BYTES:
            raise SnapshotError(
                f"{path} is no whole snapshot of etcd: it has {size} bytes, and one has a multiple of"
                f" {SECTOR_BYTES} and the {CHECKSUM_BYTES} of its checksum."
            )
        with Path(path).open("rb") as stream:
            content = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            with content:
                return _read(path, content)
    except OSError as error:
        raise SnapshotError(f"{path} cannot be read: {error.strerror}.") from error


def _read(path: str | Path, content: mmap.mmap) -> Snapshot:
    if content[MAGIC_OFFSET : MAGIC_OFFSET + len(MAGIC)] != MAGIC:
        raise SnapshotError(f"{path} is no snapshot of etcd: it does not begin as its database does.")
    end = len(content) - CHECKSUM_BYTES
    digest = hashlib.sha256()
    for start in range(0, end, BLOCK):
        digest.update(content[start : min(start + BLOCK, end)])
    if digest.digest() != content[end:]:
        raise SnapshotError(
            f"{path} is damaged: its database has the SHA-256 {digest.hexdigest()}, but the snapshot was made"
            f" of one with {content[end:].hex()}."
        )
    if content.find(KUBE_SYSTEM) < 0:
        raise SnapshotError(
            f"{path} is a snapshot of an etcd, but not of a Kubernetes cluster's: it has no namespace"
            " kube-system."
        )
    digest.update(content[end:])
    nodes = sorted({match[1].decode() for match in NODE.finditer(content)})
    return Snapshot(len(content), digest.hexdigest(), tuple(nodes), tuple(node_records.nodes(content)))


def belongs(snapshot: Snapshot, path: str | Path, node_name: str) -> None:
    """Raises SnapshotError unless the snapshot knows a node of that name."""
    if node_name not in snapshot.nodes:
        known = ", ".join(snapshot.nodes) or "no node at all"
        raise SnapshotError(
            f"{path} is of another cluster: it knows {known}, and this host's node is {node_name}. Give a"
            " snapshot of this host, or set cluster_node_name to have it take the place of the old node."
        )
