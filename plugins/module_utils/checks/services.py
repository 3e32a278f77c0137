# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks of the network from which Services get their addresses."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.finding import Problems, check, failure
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.observation import Host
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.other_kubernetes import NETWORK

# What kube-apiserver takes, as lengths of prefixes.
LARGEST, SMALLEST = 12, 29


@check
def service_network(desired: Mapping[str, Any], host: Host) -> Problems:
    """cluster_service_network: a network of a size that kube-apiserver takes, and always the same one."""
    wanted = desired["service_network"]
    try:
        length = IPv4Network(wanted).prefixlen if "/" in wanted else 0
    except ValueError:
        length = 0
    if not LARGEST <= length <= SMALLEST:
        yield failure(
            f"cluster_service_network is {wanted}, which is no IPv4 network of /{LARGEST} to /{SMALLEST}.",
            f"Set it to one that nothing else uses, such as {NETWORK}: an address that ends with the bits of"
            " the network, and the length of its prefix.",
        )
    elif desired["article_exact"] and wanted != NETWORK:
        yield failure(
            f"cluster_article_exact is true with cluster_service_network: {wanted}, which the article does"
            " not have.",
            "Leave one of them out.",
        )
    elif host.service_network and host.service_network != wanted:
        yield failure(
            f"cluster_service_network is {wanted}, and the cluster on this host has its Services in"
            f" {host.service_network}. Their addresses can't be changed.",
            f"Leave cluster_service_network at {host.service_network}, or reset the host first.",
        )
