# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks of the hosts of one cluster together, each a pure function of what is wanted and seen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.network import NextHop
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.finding import Problems, failure


@dataclass(frozen=True)
class Seen:
    """What this host has seen of the others.

    next_hops: where packets to each address go, where that is known.
    unreachable: by address and port, why a connection failed; only those that did.
    """

    next_hops: Mapping[str, NextHop] = field(default_factory=dict)
    unreachable: Mapping[tuple[str, int], str] = field(default_factory=dict)


def problems(desired: Mapping[str, Any], seen: Seen) -> Problems:
    """All findings. desired: options of the module cluster_hosts."""
    return chain(*(function(desired, seen) for function in CHECKS))


def control_plane(desired: Mapping[str, Any], seen: Seen) -> Problems:
    """cluster_control_plane: a host with a control plane, which is there or made in this run."""
    name, state = desired["control_plane"], desired["control_plane_state"]
    if state == "unknown":
        yield failure(
            f"cluster_control_plane is {name}, which is no host of the inventory.",
            "Correct the name, or add the host.",
        )
    elif state == "node":
        yield failure(
            f"cluster_control_plane is {name}, which joins the cluster of another host itself.",
            "Name the host that has the control plane.",
        )
    elif state == "missing":
        yield failure(
            f"{name}, whose cluster this host joins, has no control plane, and is not in this run.",
            f"Run the same for {name}, too.",
        )
    elif state == "failed":
        yield failure(f"{name}, whose cluster this host joins, has failed in this run.", "Fix that first.")
    if desired["installed"] and state != "own":
        yield failure(
            f"This host has a control plane of its own ({desired['installed']}), and is to join the"
            f" cluster of {name}.",
            "Leave out cluster_control_plane to keep it, or run the playbook reset for this host first.",
        )


def authentication(desired: Mapping[str, Any], seen: Seen) -> Problems:
    """Certificates, without which anybody on the network could be a node."""
    if desired["authentication"] != "certificates":
        yield failure(
            "The cluster has several nodes and no authentication: whoever reaches kube-apiserver would be its"
            " administrator.",
            "Set cluster_authentication: certificates for all its hosts, and cluster_article_exact: false.",
        )


def release(desired: Mapping[str, Any], seen: Seen) -> Problems:
    """One release on all hosts; playbook upgrade goes from one to another."""
    for peer in desired["peers"]:
        if peer["version"] != desired["version"]:
            yield failure(
                f"cluster_version is {desired['version']} here and {peer['version']} on {peer['host']}.",
                "Set one for all hosts of the cluster.",
            )


def names(desired: Mapping[str, Any], seen: Seen) -> Problems:
    """Names of nodes, of which each can be registered once."""
    same = [peer["host"] for peer in desired["peers"] if peer["name"] == desired["name"]]
    if same:
        yield failure(
            f"The node's name is {desired['name']}, which {', '.join(same)} would register with, too.",
            "Give each host a cluster_node_name of its own, or another host name.",
        )


def addresses(desired: Mapping[str, Any], seen: Seen) -> Problems:
    """Addresses of nodes, of which each is one host's."""
    same = [peer["host"] for peer in desired["peers"] if peer["address"] == desired["address"]]
    if same:
        yield failure(
            f"The node's address is {desired['address']}, and so is that of {', '.join(same)}.",
            "Give each host the cluster_address by which the others reach it.",
        )


def same_segment(desired: Mapping[str, Any], seen_of_all: Seen) -> Problems:
    """Whether the others are on a network of this host: a router does not know where their pods are."""
    for peer in desired["peers"]:
        where = f"{peer['host']} ({peer['address']})"
        seen = seen_of_all.next_hops.get(peer["address"], NextHop())
        if seen.error:
            yield failure(f"There is no way to {where}: {seen.error}.", "Connect the hosts to one network.")
        elif seen.gateway:
            yield failure(
                f"Packets to {where} go by the gateway {seen.gateway} ({seen.interface}), which has no"
                " routes to pods.",
                "Connect the hosts to one network segment, and set cluster_address of each to its address"
                " there.",
            )


def ports(desired: Mapping[str, Any], seen: Seen) -> Problems:
    """Ports of the others that this host has to reach."""
    for peer in desired["peers"]:
        for port in peer["ports"]:
            why = seen.unreachable.get((peer["address"], port))
            if why:
                yield failure(
                    f"Port {port} of {peer['host']} ({peer['address']}) is not reached from here: {why}.",
                    f"Let TCP port {port} through, from {desired['address']}, in the packet filters of both"
                    " hosts and between them.",
                )


CHECKS = (control_plane, authentication, release, names, addresses, same_segment, ports)
