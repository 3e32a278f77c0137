# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which releases of the kubelet work with which of kube-apiserver, while a cluster is upgraded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.release import table
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import versions
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.finding import Problems, failure

if TYPE_CHECKING:
    from collections.abc import Mapping


def of_control_plane(
    version: str, apiserver: str, nodes: Mapping[str, str], releases: Mapping[str, Any]
) -> Problems:
    """What keeps kube-apiserver from becoming this version.

    apiserver: its version now. nodes: the kubelet's version of each other node, by name.
    """
    for name, kubelet in sorted(nodes.items()):
        if _is_newer(kubelet, version):
            yield failure(
                f"Node {name} runs kubelet {kubelet}, which would be newer than kube-apiserver {version}.",
                f"Set cluster_version to {_release(kubelet)} or later.",
            )
        elif _is_too_old(kubelet, version, releases):
            yield failure(
                f"Node {name} runs kubelet {kubelet}, which works with kube-apiserver up to"
                f" 1.{_newest(kubelet, releases)}, and not with {version}.",
                f"Upgrade the node first: run the playbook upgrade with cluster_version={_release(apiserver)}"
                f" for its host, or remove {name} from the cluster if its host is gone.",
            )


def of_node(
    version: str, kubelet: str, control_plane: tuple[str, str], releases: Mapping[str, Any]
) -> Problems:
    """What keeps a node from getting the kubelet of this version.

    kubelet: its version now. control_plane: its host, and the version of its kube-apiserver.
    """
    host, apiserver = control_plane
    if _is_newer(version, apiserver):
        yield failure(
            f"kube-apiserver on {host} is {apiserver}, and a kubelet is never newer than it.",
            f"Run the same for {host}, too: the control plane is upgraded first.",
        )
    if _is_newer(kubelet, version):
        yield failure(
            f"The node runs kubelet {kubelet}, which is newer than {version}.",
            f"Set cluster_version to {_release(kubelet)} or later.",
        )
    if _is_too_old(version, apiserver, releases):
        yield failure(
            f"The kubelet {version} works with kube-apiserver up to 1.{_newest(version, releases)}, and that"
            f" on {host} is {apiserver}.",
            f"Set cluster_version to {_release(apiserver)}, the release of the control plane.",
        )


def _is_newer(version: str, than: str) -> bool:
    return versions.parse(version) > versions.parse(than)


def _newest(kubelet: str, releases: Mapping[str, Any]) -> int:
    """The newest minor release of kube-apiserver that a kubelet works with."""
    return versions.minor(kubelet) + int(table.row(releases, kubelet)["kubelet_skew"])


def _is_too_old(kubelet: str, apiserver: str, releases: Mapping[str, Any]) -> bool:
    return versions.minor(apiserver) > _newest(kubelet, releases)


def _release(reported: str) -> str:
    """The release, without what whoever has built it adds after the version."""
    return "v" + ".".join(map(str, versions.parse(reported)))
