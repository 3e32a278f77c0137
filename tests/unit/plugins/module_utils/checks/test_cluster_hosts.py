"""Hosts of one cluster are looked at together, and each check says what is wrong."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.cluster_hosts import Seen, problems
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.network import NextHop

ALPHA = {"host": "alpha", "name": "alpha", "address": "192.0.2.7", "version": "v1.20.15", "ports": [6443]}
BETA = {
    "name": "beta",
    "address": "192.0.2.8",
    "version": "v1.20.15",
    "authentication": "certificates",
    "installed": "",
    "control_plane": "alpha",
    "control_plane_state": "made",
    "peers": [ALPHA],
}


def found(seen: Seen | None = None, **changes: Any) -> str:
    """What is found of beta, in one text."""
    all_found = problems({**BETA, **changes}, seen or Seen())
    return " ".join(f"{each.message} {each.remedy}" for each in all_found)


def test_hosts_that_can_be_one_cluster_have_no_findings() -> None:
    assert found() == ""
    assert found(Seen(next_hops={"192.0.2.7": NextHop(interface="eth0")})) == ""


@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("unknown", "cluster_control_plane is alpha, which is no host of the inventory."),
        ("node", "cluster_control_plane is alpha, which joins the cluster of another host itself."),
        ("missing", "has no control plane, and is not in this run. Run the same for alpha, too."),
        ("failed", "alpha, whose cluster this host joins, has failed in this run."),
    ],
)
def test_the_control_plane_is_there_or_made_in_this_run(state: str, said: str) -> None:
    assert said in found(control_plane_state=state)


def test_a_host_with_a_control_plane_of_its_own_joins_no_other() -> None:
    assert "has a control plane of its own (v1.20.15)" in found(installed="v1.20.15")
    assert found(installed="v1.20.15", control_plane_state="own") == ""


def test_several_nodes_need_certificates() -> None:
    assert "Set cluster_authentication: certificates" in found(authentication="none")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"version": "v1.18.20"}, "cluster_version is v1.20.15 here and v1.18.20 on alpha."),
        ({"name": "beta"}, "The node's name is beta, which alpha would register with, too."),
        ({"address": "192.0.2.8"}, "The node's address is 192.0.2.8, and so is that of alpha."),
    ],
)
def test_release_names_and_addresses_are_compared(change: dict[str, str], said: str) -> None:
    assert said in found(peers=[{**ALPHA, **change}])


def test_hosts_are_on_one_network_segment() -> None:
    routed = Seen(next_hops={"192.0.2.7": NextHop("192.0.2.1", "eth0")})
    assert "Packets to alpha (192.0.2.7) go by the gateway 192.0.2.1 (eth0)" in found(routed)
    lost = Seen(next_hops={"192.0.2.7": NextHop(error="Network is unreachable")})
    assert "There is no way to alpha (192.0.2.7): Network is unreachable." in found(lost)


def test_ports_that_are_not_reached_are_named_with_who_needs_them() -> None:
    closed = Seen(unreachable={("192.0.2.7", 6443): "timed out"})
    said = found(closed)
    assert "Port 6443 of alpha (192.0.2.7) is not reached from here: timed out." in said
    assert "Let TCP port 6443 through, from 192.0.2.8" in said
    assert found(Seen(unreachable={("192.0.2.7", 6443): ""})) == ""
