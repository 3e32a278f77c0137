# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks of what the variables say, before a daemon is given it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import AddressValueError, IPv4Address, IPv4Network, ip_address
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks import cluster
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.finding import check
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.observation import Host
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.other_kubernetes import NETWORK
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.finding import Problems, failure

LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
SUBDOMAIN = rf"{LABEL}(\.{LABEL})*"
# What neither systemd, nor a manifest, nor an image's mount takes for something else.
PATH = r"(/[A-Za-z0-9._+-]+)+/?"
REGISTRY = rf"({SUBDOMAIN}|\[[0-9a-f:]+\])(:\d+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
CLIENTS = "Other names and addresses that clients use go into cluster_apiserver_alternative_names."
DIRECTORIES = {
    "config_directory": "cluster_config_dir",
    "etcd_data_directory": "cluster_etcd_data_dir",
    "state_directory": "cluster_state_dir",
}
LARGEST, SMALLEST = 12, 29


@check
def address(desired: Mapping[str, Any], host: Host) -> Problems:
    """The address the node registers with, which has to be one of the host's IPv4 addresses."""
    given = desired["address"]
    if not (given or host.address):
        yield failure(
            "The host has no default route, so it is not known at which address to register the node.",
            f"Set cluster_address to one of the host's IPv4 addresses{_has(host)}.",
        )
    elif given and _fault(given, host):
        yield failure(
            f"cluster_address is {given}, {_fault(given, host)}.",
            f"Leave it out, or set it to one of the host's IPv4 addresses{_has(host)}. {CLIENTS}",
        )
    elif IPv4Address(given or host.address).is_link_local:
        yield failure(
            f"The node would register with {given or host.address}, a link-local address, which"
            " kube-apiserver can't put into the Endpoints of its own Service.",
            f"Set cluster_address to another of the host's IPv4 addresses{_has(host)}.",
        )


@check
def bind_address(desired: Mapping[str, Any], host: Host) -> Problems:
    """The address kube-apiserver listens on: 0.0.0.0, loopback, or one of the host's IPv4 addresses."""
    given = desired["apiserver_bind_address"]
    if given != "0.0.0.0" and not _is_loopback(given) and _fault(given, host):
        yield failure(
            f"cluster_apiserver_bind_address is {given}, {_fault(given, host)}.",
            f"Set it to 127.0.0.1, 0.0.0.0, or one of the host's IPv4 addresses{_has(host)}. {CLIENTS}",
        )


def _fault(given: str, host: Host) -> str:
    """Why this is no address at which others reach the host; empty if it is one."""
    try:
        if ip_address(given).version == 6:
            return "which is an IPv6 address, and the cluster has IPv4"
        found = IPv4Address(given)
    except ValueError:
        return "which is no IPv4 address"
    if found.is_loopback or found.is_unspecified or found.is_multicast:
        return "at which no other host can reach this one"
    if host.network.addresses and given not in host.network.addresses:
        return "which is on no network interface of the host"
    return ""


def _has(host: Host) -> str:
    return f" ({', '.join(host.network.addresses)})" if host.network.addresses else ""


def _is_loopback(given: str) -> bool:
    try:
        return IPv4Address(given).is_loopback
    except AddressValueError:
        return False


@check
def node_name(desired: Mapping[str, Any], host: Host) -> Problems:
    """The name the node registers with, which has to be one Kubernetes takes."""
    name = desired["node_name"] or host.hostname
    # The label kubernetes.io/hostname takes 63 characters; the common name system:node:NAME of the
    # kubelet's certificate takes 64.
    longest = 52 if cluster.has_certificates(desired) else 63
    if not re.fullmatch(SUBDOMAIN, name) or len(name) > longest:
        yield failure(
            f"The node's name would be {name} ({len(name)} characters), which Kubernetes does not take.",
            f"Set cluster_node_name to at most {longest} lower-case letters, digits, '-' and '.', each part"
            " between the '.' beginning and ending with a letter or digit.",
        )


@check
def names(desired: Mapping[str, Any], host: Host) -> Problems:
    """cluster_apiserver_alternative_names and cluster_service_account_namespaces, each a valid name."""
    for name in desired["apiserver_alternative_names"]:
        if not _is_name_or_address(name):
            yield failure(
                f"cluster_apiserver_alternative_names has {name}, which is neither a DNS name nor an"
                " address.",
                "Write it without scheme, port and path, as in api.example.com.",
            )
    for name in desired["service_account_namespaces"]:
        if not re.fullmatch(LABEL, name) or len(name) > 63:
            yield failure(
                f"cluster_service_account_namespaces has {name}, which can't be a namespace's name.",
                "Use at most 63 lower-case letters, digits and '-', beginning and ending with a"
                " letter or digit.",
            )


def _is_name_or_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        # Four numbers that are no address would be taken for a name.
        numbers = re.fullmatch(r"[0-9.]+", name)
        return bool(re.fullmatch(rf"(\*\.)?{SUBDOMAIN}", name.lower())) and not numbers and len(name) <= 253
    return True


@check
def directories(desired: Mapping[str, Any], host: Host) -> Problems:
    """Directories, which systemd, the container runtime and static pods' manifests have to read alike."""
    for option, variable in DIRECTORIES.items():
        path = desired[option]
        if not re.fullmatch(PATH, path) or "/../" in f"{path}/":
            yield failure(
                f"{variable} is {path}.",
                "Set it to an absolute path of letters, digits, '.', '_', '+' and '-', below the"
                " root directory.",
            )


@check
def image_registry(desired: Mapping[str, Any], host: Host) -> Problems:
    """cluster_image_registry, the beginning of images' names."""
    given = desired["image_registry"]
    if given and not re.fullmatch(REGISTRY, given):
        yield failure(
            f"cluster_image_registry is {given}, with which no image's name can begin.",
            "Write HOST[:PORT][/PATH] in lower case, without https:// and without a / at the end.",
        )


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


@check
def logins(desired: Mapping[str, Any], host: Host) -> Problems:
    """cluster_kubeconfig_users: logins on the host, each with a home of its own."""
    for problem in host.login_problems:
        yield failure(
            f"{problem} It is in cluster_kubeconfig_users.",
            "Make the login, or take it out of the list.",
        )
