"""A disk that is full: while images are loaded, and while etcd writes."""

from __future__ import annotations

import time
from typing import Any

import bare_node
from cluster import Cluster, Record, until

VARIABLES = {"cluster_etcd_data_dir": "/small/etcd", "cluster_preflight_skip": ["disk_space"]}
# Writes of half a megabyte each, until one is refused; prints the names of those that were not.
WRITE = """
head -c 350000 /dev/urandom | base64 >/run/blob
for number in $(seq 400); do
    big="--from-literal=number=$number --from-file=/run/blob"
    kubectl create configmap big-$number $big --request-timeout=10s >/dev/null 2>&1 || exit 0
    echo big-$number
done
echo everything was accepted >&2
exit 1
"""


def test_disk_full_while_images_are_loaded(node: Any, record: Record) -> None:
    data = bare_node.runtime().data
    images = f"mkdir -p {data} && mount -t tmpfs -o size=100m none {data}"
    etcd = "mkdir /small && mount -t tmpfs -o size=220m none /small"
    node.run("sh", "-c", f"{images} && {etcd}")
    refused = node.playbook("site.yml", **VARIABLES)
    assert refused.returncode != 0
    assert "no space left on device" in refused.stdout
    node.run("mount", "-o", "remount,size=4g", data)
    with record("disk full, images"):
        run = node.playbook("site.yml", **VARIABLES)
        assert run.returncode == 0, run.stdout + run.stderr
        ended, cluster = time.time(), Cluster(node, record)
        until(node, "Ready after the run", lambda: cluster.not_ready(ended))
    assert bare_node.changed(node.playbook("site.yml", **VARIABLES)) == []


def test_disk_full_while_etcd_writes(node: Any, record: Record) -> None:
    cluster = Cluster(node, record)
    before = cluster.container("etcd")
    with cluster.fault("disk full, etcd"):
        node.run("sh", "-c", "cat /dev/zero >/small/filler 2>/dev/null || true")
        for name in node.run("sh", "-c", WRITE).split():
            cluster.acknowledged[name] = name.rpartition("-")[2]
        ended = f"etcd has ended, which was {before}"
        until(node, ended, lambda: "it runs" if cluster.container("etcd") == before else "")
        node.run("rm", "/small/filler")
