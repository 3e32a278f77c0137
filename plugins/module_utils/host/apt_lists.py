# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The package lists of a host, and whether they will do."""

from __future__ import annotations

from pathlib import Path

LISTS = Path("/var/lib/apt/lists")
CONFIGURATION = Path("/etc/apt")
# What decides where lists come from, and whether they may be read.
DECIDING = ("sources.list", "apt.conf", "auth.conf", "trusted.gpg", "keyrings")
SECONDS = 3600


def are_young(lists: Path, configuration: Path, now: float) -> bool:
    """Whether lists are there that were read lately, and after the last change of what decides about them."""
    if not any(lists.glob("*_Packages*")):
        return False
    read = lists.stat().st_mtime
    deciding = [configuration / name for name in DECIDING]
    parts = [configuration / f"{name}.d" for name in DECIDING]
    paths = [path for path in (*deciding, *parts) if path.exists()]
    paths += [child for path in paths if path.is_dir() for child in path.iterdir()]
    # Unlike mtime, ctime cannot be set back.
    changed = max((path.lstat().st_ctime for path in paths), default=0.0)
    return now - read < SECONDS and read >= changed
