"""The host restarts, with and without the servers that everything came from."""

from __future__ import annotations

import subprocess

import bare_node
from cluster import Cluster

# Nothing but the host itself answers, from its start on.
CUT_OFF = f"""
[Unit]
Before={bare_node.runtime().name}.service
After=network.target
[Service]
Type=oneshot
ExecStart=/usr/sbin/iptables --insert OUTPUT ! --out-interface lo --protocol tcp --jump REJECT
[Install]
WantedBy=multi-user.target
"""


def restart(cluster: Cluster) -> None:
    """What stands for a reboot."""
    subprocess.run(["docker", "restart", cluster.node.name], check=True, capture_output=True)


def test_node_restarted(cluster: Cluster) -> None:
    with cluster.fault("restart node"):
        restart(cluster)


def test_registry_gone(cluster: Cluster) -> None:
    unit = "/etc/systemd/system/cut-off.service"
    cluster.node.run("sh", "-c", f"echo '{CUT_OFF}' >{unit} && systemctl enable --now cut-off")
    with cluster.fault("registry gone"):
        restart(cluster)
        assert bare_node.changed(cluster.node.playbook("site.yml")) == []
