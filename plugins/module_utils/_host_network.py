# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host reaches, the names it knows, and its packet filter."""

from __future__ import annotations

import socket
from http.client import HTTPException
from urllib.error import HTTPError

from ansible.module_utils.urls import open_url
from ansible_collections.mink8s.kubernetes.plugins.module_utils._host_engine import Run


def fetch_error(url: str) -> str:
    """Why the URL can't be fetched; empty if it can."""
    try:
        open_url(url, method="HEAD", timeout=10).close()
    except HTTPError as error:
        # Some file servers know no HEAD; they answered, which is what was asked.
        return "" if error.code in (405, 501) else f"HTTP {error.code} {error.reason}"
    except (OSError, HTTPException, ValueError) as error:
        return str(getattr(error, "reason", error))
    return ""


def name_error(name: str) -> str:
    """Why the name can't be resolved; empty if it can."""
    try:
        socket.getaddrinfo(name, None)
    except (OSError, UnicodeError) as error:
        return getattr(error, "strerror", None) or str(error)
    return ""


def iptables_error(run: Run, iptables: str) -> str:
    """Why the table that Docker and the kubelet write to can't be read; empty if it can."""
    code, out, error = run([iptables, "-w", "5", "-t", "nat", "-S"])
    said = error.strip() or out.strip() or f"code {code}"
    return "" if code == 0 else said.splitlines()[0].rstrip(".")
