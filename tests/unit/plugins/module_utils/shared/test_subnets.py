"""Addresses are counted across the end of an octet, and what is no network has none."""

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.subnets import (
    first_address,
    is_node_subnet,
    node_subnet,
)


@pytest.mark.parametrize(
    ("network", "first", "part"),
    [
        ("10.244.0.0/16", "10.244.0.1", "10.244.0.0/24"),
        ("172.30.255.248/29", "172.30.255.249", "172.30.255.248/29"),
        ("10.0.0.0/8", "10.0.0.1", "10.0.0.0/24"),
        ("10.1.2.128/25", "10.1.2.129", "10.1.2.128/25"),
    ],
)
def test_a_network(network: str, first: str, part: str) -> None:
    assert (first_address(network), node_subnet(network)) == (first, part)
    assert first_address(part) == first


@pytest.mark.parametrize("text", ["", "many", "10.0.0.1/24", "10.0.0.0/33", "fd00::/64"])
def test_text_that_is_no_network(text: str) -> None:
    assert (first_address(text), node_subnet(text)) == ("", "")
    assert first_address("10.0.0.1/32") == ""


@pytest.mark.parametrize(
    ("subnet", "network", "is_one"),
    [
        ("10.244.7.0/24", "10.244.0.0/16", True),
        ("10.245.7.0/24", "10.244.0.0/16", False),
        ("10.244.7.0/25", "10.244.0.0/16", False),
        ("10.244.7.1/24", "10.244.0.0/16", False),
        ("", "10.244.0.0/16", False),
        ("10.244.7.0/24", "", False),
    ],
)
def test_a_part_of_a_network_that_a_node_may_have(subnet: str, network: str, is_one: bool) -> None:
    assert is_node_subnet(subnet, network) is is_one
