# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Moments as Kubernetes and container runtimes write them."""

from __future__ import annotations

import re
from datetime import datetime


def seconds(timestamp: str) -> float:
    """A moment as Kubernetes and container runtimes write it, in seconds since the epoch; 0 if it is none."""
    found = re.match(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)", timestamp or "")
    if not found or found[1].startswith("0001"):
        return 0.0
    return datetime.fromisoformat(f"{found[1]}+00:00").timestamp()
