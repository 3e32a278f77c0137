"""Which node a host is, by its files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import own_cluster
from ansible_collections.mink8s.kubernetes.plugins.modules import cluster_info

BETA = {"address": "192.0.2.8", "subnet": "10.244.1.0/24"}


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of a host's kubeconfigs and manifests, where a kubelet says that it is alpha."""
    cluster = own_cluster.Cluster("alpha", str(tmp_path))
    monkeypatch.setattr(own_cluster, "observe", lambda: cluster)
    return tmp_path


def look(directory: Path, name: str = "") -> dict[str, object]:
    params = {"node_name": name, "config_dir": str(directory), "ask_api": False}
    return cluster_info.look(params)


def test_a_control_plane_knows_its_nodes_but_itself(directory: Path) -> None:
    (directory / "manifests").mkdir()
    (directory / "manifests/kube-apiserver.yaml").touch()
    (directory / "pod-subnets.json").write_text(json.dumps({"alpha": BETA, "gamma": BETA, "beta": BETA}))
    assert look(directory, "other") == {
        "node_name": "alpha",
        "config_dir": str(directory),
        "has_control_plane": True,
        "nodes": ["beta", "gamma"],
    }


def test_another_node_knows_none(directory: Path) -> None:
    seen = look(directory)
    assert (seen["has_control_plane"], seen["nodes"]) == (False, [])


def test_a_damaged_file_keeps_nobody_from_a_reset(directory: Path) -> None:
    (directory / "pod-subnets.json").write_text("{")
    assert look(directory)["nodes"] == []


def test_without_a_kubelet_the_host_is_what_it_would_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_cluster, "observe", own_cluster.Cluster)
    assert look(tmp_path, "delta")["node_name"] == "delta"
    monkeypatch.setattr("os.uname", lambda: type("Uname", (), {"nodename": "Delta.example"}))
    assert look(tmp_path)["node_name"] == "delta.example"
