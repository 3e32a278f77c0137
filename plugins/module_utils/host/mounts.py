# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is mounted where, read from mountinfo."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Mount:
    """A line of mountinfo: device and root say which directory of which file system is seen at target."""

    identity: str
    parent: str
    device: str
    root: str
    target: str


def parse(mountinfo: str) -> list[Mount]:
    """All mounts, in the order in which they were made."""
    fields = (line.split() for line in mountinfo.splitlines())
    return [Mount(each[0], each[1], each[2], _plain(each[3]), _plain(each[4])) for each in fields]


def inside(trees: Iterable[str], mountinfo: str) -> list[str]:
    """What is mounted inside the trees, last first, as it has to be unmounted.

    A tree that is mounted onto itself, as a kubelet does it to its directory, is among them; another file
    system at a tree's own path is not.
    """
    mounts = parse(mountinfo)
    by_identity = {mount.identity: mount for mount in mounts}
    return [
        mount.target
        for mount in reversed(mounts)
        if any(
            mount.target.startswith(f"{tree}/")
            or (mount.target == tree and _shows_the_same(mount, by_identity.get(mount.parent)))
            for tree in trees
        )
    ]


def _shows_the_same(mount: Mount, below: Mount | None) -> bool:
    """Whether the mount shows at its place what would be there without it."""
    if below is None or mount.device != below.device:
        return False
    way = mount.target[len(below.target.rstrip("/")) :]
    return mount.root == (below.root.rstrip("/") + way or "/")


def _plain(text: str) -> str:
    """The kernel writes spaces and such in octal."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), text)
