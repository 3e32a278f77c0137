"""A packet is said to be dropped where that is certain: rules as ufw and nft print them."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.iptables import Packet, Table
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.nftables import Ruleset
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.packet_filter import Filter

RULES = Path(__file__).parents[3] / "rules"
UFW = (RULES / "ufw.txt").read_text()
NFTABLES = (RULES / "nftables.json").read_text()
POD, HOST = "172.17.0.250", "172.17.0.1"
TO_DNS = Packet("docker0", "", POD, HOST, "udp", 53)
THROUGH = Packet("docker0", "eth0", POD, "192.0.2.1", "tcp", 443)


def drops(*rules: str, packet: Packet = TO_DNS) -> bool:
    """Whether a table drops the packet, with these rules before a policy that does."""
    return Table("\n".join(["-P INPUT DROP", "-N inner", *rules])).drops("INPUT", packet)


def test_a_policy_drops_what_no_rule_accepts() -> None:
    assert drops()
    assert not Table("-P INPUT ACCEPT").drops("INPUT", TO_DNS)
    assert not Table("").drops("INPUT", TO_DNS)
    assert Table("-P INPUT ACCEPT\n-A INPUT -j REJECT --reject-with icmp-port-unreachable").drops(
        "INPUT", TO_DNS
    )


@pytest.mark.parametrize(
    "rule",
    [
        "-j ACCEPT",
        "-i docker0 -j ACCEPT",
        "-i docker+ -j ACCEPT",
        "! -i eth0 -j ACCEPT",
        "-s 172.16.0.0/12 -j ACCEPT",
        '-d 172.17.0.1/32 -i docker0 -p udp -m udp --dport 53 -m comment --comment "pods\' names" -j ACCEPT',
        "-p udp -m multiport --dports 53,123 -j ACCEPT",
        "-p udp -m udp --dport 1:1024 -j ACCEPT",
        "-p 17 -m conntrack --ctstate NEW,ESTABLISHED -j ACCEPT",
        "-m addrtype --dst-type LOCAL -j ACCEPT",
        "-m set --match-set friends src -j ACCEPT",
        "-j NFQUEUE --queue-num 0",
    ],
)
def test_a_rule_that_may_accept_lets_it_pass(rule: str) -> None:
    assert not drops(f"-A INPUT {rule}")


@pytest.mark.parametrize(
    "rule",
    [
        "-i lo -j ACCEPT",
        "! -i docker0 -j ACCEPT",
        "-p tcp -m tcp --dport 53 -j ACCEPT",
        "-p udp -m udp --dport 67 -j ACCEPT",
        "-s 192.168.0.0/16 -j ACCEPT",
        "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "-p icmp -m icmp --icmp-type 8 -j ACCEPT",
        "-o docker0 -j ACCEPT",
        '-j LOG --log-prefix "dropped: "',
        "-m limit --limit 3/min -j RETURN",
        "-p udp -j RETURN",
    ],
)
def test_a_rule_for_other_packets_does_not(rule: str) -> None:
    assert drops(f"-A INPUT {rule}")


def test_chains_are_gone_through_as_they_are_called() -> None:
    accepts, returns = "-A inner -p udp -j ACCEPT", "-A inner -i docker0 -j RETURN"
    assert not drops("-A INPUT -j inner", accepts)
    assert drops("-A INPUT -p tcp -j inner", accepts)
    assert drops("-A INPUT -j inner", returns, accepts)
    assert drops("-A INPUT -g inner", "-A INPUT -j ACCEPT")
    assert not drops("-A INPUT -m mark --mark 0x1 -j inner", "-A inner -j DROP", "-A INPUT -j ACCEPT")
    assert drops("-A INPUT -j inner", "-A inner -j inner")


def test_ufw_lets_in_what_it_was_told_to() -> None:
    assert Table(UFW).drops("INPUT", TO_DNS)
    assert not Table(UFW).drops("INPUT", TO_DNS._replace(protocol="tcp", port=22))
    allowed = f"{UFW}-A ufw-user-input -i docker0 -p udp -m udp --dport 53 -j ACCEPT\n"
    assert not Table(allowed).drops("INPUT", TO_DNS)
    assert Table(allowed).drops("INPUT", TO_DNS._replace(protocol="tcp"))


@pytest.mark.parametrize(
    ("packet", "dropped"),
    [
        (TO_DNS, True),
        (TO_DNS._replace(interface="lo"), False),
        (TO_DNS._replace(source="10.1.1.1"), False),
        (TO_DNS._replace(source="10.1.1.1", protocol="tcp"), True),
        (TO_DNS._replace(protocol="tcp", port=22), False),
        (TO_DNS._replace(protocol="tcp", port=8500), False),
        (TO_DNS._replace(protocol="tcp", port=9001), True),
    ],
)
def test_nftables_drop_what_is_certain(packet: Packet, dropped: bool) -> None:
    found = [str(chain) for chain in Ruleset(NFTABLES).drop("input", packet, iptables=True)]
    assert found == ["inet filter input"] * dropped


def test_what_iptables_wrote_is_read_from_iptables() -> None:
    table = NFTABLES.replace('"inet"', '"ip"')
    assert list(Ruleset(table).drop("input", TO_DNS, iptables=True)) == []
    assert len(list(Ruleset(table).drop("input", TO_DNS, iptables=False))) == 1


def test_chains_of_both_kinds_are_named() -> None:
    rules = Filter(filter="-P INPUT DROP\n-P FORWARD ACCEPT\n", nft=NFTABLES)
    assert list(rules.dropped(TO_DNS)) == ["INPUT", "nft inet filter input"]
    assert list(rules.dropped(THROUGH)) == ["nft inet filter forward"]


@pytest.mark.parametrize("printed", ["", "nothing", "[]", "{}", '{"nftables": null}'])
def test_a_ruleset_that_can_not_be_read_drops_nothing(printed: str) -> None:
    assert list(Ruleset(printed).drop("input", TO_DNS, iptables=True)) == []
