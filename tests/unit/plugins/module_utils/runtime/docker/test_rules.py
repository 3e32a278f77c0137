"""Docker's rules are found where it writes them."""

from __future__ import annotations

import json

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.packet_filter import Filter
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker import rules

NAT = "-P PREROUTING ACCEPT\n-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n"
FORWARD = "-P FORWARD DROP\n-A FORWARD -j DOCKER-USER\n"
OWN = json.dumps({"nftables": [{"chain": {"family": "ip", "table": "docker-bridges", "name": "nat"}}]})
GONE = "-P PREROUTING ACCEPT\n"


@pytest.mark.parametrize(
    ("seen", "there"),
    [
        (Filter(nat=NAT, filter=FORWARD), True),
        (Filter(nat=GONE, filter=FORWARD), False),
        (Filter(nat=NAT, filter=GONE), False),
        (Filter(nat=GONE, nft=OWN), True),
        (Filter(nat=GONE, nft=OWN.replace("docker-bridges", "other")), False),
        (Filter(), False),
    ],
)
def test_rules_are_there_if_packets_still_come_to_them(seen: Filter, there: bool) -> None:
    assert rules.are_there(seen) is there
