# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which part of the pod network each node of a cluster has: a file on the control plane host."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import files, subnets
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan, shown

if TYPE_CHECKING:
    from typing import TypeAlias

MODE = 0o644


class PodSubnetError(ValueError):
    """No subnet can be given, or the file is not what it has to be."""


@dataclass(frozen=True)
class Entry:
    """A node's address, and the subnet of its pods."""

    address: str
    subnet: str


# By the names of nodes. Up to Python 3.8 only text may be subscripted like this.
Entries: TypeAlias = "dict[str, Entry]"


@dataclass(frozen=True)
class Wanted:
    """What is asked for.

    current: the subnet the node's pods are in already. reported: the subnets that the API has of each node.
    own: the name of the control plane host's node and the subnet of its pods, which may not be in the file
    yet.
    """

    network: str
    node: str
    address: str
    current: str = ""
    reported: Mapping[str, tuple[str, ...]] | None = None
    own: tuple[str, str] = ("", "")


def read(path: str) -> Entries:
    """The entries in the file; none if there is no file. Raises PodSubnetError and OSError."""
    content = files.read(path)
    if content is None:
        return {}
    try:
        entries = {name: Entry(**each) for name, each in json.loads(content).items()}
        for each in entries.values():
            IPv4Network(each.subnet)
    except (ValueError, TypeError, AttributeError) as error:
        raise PodSubnetError(
            f"{path} does not list nodes with their address and subnet any more ({error}). Put back the"
            " file it was, or remove it: nodes in the API keep their spec.podCIDR, all others the subnet"
            " they have."
        ) from error
    return entries


def render(entries: Entries) -> bytes:
    """The file's content."""
    listed = {name: asdict(each) for name, each in sorted(entries.items())}
    return f"{json.dumps(listed, indent=2)}\n".encode()


@contextmanager
def alone(path: str) -> Iterator[None]:
    """Wait until no other process changes the file, where its directory is there. Raises OSError."""
    # The file itself is another one after each change, and the directory is there before it.
    directory = Path(path).parent
    if not directory.exists():
        yield
        return
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def with_known(entries: Entries, known: Iterable[Mapping[str, str]], network: str) -> Entries:
    """The entries with those nodes of a backup that they lack and whose subnet is a part of the network."""
    added = {
        each["name"]: Entry(each["address"], each["subnet"])
        for each in known
        if subnets.is_node_subnet(each["subnet"], network)
        and all(each["subnet"] != entry.subnet for entry in entries.values())
    }
    return {**added, **entries}


def allocate(wanted: Wanted, entries: Entries) -> Entries:
    """The entries with that of the node, which keeps its subnet. Raises PodSubnetError."""
    network = _network(wanted.network)
    _refuse_same_address(wanted, entries)
    known = entries.get(wanted.node)
    if known and subnets.is_node_subnet(known.subnet, str(network)):
        subnet = known.subnet
    else:
        subnet = _choose(wanted, network, list(_taken(wanted, entries)))
    return {**entries, wanted.node: Entry(wanted.address, subnet)}


def plan(path: str, node: str, before: Entries, after: Entries) -> Plan:
    """Why the file has to change."""
    old, new = before.get(node), after.get(node)
    reasons = []
    if old and not new:
        reasons.append(f"node {node} has {old.subnet} and is not wanted any more")
    elif new and not old:
        reasons.append(f"node {node} has no subnet for its pods")
    elif old and new and old.subnet != new.subnet:
        reasons.append(f"node {node} has {old.subnet}, which is not a part of cluster_pod_network")
    if old and new and old.address != new.address:
        reasons.append(f"node {node} has the address {new.address}, and was at {old.address or 'none'}")
    texts = [shown(path, render(each)) if each else "" for each in (before, after)]
    return Plan(tuple(reasons), *texts) if reasons else Plan()


def _network(text: str) -> IPv4Network:
    try:
        network = IPv4Network(text)
    except ValueError as error:
        raise PodSubnetError(
            f"cluster_pod_network is no network: {error}. Set it to one such as 10.244.0.0/16."
        ) from error
    if network.prefixlen >= subnets.NODE_PREFIX:
        raise PodSubnetError(
            f"cluster_pod_network is {network}, which is enough for one node alone: each node of several has"
            f" a /{subnets.NODE_PREFIX} of it. Set it to a larger network, such as 10.244.0.0/16."
        )
    return network


def _refuse_same_address(wanted: Wanted, entries: Entries) -> None:
    for name, each in entries.items():
        if name != wanted.node and each.address == wanted.address:
            raise PodSubnetError(
                f"The nodes {wanted.node} and {name} both have the address {wanted.address}. If {name} has"
                f" another one by now, run the playbook site for it first; if it is gone, remove it from the"
                " cluster."
            )


def _taken(wanted: Wanted, entries: Entries) -> Iterator[tuple[str, IPv4Network]]:
    """What other nodes have, each with the name of the node."""
    reported = wanted.reported or {}
    found = [(name, each.subnet) for name, each in entries.items()]
    found += [(name, each) for name, all_of in reported.items() for each in all_of]
    if wanted.own[0] not in entries:
        found.append(wanted.own)
    for name, subnet in found:
        if name != wanted.node and (network := _parsed(subnet)):
            yield name, network


def _choose(wanted: Wanted, network: IPv4Network, taken: list[tuple[str, IPv4Network]]) -> str:
    """What the API has of the node, or what its pods are in, if these are free; or the first that is."""
    # In the API a node's subnet can't be changed.
    preferred = [*(wanted.reported or {}).get(wanted.node, ()), wanted.current]
    if wanted.own[0] == wanted.node:
        preferred.append(wanted.own[1])
    for subnet in preferred:
        if subnets.is_node_subnet(subnet, str(network)) and _is_free(IPv4Network(subnet), taken):
            return subnet
    for candidate in network.subnets(new_prefix=subnets.NODE_PREFIX):
        if _is_free(candidate, taken):
            return str(candidate)
    owners = ", ".join(sorted({name for name, _subnet in taken}))
    raise PodSubnetError(
        f"All parts of cluster_pod_network {network} are taken, by {owners}:"
        f" none is left for {wanted.node}. Remove nodes that are gone from the cluster, or make a cluster"
        " with a larger network."
    )


def _is_free(subnet: IPv4Network, taken: Iterable[tuple[str, IPv4Network]]) -> bool:
    return not any(subnet.overlaps(other) for _name, other in taken)


def _parsed(subnet: str) -> IPv4Network | None:
    """None for what is no IPv4 network, such as the subnet of IPv6 that a node may have besides."""
    try:
        return IPv4Network(subnet)
    except ValueError:
        return None
