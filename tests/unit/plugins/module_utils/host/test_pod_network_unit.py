"""A node is taken out of the unit of the pod network, as if the role had never written it."""

from __future__ import annotations

from pathlib import Path

import jinja2
import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import pod_network_unit

TEMPLATE = Path(__file__).parents[5] / "roles/pod_network/templates/pod-network.service.j2"
NODES = [
    {"name": f"node{each}", "address": f"192.0.2.{each}", "subnet": f"10.244.{each}.0/24"}
    for each in (1, 2, 3)
]


def unit(*nodes: dict[str, str]) -> str:
    """The unit as the role writes it for a node that has these others."""
    template = jinja2.Environment(trim_blocks=True, keep_trailing_newline=True).from_string(
        TEMPLATE.read_text()
    )
    constants = {
        "__pod_network_address": "10.244.0.1/24",
        "__pod_network_chain": "MINK8S",
        "__pod_network_protocol": 118,
    }
    return template.render(
        pod_network_bridge="cni0",
        pod_network_cidr="10.244.0.0/16",
        pod_network_subnet="10.244.0.0/24",
        pod_network_nodes=nodes,
        **constants,
    )


def test_the_nodes_are_those_that_the_unit_has_routes_to() -> None:
    assert pod_network_unit.nodes(unit()) == {}
    assert pod_network_unit.nodes(unit(*NODES)) == {each["name"]: each["subnet"] for each in NODES}


@pytest.mark.parametrize("number", range(len(NODES)))
def test_one_of_several_is_taken_out(number: int) -> None:
    left = [each for each in NODES if each is not NODES[number]]
    assert pod_network_unit.without(unit(*NODES), NODES[number]["name"]) == unit(*left)


def test_the_last_one_is_taken_out() -> None:
    assert "network-online" in unit(NODES[0])
    assert pod_network_unit.without(unit(NODES[0]), "node1") == unit()


def test_a_node_that_is_not_there_changes_nothing() -> None:
    for text in ("", unit(), unit(*NODES)):
        assert pod_network_unit.without(text, "node4") == text
