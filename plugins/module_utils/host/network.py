# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host reaches, its addresses and routes, and the names it knows."""

from __future__ import annotations

import fcntl
import json
import re
import socket
import struct
import sys
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network, ip_address
from pathlib import Path

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import programs
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.procfs import text
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.programs import Run

SIOCGIFADDR = 0x8915
RESOLV_CONF = "/etc/resolv.conf"
# Where those that answer on loopback keep the servers they ask: systemd-resolved, NetworkManager, resolvconf.
UPSTREAM = (
    "/run/systemd/resolve/resolv.conf",
    "/run/NetworkManager/no-stub-resolv.conf",
    "/run/dnsmasq/resolv.conf",
)


@dataclass(frozen=True)
class Route:
    """Where packets to a network go out."""

    network: IPv4Network
    interface: str

    def __str__(self) -> str:
        """The route as a person reads it."""
        return f"{self.network} ({self.interface})"


@dataclass(frozen=True)
class Resolver:
    """Which file names the servers that pods can ask, and what is wrong with the host's own.

    path: empty if there is no such file. loopback: the servers of /etc/resolv.conf that only the host
    reaches. error: why the kubelet can't read it.
    """

    path: str = RESOLV_CONF
    loopback: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True)
class NextHop:
    """Where the kernel sends packets for an address.

    gateway: whom to, if they don't go straight there. own: whether the address is this host's. error: why
    they go nowhere.
    """

    gateway: str = ""
    interface: str = ""
    own: bool = False
    error: str = ""


@dataclass(frozen=True)
class Network:
    """addresses: IPv4, without loopback. bridge: the host's to pods; empty until it is there.

    routes: without the default, and without those of the pod network. forwards: whether packets go from one
    interface to another.
    """

    addresses: tuple[str, ...] = ()
    bridge: str = ""
    routes: tuple[Route, ...] = ()
    resolver: Resolver = Resolver()
    forwards: bool = True


def observe(bridge: str, ours: Container[str] = ()) -> Network:
    """Look at the network.

    bridge: the interface that pods are connected to. ours: networks that the collection has made routes to.
    """
    return Network(
        addresses(text("/proc/net/fib_trie")),
        address(bridge),
        tuple(each for each in routes(text("/proc/net/route")) if str(each.network) not in ours),
        resolver(),
        text("/proc/sys/net/ipv4/ip_forward").strip() != "0",
    )


def name_error(name: str) -> str:
    """Why the name can't be resolved; empty if it can."""
    try:
        socket.getaddrinfo(name, None)
    except (OSError, UnicodeError) as error:
        return getattr(error, "strerror", None) or str(error)
    return ""


def address(interface: str) -> str:
    """The IPv4 address of a network interface; empty if it has none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        request = struct.pack("256s", interface.encode()[:15])
        try:
            answer = fcntl.ioctl(probe.fileno(), SIOCGIFADDR, request)
        except OSError:
            return ""
    return socket.inet_ntoa(answer[20:24])


def default_address() -> str:
    """The IPv4 address at the host's end of its default route; empty if it has no such route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # As Ansible's own facts ask; of a UDP socket nothing is sent.
            probe.connect(("8.8.8.8", 53))
        except OSError:
            return ""
        address: str = probe.getsockname()[0]
        return address


def addresses(fib_trie: str) -> tuple[str, ...]:
    """The host's IPv4 addresses, without loopback, from the kernel's routes to the host itself."""
    found = re.findall(r"\|-- (\S+)\n\s+/32 host LOCAL", fib_trie)
    return tuple(dict.fromkeys(address for address in found if not address.startswith("127.")))


def routes(table: str) -> Iterator[Route]:
    """The routes to other networks, from the text of /proc/net/route."""
    for fields in map(str.split, table.splitlines()[1:]):
        destination, mask = (int(fields[column], 16).to_bytes(4, sys.byteorder) for column in (1, 7))
        if any(mask):
            length = bin(int.from_bytes(mask, "big")).count("1")
            yield Route(IPv4Network((destination, length), strict=False), fields[0])


def next_hops(wanted: Iterable[str], run: Run) -> dict[str, NextHop]:
    """The way to each of these addresses, by the address; none where nobody can tell it."""
    ip = programs.find("ip")
    if not ip:
        return {}
    return {each: next_hop(*run([ip, "-4", "-json", "route", "get", each])) for each in wanted}


def next_hop(code: int, out: str, error: str) -> NextHop:
    """What `ip -4 -json route get ADDRESS` says."""
    try:
        (route,) = json.loads(out) if code == 0 else [None]
    except ValueError:
        route = None
    if not isinstance(route, dict):
        said = (error or out).strip().splitlines() or [f"ip ended with code {code}"]
        return NextHop(error=said[0].split("answers: ")[-1].rstrip("."))
    kind = route.get("type", "unicast")
    if kind not in ("unicast", "local"):
        return NextHop(error=f"it is a {kind} address")
    return NextHop(route.get("gateway", ""), route.get("dev", ""), kind == "local")


def nameservers(resolv_conf: str) -> list[str]:
    """The addresses of the name servers, from the text of resolv.conf."""
    lines = (line.split() for line in resolv_conf.splitlines())
    return [address for fields in lines if fields[:1] == ["nameserver"] for address in fields[1:]]


def resolver(own: str = RESOLV_CONF, upstream: tuple[str, ...] = UPSTREAM) -> Resolver:
    """The file to read pods' name servers from: own, or if that has some on loopback, one of upstream."""
    try:
        content = Path(own).read_text(errors="replace")
    except OSError as error:
        return Resolver("", error=f"{own} can't be read: {error.strerror}")
    if re.search(r"^\s*nameserver\s*$", content, re.MULTILINE):
        return Resolver("", error=f"{own} has a line nameserver without an address")
    servers = nameservers(content)
    loopback = tuple(filter(_is_loopback, servers))
    if not loopback:
        return Resolver(own)
    for path in upstream:
        others = nameservers(text(path))
        if others and not any(map(_is_loopback, others)):
            return Resolver(path, loopback)
    return Resolver(own if len(loopback) < len(servers) else "", loopback)


def _is_loopback(server: str) -> bool:
    try:
        return ip_address(server.partition("%")[0]).is_loopback
    except ValueError:
        return False
