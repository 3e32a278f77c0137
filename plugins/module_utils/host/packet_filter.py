# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The packet filter of a host."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import programs
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.iptables import Packet, Table
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.nftables import Ruleset
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.programs import Run


@dataclass(frozen=True)
class Filter:
    """The rules, as iptables -S and nft -j list ruleset print them; empty where there are none to be seen.

    error: why iptables can't read the table that the container runtime and Kubernetes write to.
    """

    nat: str = ""
    filter: str = ""
    nft: str = ""
    error: str = ""

    @property
    def has_kube_proxy_rules(self) -> bool:
        """Whether a kube-proxy has left its rules, or runs."""
        return "-N KUBE-SERVICES\n" in f"{self.nat}\n"

    def dropped(self, packet: Packet) -> Iterator[str]:
        """The chains that certainly drop a packet, in iptables' words, or in nft's behind nft."""
        hook = "forward" if packet.output else "input"
        if Table(self.filter).drops(hook.upper(), packet):
            yield hook.upper()
        for chain in Ruleset(self.nft).drop(hook, packet, iptables=bool(self.filter)):
            yield f"nft {chain}"


def observe(run: Run) -> Filter:
    """Read the rules, which root alone may. run: the module's run_command."""
    iptables, nft = programs.find("iptables"), programs.find("nft")
    ruleset = run([nft, "-j", "list", "ruleset"]) if nft else (0, "", "")
    if not iptables:
        return Filter(nft=ruleset[1])
    code, nat, error = run([iptables, "-w", "5", "-t", "nat", "-S"])
    said = error.strip() or nat.strip() or f"code {code}"
    others = run([iptables, "-w", "5", "-t", "filter", "-S"])
    return Filter(
        nat if code == 0 else "",
        others[1] if others[0] == 0 else "",
        ruleset[1] if ruleset[0] == 0 else "",
        "" if code == 0 else said.splitlines()[0].rstrip("."),
    )


def nft_version(run: Run) -> str:
    """The version of the host's nft; empty if there is none. run: the module's run_command."""
    nft = programs.find("nft")
    found = re.search(r"\bv(\d+(\.\d+)+)", run([nft, "--version"])[1]) if nft else None
    return found[1] if found else ""
