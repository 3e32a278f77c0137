# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks of the parts that are to run, and of how their clients are known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.finding import check
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.observation import Host
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release import table
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release.components import ARTICLE, COMPONENTS
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.finding import (
    Problems,
    failure,
    warning,
)

AUTHENTICATIONS = ("", "none", "certificates")


@check
def components(desired: Mapping[str, Any], host: Host) -> Problems:
    """cluster_components: words that are known, and what they need."""
    words = desired["components"]
    known = f"Known are {', '.join(COMPONENTS)}."
    for word in dict.fromkeys(words):
        if word not in COMPONENTS:
            yield failure(f"cluster_components has {word}, which is no component.", known)
        elif words.count(word) > 1:
            yield failure(f"cluster_components has {word} {words.count(word)} times.", "Name it once.")
    for word in ARTICLE:
        if word not in words:
            yield failure(f"cluster_components lacks {word}, without which nothing works.", f"Add {word}.")
    if "kube-proxy" in words and "kube-controller-manager" not in words:
        yield warning(
            "kube-proxy is among cluster_components without kube-controller-manager, which keeps the"
            " list of the"
            " pods that a Service leads to (its Endpoints).",
            "Add kube-controller-manager, or write the Endpoints yourself.",
        )
    if "coredns" in words and "kube-proxy" not in words:
        yield warning(
            "coredns is among cluster_components without kube-proxy, so the names of Services lead to"
            " addresses that do not answer; only those of headless Services do.",
            "Add kube-proxy.",
        )
    loopback = desired["apiserver_bind_address"].startswith("127.")
    if "kube-proxy" in words and loopback and has_certificates(desired):
        yield warning(
            f"kube-apiserver listens on {desired['apiserver_bind_address']} only, so pods can't reach the API"
            " at the address of the Service kubernetes.",
            "Set cluster_apiserver_bind_address to 0.0.0.0 if they are to.",
        )


@check
def authentication(desired: Mapping[str, Any], host: Host) -> Problems:
    """cluster_authentication: certificates alone from v1.20 on, and wherever pods may sign in at the API."""
    wanted, version = desired["authentication"], desired["version"]
    if wanted not in AUTHENTICATIONS:
        yield failure(
            f"cluster_authentication is {wanted}.", "Set it to none or certificates, or leave it out."
        )
    elif wanted == "none" and not _has_open_port(desired):
        yield failure(
            f"cluster_authentication is none with {version}, whose kube-apiserver has no port without"
            " credentials.",
            f"Leave it out, or choose a cluster_version of {_with_open_port(desired)}.",
        )
    elif _every_pod_is_administrator(desired):
        yield failure(
            "Every pod would be administrator of the cluster: kube-controller-manager gives each a"
            " token, kube-apiserver"
            f" listens on {desired['apiserver_bind_address']}, where pods reach it, and without"
            " certificates it lets"
            " whoever signs in do anything.",
            "Set cluster_authentication: certificates, or leave out cluster_apiserver_bind_address.",
        )


@check
def article_exact(desired: Mapping[str, Any], host: Host) -> Problems:
    """Whether what is asked for can be the article's to the letter."""
    if not desired["article_exact"]:
        return
    if not _has_open_port(desired):
        yield failure(
            f"cluster_article_exact is true with {desired['version']}, which has no insecure port.",
            f"Choose a cluster_version of {_with_open_port(desired)}, or set cluster_article_exact to false.",
        )
    more = [word for word in desired["components"] if word not in ARTICLE]
    if more:
        yield failure(
            f"cluster_article_exact is true with {', '.join(more)}, which the article does not have.",
            "Take them out of cluster_components, or set cluster_article_exact to false.",
        )
    if desired["node_name"] not in ("", host.hostname):
        yield failure(
            f"cluster_article_exact is true with cluster_node_name: {desired['node_name']}, of which"
            " the article's"
            f" kubelet is not told: it registers {host.hostname}.",
            "Leave one of them out, or run hostnamectl set-hostname.",
        )
    if desired["pod_network"]:
        yield failure(
            f"cluster_article_exact is true with pods in {desired['pod_network']}, and the article's are on"
            " the network that the container runtime has by itself.",
            "Leave cluster_pod_network and cluster_container_runtime empty, or set cluster_article_exact to"
            " false.",
        )
    if desired["authentication"] == "certificates":
        yield failure(
            "cluster_article_exact is true with cluster_authentication: certificates, which the article does"
            " not have.",
            "Leave one of them out.",
        )


def _every_pod_is_administrator(desired: Mapping[str, Any]) -> bool:
    """Whether pods have tokens, reach a port that asks for them, and nobody limits what tokens may do."""
    # The article's kube-apiserver listens on all addresses, but no controller makes tokens there.
    return (
        not has_certificates(desired)
        and "kube-controller-manager" in desired["components"]
        and not desired["apiserver_bind_address"].startswith("127.")
    )


def has_certificates(desired: Mapping[str, Any]) -> bool:
    """Whether clients are known by certificates."""
    return desired["authentication"] == "certificates" or not _has_open_port(desired)


def _has_open_port(desired: Mapping[str, Any]) -> bool:
    """Whether the release's kube-apiserver can have a port that asks for no credentials."""
    return "none" in table.row(desired["releases"], desired["version"])["authentication"]


def _with_open_port(desired: Mapping[str, Any]) -> str:
    """The minor releases that can have it."""
    return " or ".join(table.minors(desired["releases"], lambda row: "none" in row["authentication"]))
