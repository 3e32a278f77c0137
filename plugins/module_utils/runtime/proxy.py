# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The proxy of a daemon, in a drop-in of its unit."""

from __future__ import annotations

import re
from typing import Any


def drop_in(path: str, variables: str, ledger: str) -> dict[str, Any]:
    """The drop-in with the proxy, as a set of files. Raises ValueError."""
    content = environment(variables)
    file = {"path": path, "content": content, "mode": "0600", "marker": None}
    return {
        "directories": [],
        "files": [file] if content else [],
        "absent": [] if content else [path],
        "ledger": ledger,
    }


def environment(variables: str) -> str:
    """The drop-in that passes variables, so that systemd takes each value for what it is.

    variables: each NAME=VALUE on a line. Raises ValueError, without the value.
    """
    lines: list[str] = []
    for line in variables.splitlines():
        name, equals, value = line.partition("=")
        if not (equals and re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name)):
            raise ValueError(
                f"Line {len(lines) + 1} of the proxy's variables has no NAME=VALUE. cluster_proxy takes"
                " http_proxy, https_proxy and no_proxy, each with a value of one line."
            )
        quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
        lines.append(f'Environment="{name.upper()}={quoted}"\n')
    return "".join(["[Service]\n", *lines]) if lines else ""
