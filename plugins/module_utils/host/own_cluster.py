# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cluster that this collection has made on a host, as its files tell of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.procfs import text

UNIT = "/etc/systemd/system/kubelet.service"
LOGS = Path("/var/log/pods")


@dataclass(frozen=True)
class Cluster:
    """What a later run must not change by accident. All is empty where there is no cluster.

    etcd_data_dir: only if etcd has data there.
    """

    node_name: str = ""
    config_dir: str = ""
    etcd_data_dir: str = ""


def observe(unit: str = UNIT, logs: Path = LOGS) -> Cluster:
    """Look at the files. unit: the kubelet's; logs: the directory of the pods' logs."""
    kubelet = text(unit)
    if "--kubeconfig=" not in kubelet:
        return Cluster()
    config_dir = _first(r"--(?:config=(\S+)/kubelet\.yaml|pod-manifest-path=(\S+)/manifests)", kubelet)
    etcd = text(Path(config_dir, "manifests/etcd.yaml"))
    data = _first(r"- hostPath:\n\s+path: (\S+)\n(?:\s+type: \S+\n)?\s+name: etcd-data", etcd)
    return Cluster(
        _first(r"--hostname-override=(\S+)", kubelet) or _logged(logs),
        config_dir,
        data if data and Path(data, "member").exists() else "",
    )


def _first(pattern: str, content: str) -> str:
    """What the first group with a text has found."""
    found = re.search(pattern, content)
    return next(filter(None, found.groups()), "") if found else ""


def _logged(logs: Path) -> str:
    """The node's name at the end of the name of etcd's static pod, whose logs are the latest."""
    found = sorted(logs.glob("kube-system_etcd-*_*"), key=lambda path: path.stat().st_mtime)
    return found[-1].name.split("_")[1][len("etcd-") :] if found else ""
