# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The cgroups of a host: version, controllers, and whether a limit of kernel memory can be written."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.procfs import text

UNIFIED = Path("/sys/fs/cgroup/cgroup.controllers")
# The controllers without which the kubelet does not start, by version.
NEEDED = {1: {"cpu", "cpuacct", "cpuset", "devices", "memory"}, 2: {"cpu", "cpuset", "memory"}}
LIMIT = "memory.kmem.limit_in_bytes"


def version() -> int:
    """The version of cgroup that the host has mounted."""
    return 2 if UNIFIED.exists() else 1


def controllers(mounts: str) -> frozenset[str]:
    """The controllers of cgroup v2, or the mounted ones of v1. mounts: the text of /proc/self/mounts."""
    return frozenset(text(UNIFIED).split()) or frozenset(
        option for _path, options in _hierarchies(mounts) for option in options
    )


def read_only(mounts: str) -> tuple[str, ...]:
    """Where cgroups can't be made: hierarchies of the controllers the kubelet needs, mounted read-only."""
    found = []
    for fields in map(str.split, mounts.splitlines()):
        if len(fields) == 6 and fields[2] in ("cgroup", "cgroup2"):
            options = set(fields[3].split(","))
            needed = fields[1] == str(UNIFIED.parent) if fields[2] == "cgroup2" else options & NEEDED[1]
            if needed and "ro" in options:
                found.append(fields[1])
    return tuple(found)


def kernel_memory_error(mounts: str) -> str:
    """Why a limit of kernel memory can't be written; empty if it can, or if the kernel has none.

    A cgroup of our own is made for it, and removed again.
    """
    paths = [path for path, options in _hierarchies(mounts) if "memory" in options]
    if not paths or not (paths[0] / LIMIT).exists():
        return ""
    try:
        scratch = Path(tempfile.mkdtemp(dir=paths[0], prefix="mink8s-preflight-"))
    except OSError:
        return ""  # only root may, which another check sees to
    try:
        return write_limits(scratch / LIMIT)
    finally:
        scratch.rmdir()


def write_limits(path: Path) -> str:
    """Write what the kubelet writes; what the kernel says if it refuses."""
    try:
        for limit in ("1", "-1"):
            path.write_text(limit)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _hierarchies(mounts: str) -> Iterator[tuple[Path, list[str]]]:
    """Where each hierarchy of cgroup v1 is mounted, and its options, the controllers among them."""
    for fields in map(str.split, mounts.splitlines()):
        if len(fields) == 6 and fields[2] == "cgroup":
            yield Path(fields[1]), fields[3].split(",")
