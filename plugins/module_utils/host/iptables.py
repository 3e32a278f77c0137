# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What rules of iptables do with a packet, as far as that is certain."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import NamedTuple

ACCEPTED, DROPPED, RETURNED = "accepted", "dropped", "returned"
# Targets after which the next rule is looked at.
NOTES = {
    "LOG",
    "NFLOG",
    "TRACE",
    "MARK",
    "CONNMARK",
    "SECMARK",
    "CONNSECMARK",
    "TCPMSS",
    "SET",
    "AUDIT",
    "CT",
}
IGNORED = {"-m", "--match", "--comment", "--log-prefix", "--log-level", "--reject-with"}
PROTOCOLS = {"6": "tcp", "17": "udp", "1": "icmp"}


class Packet(NamedTuple):
    """The first packet of a connection. output: empty for one to the host itself."""

    interface: str
    output: str
    source: str
    destination: str
    protocol: str
    port: int


@dataclass(frozen=True)
class Rule:
    """A rule. tests: each option with its value, and whether it has a ! before it."""

    tests: tuple[tuple[str, str, bool], ...]
    target: str
    goes: bool


class Table:
    """A table, from what iptables -S prints of it."""

    def __init__(self, printed: str) -> None:
        """Read it."""
        self.policies: dict[str, str] = {}
        self.chains: dict[str, list[Rule]] = {}
        for line in printed.splitlines():
            words = shlex.split(line)
            if words[:1] == ["-P"]:
                self.policies[words[1]] = words[2]
                self.chains[words[1]] = []
            elif words[:1] == ["-N"]:
                self.chains[words[1]] = []
            elif words[:1] == ["-A"]:
                self.chains.setdefault(words[1], []).append(_rule(words[2:]))

    def drops(self, chain: str, packet: Packet) -> bool:
        """Whether the packet is certainly dropped. Tests that are not known may let it pass."""
        fate = self._walk(chain, packet, 0)
        return fate == DROPPED or (fate == RETURNED and self.policies.get(chain) == "DROP")

    def _walk(self, chain: str, packet: Packet, depth: int) -> str:
        for rule in self.chains.get(chain, ()) if depth < 20 else ():
            matches = _matches(rule, packet)
            if matches is False or rule.target in NOTES or not rule.target:
                continue
            if rule.target in self.chains:
                fate = self._walk(rule.target, packet, depth + 1)
                if fate == RETURNED and rule.goes and matches:
                    return RETURNED
            else:
                fate = {"DROP": DROPPED, "REJECT": DROPPED, "RETURN": RETURNED}.get(rule.target, ACCEPTED)
                if fate == RETURNED and matches:
                    return RETURNED
            if fate == ACCEPTED or (fate == DROPPED and matches):
                return fate
        return RETURNED


def _rule(words: list[str]) -> Rule:
    tests: list[tuple[str, str, bool]] = []
    target, goes, negated = "", False, False
    for option, values in _options(words):
        if option == "!":
            negated = True
            continue
        if option in ("-j", "-g"):
            target, goes = values[0], option == "-g"
        elif option not in IGNORED:
            tests.append((option, " ".join(values), negated or values[:1] == ["!"]))
        negated = False
    return Rule(tuple(tests), target, goes)


def _options(words: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Each option with its values."""
    option = ""
    values: list[str] = []
    for word in words:
        if word == "!" or word.startswith("-"):
            if option:
                yield option, values
            option, values = word, []
        else:
            values.append(word)
    if option:
        yield option, values


def _matches(rule: Rule, packet: Packet) -> bool | None:
    """Whether the packet is one of the rule's; None if that is not certain."""
    answers = set()
    for option, value, negated in rule.tests:
        answer = _test(option, value, packet)
        answers.add(answer if answer is None else answer != negated)
    return False if False in answers else None if None in answers else True


def _test(option: str, value: str, packet: Packet) -> bool | None:
    if option in ("-i", "-o"):
        seen = packet.interface if option == "-i" else packet.output
        return seen.startswith(value[:-1]) if value.endswith("+") else seen == value
    if option == "-p":
        return value == "all" or PROTOCOLS.get(value, value) == packet.protocol
    if option in ("-s", "-d"):
        return _inside(packet.source if option == "-s" else packet.destination, value)
    if option in ("--dport", "--dports"):
        return any(_in_range(packet.port, part) for part in value.split(","))
    if option in ("--ctstate", "--state"):
        return "NEW" in value.split(",")
    if option == "--dst-type":
        return value == ("UNICAST" if packet.output else "LOCAL")
    return False if option in ("--icmp-type", "-f") else None


def _inside(address: str, network: str) -> bool | None:
    try:
        return ip_address(address) in ip_network(network, strict=False)
    except ValueError:
        return None


def _in_range(port: int, text: str) -> bool:
    low, colon, high = text.partition(":")
    return int(low or 0) <= port <= int(high or 65535) if colon else text == str(port)
