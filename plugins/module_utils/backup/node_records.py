# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The nodes in an etcd's database: address and pod subnet of each, as Kubernetes' protobuf has them."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import mmap
    from collections.abc import Iterator

DIRECTORY = b"/registry/minions/"
KEY = re.compile(rb"/registry/minions/([a-z0-9.-]+)")
# What a database has before the key: a revision, t where the key was deleted with it, and the key's length.
BEFORE = re.compile(rb"(.{8})_.{8}(t?)\x0a.\Z", re.DOTALL)
LONGEST_BEFORE = 20
PREFIX = b"k8s\0"
# Numbers of fields: of etcd's KeyValue, and Kubernetes' Unknown, Node, NodeSpec, NodeStatus and NodeAddress.
VALUE, RAW, SPEC, STATUS, POD_CIDR, ADDRESSES, TYPE, ADDRESS = 5, 2, 2, 3, 1, 5, 1, 2
VARINT, BYTES = 0, 2
# A node's object is smaller by far.
LONGEST = 1 << 20


@dataclass(frozen=True)
class NodeRecord:
    """A node with a part of the pod network."""

    name: str
    address: str
    subnet: str


def nodes(content: mmap.mmap | bytes) -> list[NodeRecord]:
    """The nodes of a database that have a podCIDR and an address, by their newest revisions."""
    newest: dict[str, tuple[int, NodeRecord | None]] = {}
    at = content.find(DIRECTORY)
    while at >= 0:
        before = BEFORE.search(content[max(0, at - LONGEST_BEFORE) : at])
        key = KEY.fullmatch(content[at : at + content[at - 1]])
        if before and key:
            name, (revision,) = key[1].decode(), struct.unpack(">Q", before[1])
            if revision > newest.get(name, (-1, None))[0]:
                stored = b"" if before[2] else content[at - 2 : at + LONGEST]
                newest[name] = (revision, _record(name, stored))
        at = content.find(DIRECTORY, at + 1)
    return [record for _name, (_revision, record) in sorted(newest.items()) if record]


def _record(name: str, stored: bytes) -> NodeRecord | None:
    """What a node's value says; None without a podCIDR, or where it is stored in another way."""
    try:
        value = _first(stored, VALUE)
        if not value.startswith(PREFIX):
            return None
        node = _first(value[len(PREFIX) :], RAW)
        subnet = _first(_first(node, SPEC), POD_CIDR).decode()
        addresses = [each for number, each in _fields(_first(node, STATUS)) if number == ADDRESSES]
        internal = [
            _first(each, ADDRESS).decode() for each in addresses if _first(each, TYPE) == b"InternalIP"
        ]
    except (ValueError, IndexError):
        return None
    return NodeRecord(name, internal[0], subnet) if internal and subnet else None


def _first(message: bytes, wanted: int) -> bytes:
    """The first field of that number; empty if there is none."""
    return next((value for number, value in _fields(message) if number == wanted), b"")


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Number and value of each field that has bytes. Raises ValueError and IndexError."""
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        length, at = _varint(message, at)
        if kind == BYTES:
            yield number, message[at : at + length]
            at += length
        elif kind != VARINT:
            raise ValueError(f"a field of kind {kind}, which no node has")


def _varint(message: bytes, at: int) -> tuple[int, int]:
    """A number, and where what follows it begins."""
    value = shift = 0
    while True:
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return value, at
