# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks of ports, addresses and names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils import _host, _version
from ansible_collections.mink8s.kubernetes.plugins.module_utils._finding import (
    Problems,
    check,
    failure,
    warning,
)

SUBDOMAIN = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"


@check
def ports(desired: Mapping[str, Any], host: _host.Host) -> Problems:
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
def address(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    """The address the node registers with."""
    if not (desired["address"] or host.address):
        yield failure(
            "The host has no default route, so it is not known at which address to register the node.",
            "Set cluster_address to one of the host's IPv4 addresses, other than loopback.",
        )


@check
def node_name(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    """The name the node registers with, which has to be one Kubernetes takes."""
    name = desired["node_name"] or host.hostname
    # The label kubernetes.io/hostname takes 63 characters; from 1.20 the common name
    # system:node:NAME of the kubelet's certificate takes 64.
    longest = 63 if _version.minor(desired["version"]) < 20 else 52
    if not re.fullmatch(SUBDOMAIN, name) or len(name) > longest:
        yield failure(
            f"The node's name would be {name!r} ({len(name)} characters).",
            f"Set cluster_node_name to at most {longest} lower-case letters, digits, '-' and '.', each part"
            " between the '.' beginning and ending with a letter or digit.",
        )


@check
def hostname(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    """Whether the host knows the address of its own name."""
    # The kubelet is told its name and address, and without them takes the default route's.
    if host.hostname_error:
        yield warning(
            f"The host can't resolve its own name {host.hostname} ({host.hostname_error}), for which other"
            " programs wait.",
            f"Add the line 127.0.1.1 {host.hostname} to /etc/hosts.",
        )


@check
def iptables(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    """Whether iptables works, or can be installed: Docker and the kubelet write rules with it."""
    if host.iptables_error:
        yield failure(
            f"iptables -t nat -S fails: {host.iptables_error}.",
            "Mend it: a table that nft has filled has to be emptied with nft; where the kernel lacks the"
            " tables, update-alternatives --config iptables offers the other kind.",
        )
    elif not (host.has_iptables or host.has_apt):
        yield failure(
            "There is no iptables, and no apt-get to install it with.",
            "Install it with the package manager of the host.",
        )
