# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A set of directories and text files: what is on the host, what has to change, and the change."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import previous_configuration
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import files, ledger_file
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan, shown

ARGUMENTS: dict[str, Any] = {
    "directories": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "path": {"type": "path", "required": True},
            "mode": {"type": "str", "default": "0755"},
            "tree": {"type": "bool", "default": False},
        },
    },
    "files": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "path": {"type": "path", "required": True},
            "content": {"type": "str", "required": True},
            "mode": {"type": "str", "default": "0644"},
            "marker": {"type": "str"},
        },
    },
    "absent": {"type": "list", "elements": "path", "default": []},
    "keep_previous": {"type": "bool", "default": False},
    **ledger_file.ARGUMENTS,
}


@dataclass(frozen=True)
class Observed:
    """What is at a path: the content (None of a directory) and the mode; both None if nothing is there."""

    content: bytes | None
    mode: int | None


@dataclass
class Changes:
    """What the plan decided, ready to be applied."""

    directories: list[tuple[Path, int]] = field(default_factory=list)
    files: list[tuple[Path, bytes, int]] = field(default_factory=list)
    absent: list[Path] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        """The files that are written or removed."""
        return [str(path) for path, *_rest in self.files] + [str(path) for path in self.absent]


def prepare(desired: dict[str, Any]) -> tuple[Plan, Changes]:
    """The plan for the host as it is. desired: what the module files is given. Raises OSError."""
    observed = {item["path"]: observe(item["path"], directory=True) for item in desired["directories"]}
    for path in [item["path"] for item in desired["files"]] + desired["absent"]:
        observed[path] = observe(path, directory=False)
    return plan(desired, observed)


def observe(path: str, directory: bool) -> Observed:
    """The file or directory as it is on the host. Raises OSError where it is the other or cannot be read."""
    target = Path(path)
    try:
        mode = target.stat().st_mode & 0o7777
    except FileNotFoundError:
        return Observed(None, None)
    if not directory:
        return Observed(target.read_bytes(), mode)
    if not target.is_dir():
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), path)
    return Observed(None, mode)


def plan(desired: dict[str, Any], observed: dict[str, Observed]) -> tuple[Plan, Changes]:
    """Compare the wanted set with what is on the host."""
    reasons: list[str] = []
    before: list[str] = []
    after: list[str] = []
    changes = Changes()

    def show(path: str, old: bytes | None, new: bytes | None) -> None:
        for lines, content in ((before, old), (after, new)):
            if content is not None:
                lines.append(shown(path, content))

    for item in desired["directories"]:
        path, mode = item["path"], int(item["mode"], 8)
        if observed[path].mode is None:
            reasons.append(f"{path} is missing")
            changes.directories.append((Path(path), mode))
    for item in desired["files"]:
        path, mode, marker = item["path"], int(item["mode"], 8), item["marker"]
        content = whole(item)
        seen = observed[path]
        if marker and seen.content is not None and not seen.content.startswith(f"{marker}\n".encode()):
            continue
        if seen.mode is None:
            reasons.append(f"{path} is missing")
        elif seen.content != content:
            reasons.append(f"{path} has other content")
        elif seen.mode != mode:
            reasons.append(f"{path} has mode {seen.mode:04o}, wanted {mode:04o}")
        else:
            continue
        changes.files.append((Path(path), content, mode))
        if seen.content != content:
            show(path, seen.content, content)
    for path in desired["absent"]:
        if observed[path].mode is not None:
            reasons.append(f"{path} is not wanted any more")
            changes.absent.append(Path(path))
            show(path, observed[path].content, None)
    return Plan(tuple(reasons), "".join(before), "".join(after)), changes


def whole(file: dict[str, Any]) -> bytes:
    """What a file is to have in it, its marker too."""
    return f"{file['marker']}\n{file['content']}".encode() if file["marker"] else file["content"].encode()


def note(desired: dict[str, Any]) -> None:
    """Note what is about to be made, and trees that are there and empty before the cluster fills them."""
    directories, files = desired["directories"], desired["files"]
    ledger_file.note(
        desired["ledger"],
        directories=[item["path"] for item in directories if not item["tree"]],
        trees=[item["path"] for item in directories if item["tree"]],
        files=[item["path"] for item in files if not item["marker"]],
        marked=[item["path"] for item in files if item["marker"]],
    )


def keep(desired: dict[str, Any], paths: Iterable[str]) -> None:
    """Keep what is at paths that are about to change, if that is asked for."""
    if desired["keep_previous"]:
        previous_configuration.keep(desired["ledger"], paths)


def apply(changes: Changes) -> None:
    """Directories first, outer before inner, then files, then what has to go."""
    for path, mode in sorted(changes.directories):
        files.make_directory(path, mode)
    for path, content, mode in changes.files:
        files.make_directory(path.parent, 0o755)
        files.write(path, content, mode)
    for path in changes.absent:
        path.unlink()
