# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The routes to other nodes in the unit of the pod network, whose text is the role's of that name."""

from __future__ import annotations

import re

# The name and the subnet of another node.
ROUTE = re.compile(r"^# To the pods of (\S+)\.\nExecStart=ip route replace (\S+) via .*\n", re.MULTILINE)
# What a unit without other nodes lacks.
OTHERS = re.compile(
    r"^# The other nodes are .*\nWants=.*\nAfter=.*\n|^# The network may be .*\nRestart=.*\nRestartSec=.*\n",
    re.MULTILINE,
)
# What deletes the routes to nodes that are gone.
CLEANUP = re.compile(r"^ExecStart=sh -c 'ip -4 route show proto (\d+) .*$", re.MULTILINE)


def nodes(text: str) -> dict[str, str]:
    """The subnet of each other node that the unit has a route to, by the node's name."""
    return dict(ROUTE.findall(text))


def without(text: str, node: str) -> str:
    """The unit's text as the role writes it without that node."""
    left = {name: subnet for name, subnet in nodes(text).items() if name != node}
    text = ROUTE.sub(lambda found: "" if found[1] == node else found[0], text)
    if left:
        return re.sub(r"(?<= in )[\d./|]+(?=\) ;; \*\))", lambda _: "|".join(left.values()), text)
    return CLEANUP.sub(r"ExecStart=ip -4 route flush proto \1", OTHERS.sub("", text))
