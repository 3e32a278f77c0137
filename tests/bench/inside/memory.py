# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The memory of this host and of the processes that make up a cluster on it, in bytes."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

# Names as the kernel keeps them, the first 15 characters.
PROCESSES = (
    "kube-apiserver",
    "etcd",
    "kubelet",
    "dockerd",
    "containerd",
    "containerd-shim",
    "kube-controller",
    "kube-scheduler",
    "pause",
)
# Of cgroup v1 and v2: what processes hold and is no copy of a file.
HELD = {"/sys/fs/cgroup/memory/memory.stat": "total_rss", "/sys/fs/cgroup/memory.stat": "anon"}


def held() -> int:
    """What all processes of the host hold that is no copy of a file."""
    for name, key in HELD.items():
        path = Path(name)
        if path.exists():
            return next(
                int(line.split()[1]) for line in path.read_text().splitlines() if line.startswith(f"{key} ")
            )
    raise FileNotFoundError(f"none of {', '.join(HELD)}")


def processes() -> dict[str, dict[str, int]]:
    """Resident memory of each kind of process, and its proportional share of what several have in common."""
    found: dict[str, dict[str, int]] = defaultdict(lambda: {"rss": 0, "pss": 0})
    for directory in Path("/proc").glob("[0-9]*"):
        try:
            name = (directory / "comm").read_text().strip()
            if name in PROCESSES:
                shares = (directory / "smaps_rollup").read_text()
                for key in ("rss", "pss"):
                    found[name][key] += _kibibytes(shares, key.capitalize()) * 1024
        except OSError:
            # It has ended since.
            continue
    return dict(found)


def _kibibytes(text: str, key: str) -> int:
    number = re.search(rf"^{key}: +(\d+) kB$", text, re.MULTILINE)
    return int(number[1]) if number else 0
