# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Docker's rules of the packet filter, which it writes when it starts and never looks at again."""

from __future__ import annotations

import re

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.nftables import Ruleset
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.packet_filter import Filter

START = "Run `systemctl restart docker`, which stops the containers on this host for a moment."


def are_there(seen: Filter) -> bool:
    """Whether packets still come to Docker's rules, in both tables or in nftables' own."""
    nat = any(
        line.startswith("-A PREROUTING ") and line.endswith(" -j DOCKER") for line in seen.nat.splitlines()
    )
    forward = any(
        line.startswith("-A FORWARD ") and " -j DOCKER" in line for line in seen.filter.splitlines()
    )
    return (nat and forward) or "ip docker-bridges" in Ruleset(seen.nft).tables()


def lost(saved: str) -> str:
    """What to say if the rules that iptables-save prints have none of Docker's; empty if they have."""
    if not saved or re.search(r"^:DOCKER ", saved, re.MULTILINE):
        return ""
    return f"Docker's rules are gone from the packet filter, as after `nft flush ruleset`. {START}"
