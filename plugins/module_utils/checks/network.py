# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks of ports, names and routes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from ipaddress import IPv4Network
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.finding import check
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.observation import Host
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import network
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import subnets
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.finding import (
    Problems,
    failure,
    warning,
)


@check
def ports(desired: Mapping[str, Any], host: Host) -> Problems:
    """The ports the cluster listens on, 8080 only up to v1.19."""
    for wanted in desired["ports"]:
        for seen in host.listeners:
            ours = host.has_ledger and seen.process == wanted["process"][:15]
            if seen.port == wanted["port"] and _overlap(seen.address, wanted["address"]) and not ours:
                owner = f"{seen.process} (pid {seen.pid})" if seen.pid else "a process that can't be seen"
                yield failure(
                    f"Port {seen.port} on {seen.address} is taken by {owner}; {wanted['process']} needs it.",
                    "Stop that process, or have it listen elsewhere.",
                )


def _overlap(seen: str, wanted: str) -> bool:
    """Whether both addresses can't be bound at once. A socket on :: usually takes IPv4 as well."""
    return seen in ("0.0.0.0", "::", wanted) or (wanted == "0.0.0.0" and ":" not in seen)


@check
def hostname(desired: Mapping[str, Any], host: Host) -> Problems:
    """Whether the host knows the address of its own name."""
    # The kubelet is told its name and address, and without them takes the default route's.
    if host.hostname_error:
        yield warning(
            f"The host can't resolve its own name {host.hostname} ({host.hostname_error}), for which other"
            " programs wait.",
            f"Add the line 127.0.1.1 {host.hostname} to /etc/hosts.",
        )


@check
def name_servers(desired: Mapping[str, Any], host: Host) -> Problems:
    """The name servers of the host, which pods have to reach, too: 127.0.0.1 is a pod's own address."""
    seen, arguments = host.network.resolver, desired["arguments"]
    if "resolvConf" in (arguments.get("KubeletConfiguration") or {}):
        return
    if seen.error:
        yield failure(
            f"{seen.error}, without which the kubelet starts no pod.",
            f"Write {network.RESOLV_CONF} with a line nameserver ADDRESS, or fix what it is a link to.",
        )
    elif not seen.path:
        yield warning(
            f"{network.RESOLV_CONF} names only {', '.join(seen.loopback)}, which no pod"
            " reaches: pods can't"
            " resolve names.",
            "Write the servers that it asks itself into a file, and set cluster_arguments:"
            " {KubeletConfiguration: {resolvConf: FILE}}.",
        )
    elif seen.path != network.RESOLV_CONF and desired["article_exact"]:
        yield warning(
            f"{network.RESOLV_CONF} names {', '.join(seen.loopback)}, which no pod reaches, and"
            " the article's"
            f" kubelet can't be told of {seen.path}: pods can't resolve names.",
            f"Run ln -sf {seen.path} {network.RESOLV_CONF}, or set cluster_article_exact to false.",
        )


@check
def pod_network(desired: Mapping[str, Any], host: Host) -> Problems:
    """cluster_pod_network, which nothing else may have: the host's networks, or the Services."""
    if not desired["pod_network"]:
        return
    remedy = "Set cluster_pod_network to a network that is free, such as 10.244.0.0/16."
    try:
        pods = IPv4Network(desired["pod_network"])
    except ValueError as error:
        yield failure(f"cluster_pod_network is no network: {error}.", remedy)
        return
    if not 8 <= pods.prefixlen <= 29:
        yield failure(f"cluster_pod_network is {pods}, which is not between /8 and /29.", remedy)
    routes_there = (route for route in host.network.routes if route.interface != host.runtime.bridge)
    others = [str(route) for route in routes_there if route.network.overlaps(pods)]
    with suppress(ValueError):
        services = IPv4Network(desired["service_network"])
        others += [f"{services}, which is cluster_service_network"] if services.overlaps(pods) else []
    if others:
        yield failure(f"cluster_pod_network is {pods}, which overlaps {' and '.join(others)}.", remedy)


@check
def pod_network_change(desired: Mapping[str, Any], host: Host) -> Problems:
    """Another network than the pods of this node are in, in which all are created anew."""
    # A change of the container runtime is warned of with the same words.
    if host.used_runtime == desired["container_runtime"] and _changes_pod_network(desired, host):
        yield warning(
            f"The pods of this node are {_place(host.pod_subnet, host)}, and are going to be"
            f" {_place(desired['pod_network'], host)}: all are removed and created anew, with other"
            " addresses, and what their containers have written besides volumes is lost.",
            f"Set cluster_pod_network: {host.pod_subnet} to leave them as they are."
            if host.pod_subnet
            else "Leave cluster_pod_network empty to leave them as they are.",
        )


def stale_pods(desired: Mapping[str, Any], host: Host) -> str:
    """The container runtime whose pods have to be removed, for another one or another network; or empty."""
    changes = host.used_runtime != desired["container_runtime"] or _changes_pod_network(desired, host)
    return host.used_runtime if changes else ""


def _changes_pod_network(desired: Mapping[str, Any], host: Host) -> bool:
    # A node keeps the part that it has.
    return host.pod_subnet is not None and not subnets.is_part(host.pod_subnet, desired["pod_network"])


def _place(pods: str | None, host: Host) -> str:
    return f"in {pods}" if pods else f"on the network that {host.runtime.name} has by itself"


@check
def routes(desired: Mapping[str, Any], host: Host) -> Problems:
    """Routes of the host into the range of the Services, whose addresses kube-proxy takes over."""
    # Once there are Services their range stays, and without kube-proxy nothing takes it over.
    if host.service_network and "kube-proxy" not in desired["components"]:
        return
    try:
        services = IPv4Network(desired["service_network"])
    except ValueError:
        return  # another check's finding
    others = [str(route) for route in host.network.routes if route.network.overlaps(services)]
    if others:
        yield warning(
            f"The host has a route to {', '.join(others)}, which overlaps the Services' range"
            f" {services}: with"
            " kube-proxy, what is sent to an address there goes to a Service instead.",
            "Set cluster_service_network to a range that the host has no route to"
            + (", after reset.yml: a cluster keeps its range." if host.service_network else "."),
        )
