# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A cluster of several nodes: what its hosts have said, put together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.status.model import (
    Command,
    Component,
    Connection,
    Missing,
    Node,
    Pod,
    Port,
    Route,
    Status,
)

PARTS = {
    "pods": Pod,
    "connections": Connection,
    "missing": Missing,
    "commands": Command,
    "nodes": Node,
    "routes": Route,
}
# What has come of a packet from one node to another.
THROUGH, BROKEN, UNKNOWN = "through", "broken", "unknown"
# How many routes that nothing passes are told above everything else.
MOST = 6


@dataclass(frozen=True)
class Link:
    """The way from a node to the pods of another.

    state: THROUGH, BROKEN or UNKNOWN. seen: in words. label: in few.
    """

    source: str
    target: str
    network: str
    state: str
    seen: str
    label: str

    @property
    def told(self) -> str:
        """A sentence about it."""
        return f"{self.source} to the pods of {self.target}, {self.network or 'no network'}: {self.seen}"


@dataclass(frozen=True)
class Cluster:
    """own: of the control plane host. others: of the hosts of other nodes that were asked."""

    own: Status
    others: tuple[Status, ...] = ()

    @property
    def statuses(self) -> tuple[Status, ...]:
        """Of all hosts that were asked, the control plane host's first."""
        return self.own, *self.others

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """All that the API knows, the control plane host's first."""
        return tuple(sorted(self.own.nodes, key=lambda node: (node.name != self.own.node, node.name)))

    @cached_property
    def by_node(self) -> dict[str, Status]:
        """What the hosts have said, by the names of their nodes."""
        return {status.node: status for status in self.statuses}

    @cached_property
    def links(self) -> tuple[Link, ...]:
        """The way from each node to each other."""
        return tuple(
            _link(self.by_node.get(source.name), source, target)
            for source in self.nodes
            for target in self.nodes
            if target is not source
        )

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a person should know of all hosts."""
        silent = [node.name for node in self.nodes if node.name not in self.by_node]
        broken = [f"No packet gets through from {link.told}." for link in self.links if link.state == BROKEN]
        more = len(broken) - MOST
        return (
            *self.own.remarks,
            *(f"{status.node}: {remark}" for status in self.others for remark in status.remarks),
            *(
                f"The host of node {name} was not asked: it is not in this run, or failed in it."
                for name in silent
            ),
            *broken[:MOST],
            *([f"And so it is with {more} more routes, see below."] if more > 0 else []),
        )


def _link(status: Status | None, source: Node, target: Node) -> Link:
    state, seen, label = _seen(status, source, target)
    return Link(source.name, target.name, target.pod_network, state, seen, label)


def _seen(status: Status | None, source: Node, target: Node) -> tuple[str, str, str]:
    """What is known of the way from one node to another: its state, and that in words and in few."""
    if not target.pod_network:
        return UNKNOWN, f"node {target.name} has no spec.podCIDR", "not tried"
    if not status:
        return UNKNOWN, f"the host of {source.name} was not asked", "not tried"
    route = next((each for each in status.routes if each.network == target.pod_network), None)
    if route is None:
        return BROKEN, f"{source.name} has no route", "no route"
    if route.problem:
        return BROKEN, f"{route.problem}, via {route.via}", "no answer"
    taken = f"{route.seconds * 1000:.1f} ms"
    return THROUGH, f"an answer after {taken}, via {route.via}", taken


def of(own: Mapping[str, Any], hosts: Iterable[Mapping[str, Any]]) -> Cluster:
    """The cluster of a control plane host. hosts: what the module status has returned of all hosts."""
    status = status_of(own)
    names = {node.name for node in status.nodes} - {status.node}
    others = (
        status_of(each) for each in hosts if each["node"] in names and each["cluster"] == status.cluster
    )
    return Cluster(status, tuple(sorted(others, key=lambda each: each.node)))


def status_of(found: Mapping[str, Any]) -> Status:
    """A status from what the module of this name has returned."""
    known: dict[str, Any] = {each.name: found[each.name] for each in fields(Status)}
    known.update({name: tuple(kind(**each) for each in found[name]) for name, kind in PARTS.items()})
    known.update(components=tuple(_components(found["components"])), remarks=tuple(found["remarks"]))
    return Status(**known)


def _components(found: Iterable[Mapping[str, Any]]) -> Iterator[Component]:
    for each in found:
        yield Component(**{**each, "ports": tuple(Port(**port) for port in each["ports"])})
