# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The network of pods that the role of this name makes with CNI plugins."""

from __future__ import annotations

import json
import re
from pathlib import Path

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import programs
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.programs import Run

UNIT = "pod-network.service"
CONFIGURATION = Path("/etc/cni/net.d/10-mink8s.conflist")
BRIDGE = "cni0"
# The number by which its routes to other nodes are known.
PROTOCOL = 118
# Where the plugins note which address each pod has, and the network's name in what else they note.
ADDRESSES = Path("/var/lib/cni/networks/mink8s")


def is_there() -> bool:
    """Whether there is anything of it on this host."""
    return CONFIGURATION.exists() or Path("/etc/systemd/system", UNIT).exists()


def printed_routes(run: Run) -> str:
    """What ip prints of the unit's routes to pods on other nodes. run: the module's run_command."""
    ip = programs.find("ip")
    return run([ip, "-4", "route", "show", "proto", str(PROTOCOL)])[1] if ip else ""


def routes(run: Run) -> tuple[str, ...]:
    """The networks that those routes lead to."""
    return tuple(line.split()[0] for line in printed_routes(run).splitlines())


def subnet(kubelet: str, configuration: Path = CONFIGURATION) -> str | None:
    """The network that the pods of a kubelet are in; empty for the container runtime's own, None if unknown.

    kubelet: the text of its unit, empty if there is none.
    """
    if not kubelet:
        return None
    if not re.search(r"--(network-plugin|container-runtime-endpoint)=", kubelet):
        return ""
    try:
        bridge = json.loads(configuration.read_text())["plugins"][0]
        return str(bridge["ipam"]["ranges"][0][0]["subnet"])
    except (OSError, ValueError, LookupError, TypeError):
        return None
