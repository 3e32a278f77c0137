"""A cluster has the host with the control plane, and those that name it."""

from __future__ import annotations

from ansible_collections.mink8s.kubernetes.plugins.filter.hosts_of_cluster import hosts_of_cluster

HOSTVARS = {
    "gamma": {"cluster_control_plane": "alpha"},
    "alpha": {},
    "beta": {"cluster_control_plane": "alpha"},
    "delta": {"cluster_control_plane": ""},
    "itself": {"cluster_control_plane": "itself"},
}


def test_the_host_with_the_control_plane_comes_first() -> None:
    assert hosts_of_cluster("alpha", HOSTVARS, HOSTVARS) == ["alpha", "gamma", "beta"]
    assert hosts_of_cluster("delta", HOSTVARS, HOSTVARS) == ["delta"]
    assert hosts_of_cluster("itself", HOSTVARS, HOSTVARS) == ["itself"]


def test_a_control_plane_that_is_no_host_of_the_inventory_is_told_as_it_is_named() -> None:
    assert hosts_of_cluster("nobody", HOSTVARS, HOSTVARS) == ["nobody"]
