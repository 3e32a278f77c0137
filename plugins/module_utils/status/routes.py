# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The routes of a host to the pods of other nodes, each tried with a packet that is really sent."""

from __future__ import annotations

import os
import socket
import struct
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import network, pod_network
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.programs import Run
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status.model import Route

# Of ICMP.
REQUEST, REPLY = 8, 0
TRIES, SECONDS = 3, 1.0


def look(run: Run) -> tuple[Route, ...]:
    """The routes, and what came of a packet on each. run: the module's run_command."""
    found = list(parse(pod_network.printed_routes(run)))
    own = network.address(pod_network.BRIDGE) if found else ""
    with ThreadPoolExecutor(8) as pool:
        return tuple(pool.map(lambda route: attempt(route, own), found))


def parse(printed: str) -> Iterator[Route]:
    """The routes in what ip prints."""
    for line in printed.splitlines():
        destination, *words = line.split()
        yield Route(destination, dict(zip(words, words[1:])).get("via", ""))


def attempt(route: Route, own: str) -> Route:
    """The route, with what came of a packet from the bridge here to the bridge there, as pods send them."""
    if not own:
        return Route(route.network, route.via, problem=f"the bridge {pod_network.BRIDGE} here has no address")
    bridge = str(next(ip_network(route.network).hosts()))
    try:
        return Route(route.network, route.via, echo(own, bridge))
    except socket.timeout:
        return Route(route.network, route.via, problem=f"no answer from {bridge}")
    except OSError as error:
        return Route(route.network, route.via, problem=f"{bridge}: {error.strerror or error}")


def echo(source: str, target: str) -> float:
    """How many seconds an ICMP echo took. Raises OSError, of which a timeout is one."""
    token = os.urandom(16)
    with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as probe:
        probe.bind((source, 0))
        probe.connect((target, 0))
        for number in range(TRIES):
            sent = time.monotonic()
            probe.send(request(number, token))
            while (left := sent + SECONDS - time.monotonic()) > 0:
                probe.settimeout(left)
                try:
                    packet = probe.recv(1024)
                except socket.timeout:
                    break
                if is_reply(packet, token):
                    return time.monotonic() - sent
    raise socket.timeout


def request(number: int, token: bytes) -> bytes:
    """An ICMP echo request with a token by which the reply is known."""
    blank = struct.pack("!BBHHH", REQUEST, 0, 0, os.getpid() & 0xFFFF, number)
    return blank[:2] + struct.pack("!H", checksum(blank + token)) + blank[4:] + token


def is_reply(packet: bytes, token: bytes) -> bool:
    """Whether an IPv4 packet is the reply to the request with that token."""
    start = (packet[0] & 0x0F) * 4
    return packet[start] == REPLY and packet.endswith(token)


def checksum(message: bytes) -> int:
    """The checksum of the Internet protocols, of a message of even length."""
    total: int = sum(struct.unpack(f"!{len(message) // 2}H", message))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
