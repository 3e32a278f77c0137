# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The record of an installed release: what was taken out of which tarball, and whether it is still that."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import files

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

NAME = "release.json"


class ReleaseError(Exception):
    """The release cannot be had, or is not what it should be."""


def sha256(path: Path, recorded: dict[str, Any] | None = None) -> str | None:
    """The file's sha256, or None if nothing is there; a link to nowhere is something, with an empty hash.

    recorded: a fingerprint. If given, a file that still has this size and time is not read again.
    """
    try:
        status = path.stat()
        if recorded and (recorded["size"], recorded["mtime_ns"]) == (status.st_size, status.st_mtime_ns):
            return str(recorded["sha256"])
        return files.digest(path, "sha256")
    except FileNotFoundError:
        return "" if path.is_symlink() else None


def fingerprint(path: Path) -> dict[str, Any]:
    """What a record says of a file: its sha256, size in bytes, and time of change in nanoseconds."""
    status = path.stat()
    return {"sha256": sha256(path), "size": status.st_size, "mtime_ns": status.st_mtime_ns}


def read_record(path: Path) -> dict[str, Any]:
    """The record of an installed release: its tarball's checksum, and a fingerprint for each path.

    Raises ReleaseError if it is damaged.
    """
    try:
        record: dict[str, Any] = json.loads(path.read_bytes())
        return {"checksum": record["checksum"], "parts": dict(record["parts"])}
    except (ValueError, KeyError, TypeError) as error:
        raise ReleaseError(
            f"{path} is no record of an installed release any more. Remove it, and the"
            " release's programs with it, to install them again."
        ) from error


def hashes(
    programs: Iterable[Path], archives: Iterable[Path], record: Mapping[str, Any]
) -> dict[Path, str | None]:
    """The sha256 of each path. An archive is read only if its size or time is not the recorded one."""
    found = {path: sha256(path) for path in programs}
    return {**found, **{path: sha256(path, record.get("parts", {}).get(str(path))) for path in archives}}


def intact(directory: Path, checksum: str, programs: Iterable[Path], archives: Iterable[Path]) -> bool:
    """Whether all of these are there, as they were taken out of the tarball with this SHA-512.

    directory: that of the release, with its record.
    """
    try:
        record = read_record(directory / NAME)
    except (OSError, ReleaseError):
        return False
    parts = record["parts"]
    return record["checksum"] == checksum and all(
        found is not None and found == parts.get(str(path), {}).get("sha256")
        for path, found in hashes(programs, archives, record).items()
    )
