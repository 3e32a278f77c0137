"""The article's first stage: a kubelet on its own that runs whatever manifest is dropped in its directory."""

from __future__ import annotations

import json
import time
from typing import Any

from bare_node import Node
from container_runtime import Docker


def test_a_host_that_can_not_run_it_is_told_so_before_anything_is_changed(node: Node) -> None:
    node.run("mount", "-t", "cgroup2", "none", "/sys/fs/cgroup")
    try:
        run = node.playbook("standalone.yml", release_version="v1.18.20", kubelet_preflight_skip=["mirror"])
    finally:
        node.run("umount", "/sys/fs/cgroup")
    assert run.returncode != 0, run.stdout
    assert "The host has cgroup v2, which the kubelet v1.18.20 can't use" in run.stdout + run.stderr
    assert "-e release_version=v1.23.17" in run.stdout + run.stderr
    made = "ls -d /var/lib/mink8s /etc/kubernetes /usr/local/bin/kubelet 2>/dev/null; command -v dockerd"
    assert node.run("sh", "-c", made, check=False) == ""


def test_a_kubelet_on_its_own_runs_a_manifest(node: Node, offline: dict[str, Any]) -> None:
    image = f"registry.k8s.io/pause:{offline['cluster_image_tags']['pause']}"
    run = node.playbook(
        "standalone.yml",
        release_version=offline["cluster_version"],
        release_artifacts=offline["cluster_artifacts"],
        kubelet_pause_image=image,
    )
    assert run.returncode == 0, run.stdout
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "hello"},
        "spec": {"containers": [{"name": "hello", "image": image, "imagePullPolicy": "Never"}]},
    }
    node.run("sh", "-c", f"echo '{json.dumps(pod)}' > /etc/kubernetes/manifests/hello.yaml")
    deadline = time.monotonic() + 60
    while not Docker().running(node, "hello"):
        assert time.monotonic() < deadline, node.tell()
        time.sleep(0.5)
    listeners = node.run("ss", "--listening", "--tcp", "--numeric", "--no-header")
    assert all(line.split()[3].startswith("127.0.0.1:") for line in listeners.splitlines()), listeners
