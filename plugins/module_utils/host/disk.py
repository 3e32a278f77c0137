# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The file systems of a host that a run fills."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class FileSystem:
    """What is wanted of a file system (MB for which paths), what is free on it, and its size.

    keep: for which path the kubelet wants most of it to stay free, and how many percent.
    inodes: how many percent of them are free.
    """

    paths: tuple[str, ...]
    wanted: int
    free: int
    size: int = 0
    keep: tuple[str, int] = ("", 0)
    inodes: int = 100


def measure(directories: list[dict[str, Any]], data_root: str) -> Iterator[FileSystem]:
    """What is wanted and free, in MB, on each file system that directories are or will be on.

    data_root: the directory of the entry that names none.
    """
    wanted: dict[int, list[dict[str, Any]]] = {}
    for listed in directories:
        entry = {**listed, "path": listed["path"] or data_root}
        wanted.setdefault(_existing(entry["path"]).stat().st_dev, []).append(entry)
    for entries in wanted.values():
        status = os.statvfs(_existing(entries[0]["path"]))
        most = max(entries, key=lambda entry: entry.get("percent", 0))
        yield FileSystem(
            tuple(entry["path"] for entry in entries if entry["megabytes"]),
            sum(entry["megabytes"] for entry in entries),
            status.f_bavail * status.f_frsize // 1_000_000,
            status.f_blocks * status.f_frsize // 1_000_000,
            (most["path"], most.get("percent", 0)),
            # Some file systems have as many as they need.
            status.f_favail * 100 // status.f_files if status.f_files else 100,
        )


def _existing(path: str) -> Path:
    return next(parent for parent in (Path(path), *Path(path).parents) if parent.exists())
