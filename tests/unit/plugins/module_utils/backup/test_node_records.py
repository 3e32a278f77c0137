"""The nodes of a backup get back the parts of the pod network that they had."""

from __future__ import annotations

import struct

from ansible_collections.mink8s.kubernetes.plugins.module_utils.backup import node_records
from ansible_collections.mink8s.kubernetes.plugins.module_utils.backup.node_records import NodeRecord

ALPHA = NodeRecord("alpha", "192.0.2.7", "10.244.0.0/24")


def field(number: int, content: bytes) -> bytes:
    """A field of a protobuf message, with a length of up to two bytes."""
    size = len(content)
    length = bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7])
    return bytes([number << 3 | 2]) + length + content


def node(address: str, subnet: str) -> bytes:
    """A node as Kubernetes stores it."""
    spec = field(1, subnet.encode()) if subnet else b""
    addresses = [
        field(5, field(1, b"Hostname") + field(2, b"any")),
        field(5, field(1, b"InternalIP") + field(2, address.encode())),
    ]
    message = field(1, field(1, b"n" * 200)) + field(2, spec) + field(3, b"".join(addresses))
    return b"k8s\0" + field(1, field(1, b"v1") + field(2, b"Node")) + field(2, message)


def record(name: str, revision: int, value: bytes | None) -> bytes:
    """A page's entry for a key, which None deletes."""
    key = struct.pack(">Q", revision) + b"_" + bytes(8) + (b"t" if value is None else b"")
    stored = field(1, f"/registry/minions/{name}".encode())
    return key + stored + (b"" if value is None else b"\x10\x82\x01\x18\x85\x02\x20\x02" + field(5, value))


def test_each_node_has_its_address_and_its_subnet() -> None:
    content = b"".join(
        (
            *(bytes(100), record("beta-2", 300, node("192.0.2.8", "10.244.1.0/24")), b"unrelated"),
            *(record("alpha", 200, node("192.0.2.7", "10.244.0.0/24")), bytes(5000)),
        )
    )
    assert node_records.nodes(content) == [ALPHA, NodeRecord("beta-2", "192.0.2.8", "10.244.1.0/24")]


def test_the_newest_revision_counts_wherever_it_is() -> None:
    old, new = node("192.0.2.9", ""), node("192.0.2.7", "10.244.0.0/24")
    for order in ((100, old, 0x5F0A, new), (0x5F0A, new, 100, old)):
        content = record("alpha", order[0], order[1]) + record("alpha", order[2], order[3])
        assert node_records.nodes(content) == [ALPHA]


def test_a_node_that_was_deleted_has_nothing() -> None:
    made, deleted = record("alpha", 5, node("192.0.2.7", "10.244.0.0/24")), record("alpha", 6, None)
    assert node_records.nodes(made + deleted + b"and what follows") == []
    again = record("alpha", 7, node("192.0.2.7", "10.244.0.0/24"))
    assert node_records.nodes(made + deleted + again) == [ALPHA]


def test_what_is_not_stored_like_this_is_passed_over() -> None:
    encrypted = record("alpha", 5, b"k8s:enc:aescbc:v1:key1:" + bytes(range(256)))
    cut_off = record("beta", 5, node("192.0.2.7", "10.244.0.0/24"))[:60]
    assert node_records.nodes(encrypted + bytes(100) + cut_off) == []
    assert node_records.nodes(b"/registry/minions/alpha") == []
