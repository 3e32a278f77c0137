# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What there is of a cluster on a host, and what is still missing of Kubernetes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from ipaddress import ip_address

REACH = {"host": "this host", "pods": "host and pods", "network": "the network"}
ASKS = {True: "with credentials", False: "anyone", None: "for a Service"}
ELSEWHERE = "the network"


@dataclass(frozen=True)
class Port:
    """A port on which a component listens.

    reach: a key of REACH. guarded: whether it asks for credentials; None if it leads to a Service.
    """

    protocol: str
    number: int
    reach: str
    guarded: bool | None = False

    @property
    def who(self) -> str:
        """Who can reach it."""
        return f"{REACH[self.reach]}, {ASKS[self.guarded]}"


@dataclass(frozen=True)
class Component:
    """A part of Kubernetes on this host.

    place: the unit or the container it runs as. problem: why it is not healthy; empty if it is. since: from
    when on it is healthy, in seconds since the epoch. memory: resident, in bytes.
    """

    name: str
    place: str
    version: str = ""
    problem: str = ""
    since: float = 0.0
    memory: int = 0
    ports: tuple[Port, ...] = ()


@dataclass(frozen=True)
class Pod:
    """A pod that is no component of Kubernetes. node: empty if that is not known."""

    namespace: str
    name: str
    state: str
    address: str = ""
    node: str = ""

    @property
    def full_name(self) -> str:
        """What it is called in the whole cluster."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True)
class Connection:
    """Live connections of one kind. client: a component, a pod, or ELSEWHERE. to: a port or a socket."""

    client: str
    server: str
    to: str


@dataclass(frozen=True)
class Missing:
    """What the article says is missing, and the word of a variable that adds it."""

    what: str
    variable: str
    word: str


@dataclass(frozen=True)
class Command:
    """What a person types on the host, and what that shows."""

    shows: str
    command: str


@dataclass(frozen=True)
class Node:
    """A node as the API knows it. pod_network: its spec.podCIDR, empty if it has none."""

    name: str
    ready: bool
    version: str = ""
    runtime: str = ""
    address: str = ""
    pod_network: str = ""


@dataclass(frozen=True)
class Route:
    """A route of this host to the pods of another node.

    via: the other node's address. seconds: in which a packet went there and its answer came back. problem:
    what was seen instead; empty if there was an answer.
    """

    network: str
    via: str
    seconds: float = 0.0
    problem: str = ""


@dataclass(frozen=True)
class Status:
    """Everything that the table and the page show.

    nodes: those that the host's credentials show. cluster: the same on all hosts of a cluster, and on no
    others; empty if there are no certificates. note: what a person has to know to understand the rest.
    """

    host: str
    node: str
    system: str
    taken: float
    components: tuple[Component, ...]
    pods: tuple[Pod, ...]
    connections: tuple[Connection, ...]
    missing: tuple[Missing, ...]
    remarks: tuple[str, ...] = ()
    commands: tuple[Command, ...] = ()
    nodes: tuple[Node, ...] = ()
    routes: tuple[Route, ...] = ()
    cluster: str = ""
    control_plane: bool = False
    note: str = ""


@dataclass(frozen=True)
class Socket:
    """A socket of the host's own network. peer: empty for one that listens. pids: of those who hold it."""

    protocol: str
    local: str
    port: str
    peer: str
    peer_port: str
    pids: tuple[int, ...]


def reach(address: str, bridge: str) -> str:
    """From where an address of this host is reached. bridge: the host's own on the pods' network."""
    if address == bridge:
        return "pods"
    return "host" if address != "*" and ip_address(address).is_loopback else "network"


def connections(
    sockets: Collection[Socket], names: Mapping[int, str], pods: Mapping[str, str], own: Collection[str]
) -> Iterator[Connection]:
    """Who is connected with whom, each pair and port once.

    names: of the components, by process. pods: full names by address. own: addresses of the host itself.
    """
    held = {(each.protocol, each.local, each.port): each for each in sockets if each.peer_port}
    listening = {(pid, each.port) for each in sockets if not each.peer_port for pid in each.pids}
    found: dict[Connection, None] = {}
    for server in sockets:
        name = _name(server, names)
        by_name = server.protocol == "unix" and server.local
        if (
            name
            and server.peer_port
            and (by_name or any((pid, server.port) in listening for pid in server.pids))
        ):
            client = held.get((server.protocol, server.peer, server.peer_port))
            other = _name(client, names) if client else ""
            if not client and not by_name:
                other = pods.get(server.peer, "" if server.peer in own else ELSEWHERE)
            if other and other != name:
                found[
                    Connection(other, name, server.local.rpartition("/")[2] if by_name else server.port)
                ] = None
    return iter(found)


def _name(socket: Socket, names: Mapping[int, str]) -> str:
    return next((names[pid] for pid in socket.pids if pid in names), "")


def missing(running: Collection[str], certificates: bool, host: str, several: bool) -> Iterator[Missing]:
    """The article's list, without what is there.

    certificates: whether clients are known by them. host: the inventory name of this one. several: whether
    its cluster has several nodes.
    """

    def component(what: str, word: str) -> Iterable[Missing]:
        return () if word in running else (Missing(what, "cluster_components", word),)

    yield from component("a scheduler: a pod runs where its nodeName says", "kube-scheduler")
    if not certificates:
        yield Missing("authentication and authorization", "cluster_authentication", "certificates")
    if not several:
        yield Missing("several nodes: more hosts, each with this", "cluster_control_plane", host)
    yield from of_a_node(running)
    yield from component("controllers: Deployments, Endpoints, tokens", "kube-controller-manager")


def of_a_node(running: Collection[str]) -> Iterator[Missing]:
    """What every node has of the article's list, without what is there."""
    for what, word in (
        ("a service network: cluster IPs and NodePorts", "kube-proxy"),
        ("cluster DNS: names of Services", "coredns"),
    ):
        if word not in running:
            yield Missing(what, "cluster_components", word)


def moment(seconds: float) -> str:
    """A time as people read it, in UTC; empty if there is none."""
    return f"{datetime.fromtimestamp(seconds, timezone.utc):%Y-%m-%d %H:%M:%S}" if seconds else ""


def mebibytes(size: int) -> str:
    """A size as people read it; empty if there is none."""
    return f"{size / 2**20:.0f} MiB" if size else ""
