# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks that a cluster which is already on the host stays the one it is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.finding import check
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.observation import Host
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.finding import Problems, failure

ANEW = "or run reset.yml first to begin anew"


@check
def registered_name(desired: Mapping[str, Any], host: Host) -> Problems:
    """The name the node is registered with, which stays even if the host gets another."""
    old, exact = host.cluster.node_name, desired["article_exact"]
    new = host.hostname if exact else desired["node_name"] or host.hostname
    if old and old != new:
        keep = f"Run hostnamectl set-hostname {old}" if exact else f"Set cluster_node_name: {old} to keep it"
        yield failure(
            f"The kubelet on this host is registered as {old}, and would register a second node, {new}:"
            f" {old} and its pods would stay in the API for ever.",
            f"{keep}, {ANEW}.",
        )


@check
def moved_directories(desired: Mapping[str, Any], host: Host) -> Problems:
    """cluster_config_dir and cluster_etcd_data_dir, which stay where the cluster has its files."""
    old, new = host.cluster.config_dir, desired["config_directory"]
    if old and os.path.normpath(old) != os.path.normpath(new):
        yield failure(
            f"This cluster's certificates, kubeconfigs and manifests are in {old}, and cluster_config_dir is"
            f" {new}: new authorities would be made there, which no client of today trusts.",
            f"Set cluster_config_dir: {old}, {ANEW}.",
        )
    old, new = host.cluster.etcd_data_dir, desired["etcd_data_directory"]
    if old and os.path.normpath(old) != os.path.normpath(new):
        yield failure(
            f"etcd's data is in {old}, and cluster_etcd_data_dir is {new}: etcd would start there"
            " without it.",
            f"Set cluster_etcd_data_dir: {old}; or stop the kubelet and {host.runtime.name} and move"
            f" {old}/member to {new}; {ANEW}.",
        )
