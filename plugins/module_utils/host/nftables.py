# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What rules of nftables do with a packet, as far as that is certain."""

from __future__ import annotations

import json
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from typing import Any, NamedTuple

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.iptables import (
    ACCEPTED,
    DROPPED,
    RETURNED,
    Packet,
)

# A packet of these families is an IPv4 packet too.
FAMILIES = ("ip", "inet")
VERDICTS = {"accept": ACCEPTED, "drop": DROPPED, "reject": DROPPED, "return": RETURNED, "queue": ACCEPTED}
# What says nothing of a packet's fate.
NOTES = {"counter", "log", "comment", "mangle", "notrack", "set", "add", "update"}


class Chain(NamedTuple):
    """A chain that the kernel has each packet of a hook go through."""

    family: str
    table: str
    name: str

    def __str__(self) -> str:
        """The chain as nft takes it."""
        return f"{self.family} {self.table} {self.name}"


class Ruleset:
    """All tables, from what nft -j list ruleset prints."""

    def __init__(self, printed: str) -> None:
        """Read them. What is no JSON has no tables."""
        self._rules: dict[Chain, list[list[dict[str, Any]]]] = {}
        self._hooks: dict[Chain, tuple[str, bool]] = {}
        for entry in _entries(printed):
            if "chain" in entry:
                chain = entry["chain"]
                key = Chain(chain["family"], chain["table"], chain["name"])
                self._rules.setdefault(key, [])
                if chain.get("type") == "filter":
                    self._hooks[key] = chain["hook"], chain.get("policy") == "drop"
            elif "rule" in entry:
                rule = entry["rule"]
                key = Chain(rule["family"], rule["table"], rule["chain"])
                self._rules.setdefault(key, []).append(rule["expr"])

    def tables(self) -> set[str]:
        """The names of the tables with chains, each after its family."""
        return {f"{chain.family} {chain.table}" for chain in self._rules}

    def drop(self, hook: str, packet: Packet, iptables: bool) -> Iterator[Chain]:
        """The chains of a hook that certainly drop the packet.

        iptables: whether the table that iptables has its filter in is looked at elsewhere.
        """
        for chain, (its_hook, drops) in self._hooks.items():
            other = not (iptables and (chain.family, chain.table) == ("ip", "filter"))
            if its_hook == hook and chain.family in FAMILIES and other:
                fate = self._walk(chain, packet, 0)
                if fate == DROPPED or (fate == RETURNED and drops):
                    yield chain

    def _walk(self, chain: Chain, packet: Packet, depth: int) -> str:
        for rule in self._rules.get(chain, ()) if depth < 20 else ():
            certain = True
            for expression in rule:
                (kind, body), *_rest = expression.items()
                if kind == "match":
                    matches = _matches(body, packet)
                elif kind in NOTES:
                    matches = True
                elif kind == "vmap":
                    kind, body, matches = _looked_up(body, packet)
                else:
                    matches = True if kind in VERDICTS or kind in ("jump", "goto") else None
                if matches is False:
                    break
                certain = certain and matches is True
                fate = VERDICTS.get(kind)
                if kind in ("jump", "goto"):
                    fate = self._walk(chain._replace(name=body["target"]), packet, depth + 1)
                    if fate == RETURNED and kind == "jump":
                        break
                if fate == ACCEPTED or (fate and certain):
                    return fate
        return RETURNED


def _entries(printed: str) -> list[dict[str, Any]]:
    try:
        return list(json.loads(printed)["nftables"])
    except (ValueError, KeyError, TypeError):
        return []


def _looked_up(body: dict[str, Any], packet: Packet) -> tuple[str, Any, bool | None]:
    """The verdict that a map has for the packet: its kind, what belongs to it, and whether there is one."""
    pairs = body["data"].get("set") if isinstance(body["data"], dict) else None
    if pairs is None:
        return "", None, None
    for key, verdict in pairs:
        matches = _matches({"op": "==", "left": body["key"], "right": key}, packet)
        if matches is not False:
            (kind, target), *_rest = verdict.items()
            return kind, target, matches
    return "", None, False


def _matches(test: dict[str, Any], packet: Packet) -> bool | None:
    seen = _value(test["left"], packet)
    if seen is None or seen is False:
        return seen
    answer = _among(seen, test["right"])
    return answer if answer is None or test["op"] != "!=" else not answer


def _value(left: Any, packet: Packet) -> Any:
    """What an expression gives for the packet; None if unknown, False if it is about other packets."""
    kind, body = next(iter(left.items())) if isinstance(left, dict) else ("", {})
    if kind == "meta":
        return {
            "iifname": packet.interface,
            "iif": packet.interface,
            "oifname": packet.output,
            "oif": packet.output,
            "l4proto": packet.protocol,
            "nfproto": "ipv4",
            "protocol": "ip",
        }.get(body["key"])
    if kind == "ct":
        return {"state": "new", "direction": "original"}.get(body["key"])
    if kind == "payload" and "protocol" in body:
        if body["protocol"] not in ("ip", "th", packet.protocol):
            return False
        values = {"saddr": packet.source, "daddr": packet.destination, "dport": packet.port}
        return {**values, "protocol": packet.protocol}.get(body["field"])
    return None


def _among(seen: Any, right: Any) -> bool | None:
    """Whether a value is what is asked for; None if that is not certain."""
    if isinstance(right, list):
        answers = {_among(seen, one) for one in right}
        return True if True in answers else None if None in answers else False
    if isinstance(right, dict):
        if "set" in right:
            return _among(seen, right["set"])
        if "range" in right and isinstance(seen, int):
            low, high = right["range"]
            return bool(low <= seen <= high)
        if "prefix" in right and isinstance(seen, str):
            return ip_address(seen) in ip_network(f"{right['prefix']['addr']}/{right['prefix']['len']}")
        return None
    if isinstance(right, str) and right.startswith("@"):
        return None
    if isinstance(right, str) and right.endswith("*") and isinstance(seen, str):
        return seen.startswith(right[:-1])
    return bool(seen == right)
