"""Routes are read from what `ip` prints, and tried with an ICMP echo."""

from __future__ import annotations

import socket

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status import routes
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status.model import Route

PRINTED = """\
10.244.1.0/24 via 192.0.2.8 dev eth0
10.244.2.0/24 via 192.0.2.9 dev eth0 linkdown
"""
ROUTE = Route("10.244.1.0/24", "192.0.2.8")


def test_routes_are_read_with_the_other_node_s_address() -> None:
    assert list(routes.parse(PRINTED)) == [ROUTE, Route("10.244.2.0/24", "192.0.2.9")]


def test_an_echo_request_has_the_checksum_of_its_protocol() -> None:
    # As RFC 1071 says: over all of it, with its checksum, there is nothing left.
    assert routes.checksum(routes.request(3, b"0123456789abcdef")) == 0


def test_a_reply_is_known_by_its_token() -> None:
    token = b"0123456789abcdef"
    header, answer = bytes([0x45, *[0] * 19]), bytes([routes.REPLY, *[0] * 7])
    assert routes.is_reply(header + answer + token, token)
    assert not routes.is_reply(header + answer + token[::-1], token)
    assert not routes.is_reply(header + routes.request(0, token), token)


@pytest.mark.parametrize(
    ("error", "problem"),
    [
        (socket.timeout(), "no answer from 10.244.1.1"),
        (OSError(113, "No route to host"), "10.244.1.1: No route to host"),
    ],
)
def test_what_was_seen_instead_of_an_answer_is_told(
    monkeypatch: pytest.MonkeyPatch, error: OSError, problem: str
) -> None:
    asked = []

    def echo(source: str, target: str) -> float:
        asked.append((source, target))
        raise error

    monkeypatch.setattr(routes, "echo", echo)
    assert routes.attempt(ROUTE, "10.244.0.1") == Route("10.244.1.0/24", "192.0.2.8", problem=problem)
    assert asked == [("10.244.0.1", "10.244.1.1")]


def test_without_a_bridge_nothing_is_sent() -> None:
    assert routes.attempt(ROUTE, "").problem == "the bridge cni0 here has no address"
