"""Ports are open until the expected hosts have connected, and free again then."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from ansible_collections.mink8s.kubernetes.plugins.modules import cluster_hosts, port_listener

ADDRESS = "127.0.0.1"


@pytest.fixture
def port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind((ADDRESS, 0))
        number: int = free.getsockname()[1]
        return number


@pytest.fixture
def listener(port: int) -> Iterator[threading.Thread]:
    """Something that listens there for one host."""
    expected = [{"port": port, "hosts": 1}]
    thread = threading.Thread(target=port_listener.serve, args=(ADDRESS, expected, 20))
    thread.start()
    yield thread
    thread.join()


def test_it_listens_until_the_host_has_connected(port: int, listener: threading.Thread) -> None:
    assert cluster_hosts.why_unreachable(ADDRESS, port, 5) == ""
    listener.join(5)
    assert not listener.is_alive()
    assert "refused" in cluster_hosts.why_unreachable(ADDRESS, port, 1)


def test_it_ends_when_time_is_up(port: int) -> None:
    start = time.monotonic()
    port_listener.serve(ADDRESS, [{"port": port, "hosts": 2}], 0.1)
    assert time.monotonic() - start >= 0.1
    assert port_listener.listen(ADDRESS, port) is not None


def test_a_port_that_is_taken_is_left_alone(port: int) -> None:
    with socket.create_server((ADDRESS, port)):
        assert port_listener.listen(ADDRESS, port) is None
        port_listener.serve(ADDRESS, [{"port": port, "hosts": 1}], 20)


def test_where_nobody_is_expected_nothing_is_opened(port: int) -> None:
    port_listener.serve(ADDRESS, [{"port": port, "hosts": 0}], 20)
