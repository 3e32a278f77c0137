# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host reaches, the names it knows, and its packet filter."""

from __future__ import annotations

import socket

from ansible_collections.mink8s.kubernetes.plugins.module_utils._host_engine import Run


def name_error(name: str) -> str:
    """Why the name can't be resolved; empty if it can."""
    try:
        socket.getaddrinfo(name, None)
    except (OSError, UnicodeError) as error:
        return getattr(error, "strerror", None) or str(error)
    return ""


def default_address() -> str:
    """The IPv4 address at the host's end of its default route; empty if it has no such route."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # As Ansible's own facts ask; of a UDP socket nothing is sent.
            probe.connect(("8.8.8.8", 53))
        except OSError:
            return ""
        address: str = probe.getsockname()[0]
        return address


def rules(run: Run, iptables: str) -> tuple[str, str]:
    """The table that Docker and Kubernetes write to, and why it can't be read; that is empty if it can."""
    code, out, error = run([iptables, "-w", "5", "-t", "nat", "-S"])
    said = error.strip() or out.strip() or f"code {code}"
    return out, "" if code == 0 else said.splitlines()[0].rstrip(".")
