# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The machine on which everything runs, and the versions of what runs on it."""

from __future__ import annotations

import os
import platform
import re
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path

from common import output

ROOT = Path(__file__).resolve().parents[2]


def describe() -> dict[str, str | int]:
    """What the figures depend on and does not change between two runs of the command."""
    model = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return {
        "cpu": model[1] if model else platform.machine(),
        "cores": os.cpu_count() or 0,
        "memory_gib": round(pages / 2**30),
        "kernel": platform.release(),
        "system": platform.freedesktop_os_release()["PRETTY_NAME"],
        "engine": output("docker", "version", "--format", "{{.Server.Version}}"),
    }


def versions(kubernetes: str) -> dict[str, str]:
    """What is measured, and when. The results of earlier runs are no change of it."""
    commit = output("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD")
    changes = output(
        "git", "-C", str(ROOT), "status", "--porcelain", "--", ".", ":(exclude)docs/performance.*"
    )
    return {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "commit": commit + (" with changes" if changes else ""),
        "ansible_core": version("ansible-core"),
        "python": platform.python_version(),
        "kubernetes": kubernetes,
    }


class Busy:
    """How much of the machine's processors is used from now on."""

    def __init__(self) -> None:
        self._before = _ticks()

    def share(self) -> float:
        """From 0 to 1."""
        idle, total = (now - before for now, before in zip(_ticks(), self._before))
        return 1 - idle / total if total else 0.0


def _ticks() -> tuple[int, int]:
    """Idle and all ticks of all processors since the machine's start."""
    fields = [int(field) for field in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return fields[3] + fields[4], sum(fields)
