"""A cluster's releases stay together while one host after the other is upgraded."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks import version_skew

ROOT = Path(__file__).resolve().parents[5]
RELEASES: dict[str, Any] = yaml.safe_load((ROOT / "roles/release/vars/main.yml").read_text())["release_table"]


def control_plane(version: str, **nodes: str) -> list[str]:
    found = version_skew.of_control_plane(version, "v1.22.17", nodes, RELEASES)
    return [f"{each.message} {each.remedy}" for each in found]


def node(version: str, kubelet: str, apiserver: str) -> list[str]:
    found = version_skew.of_node(version, kubelet, ("alpha", apiserver), RELEASES)
    return [f"{each.message} {each.remedy}" for each in found]


@pytest.mark.parametrize(
    ("version", "kubelet"),
    [
        ("v1.20.3", "v1.20.2"),
        ("v1.20.15", "v1.18.20"),
        ("v1.26.15", "v1.24.17-build"),
        ("v1.28.15", "v1.25.16"),
    ],
)
def test_a_control_plane_may_be_as_much_newer_as_the_table_has_it(version: str, kubelet: str) -> None:
    assert control_plane(version, beta=kubelet) == []


def test_a_control_plane_does_not_leave_a_node_behind() -> None:
    assert control_plane("v1.23.17", gamma="v1.20.2", beta="v1.22.17") == [
        "Node gamma runs kubelet v1.20.2, which works with kube-apiserver up to 1.22, and not with v1.23.17."
        " Upgrade the node first: run the playbook upgrade with cluster_version=v1.22.17 for its host, or"
        " remove gamma from the cluster if its host is gone."
    ]
    assert len(control_plane("v1.27.16", beta="v1.24.17")) == 1
    assert len(control_plane("v1.29.15", beta="v1.25.16")) == 1


def test_a_node_is_never_newer_than_its_control_plane() -> None:
    assert control_plane("v1.22.16", beta="v1.22.17") == [
        "Node beta runs kubelet v1.22.17, which would be newer than kube-apiserver v1.22.16."
        " Set cluster_version to v1.22.17 or later."
    ]
    assert node("v1.20.3", "v1.20.2", "v1.20.2") == [
        "kube-apiserver on alpha is v1.20.2, and a kubelet is never newer than it."
        " Run the same for alpha, too: the control plane is upgraded first."
    ]


def test_a_node_follows_its_control_plane() -> None:
    assert node("v1.20.3", "v1.20.2", "v1.20.3-build") == []
    assert node("v1.20.15", "v1.19.16", "v1.22.17") == []


def test_a_node_does_not_get_an_older_release() -> None:
    assert node("v1.20.2", "v1.20.3", "v1.20.3") == [
        "The node runs kubelet v1.20.3, which is newer than v1.20.2. Set cluster_version to v1.20.3 or later."
    ]


def test_a_node_does_not_get_one_that_is_too_old_already() -> None:
    assert node("v1.20.15", "v1.19.16", "v1.23.17-build") == [
        "The kubelet v1.20.15 works with kube-apiserver up to 1.22, and that on alpha is v1.23.17-build."
        " Set cluster_version to v1.23.17, the release of the control plane."
    ]
