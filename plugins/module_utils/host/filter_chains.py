# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Chains of the packet filter, taken out without touching any other rule."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


CHAIN = re.compile(r":(\S+) ")
RULE = re.compile(r"-A (\S+) ")
JUMP = re.compile(r" -[jg] (\S+)")
# All chains of the kubelet and of kube-proxy.
KUBERNETES = re.compile(r"KUBE-\S+")
# Those of pods in the pod network, to which rules lead that name it, and those of all its pods.
PODS = re.compile(r'-A .*\bname: \\"mink8s\\" .*')
POD_NETWORK = re.compile(rf"CNI-(FORWARD|ADMIN|HOSTPORT-\S+)|MINK8S-POSTROUTING|{PODS.pattern}")
WITH_POD_NETWORK = re.compile(rf"{KUBERNETES.pattern}|{POD_NETWORK.pattern}")


@dataclass(frozen=True)
class Removal:
    """A command that takes out chains, and the jumps to them. reason: which; data: its standard input."""

    reason: str
    command: tuple[str, ...]
    data: str


def observe(module: AnsibleModule, which: re.Pattern[str] = KUBERNETES) -> list[Removal]:
    """How to take out the chains in iptables and ip6tables that are such; none if there are none.

    which: the name of a chain, or a rule that leads to one.
    """
    found = []
    for program in ("iptables", "ip6tables"):
        save, restore = (module.get_bin_path(f"{program}-{verb}") for verb in ("save", "restore"))
        if save and restore:
            _code, saved, _error = module.run_command([save])
            found.append(plan(saved, restore, which))
    return [removal for removal in found if removal]


def plan(saved: str, restore: str, which: re.Pattern[str] = KUBERNETES) -> Removal | None:
    """One command takes out all chains that are such, and the jumps to them, or none.

    saved: what iptables-save prints. restore: the program that goes with it. which: as for observe.
    """
    names: dict[str, None] = {}
    tables = re.findall(r"^\*.*?^COMMIT$", saved, re.M | re.S)
    text = "".join(_removal(table, names, which) for table in tables)
    if not text:
        return None
    program = restore.rpartition("/")[2].replace("-restore", "")
    reason = f"{program} has the chains {', '.join(names)}"
    return Removal(reason, (restore, "--wait", "--noflush"), text)


def _removal(table: str, names: dict[str, None], which: re.Pattern[str]) -> str:
    """What to give iptables-restore for a table; empty if it has no such chain."""
    lines = table.splitlines()
    rules = [(match[1], line) for line in lines if (match := RULE.match(line))]
    led_to = {jump[1] for _chain, line in rules if which.fullmatch(line) and (jump := JUMP.search(line))}
    declared = [match[1] for match in map(CHAIN.match, lines) if match]
    chains = [name for name in declared if which.fullmatch(name) or name in led_to]
    names.update(dict.fromkeys(chains))
    jumps = [
        f"-D{line[2:]}"
        for chain, line in rules
        if chain not in chains and (jump := JUMP.search(line)) and jump[1] in chains
    ]
    if not chains:
        return ""
    # Naming a chain empties it, so that no jump to it is left when it is deleted.
    emptied, deleted = ([form.format(name) for name in chains] for form in (":{} - [0:0]", "-X {}"))
    return "\n".join([lines[0], *emptied, *jumps, *deleted, "COMMIT\n"])
