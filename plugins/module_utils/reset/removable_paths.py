# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which files and directories reset removes, and which it leaves."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import home_kubeconfig, mounts
from ansible_collections.mink8s.kubernetes.plugins.module_utils.reset.steps import Findings, Step
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import ledger_file

FILES, TREES = ("file", "marked", "login"), ("tree", "contents")


@dataclass(frozen=True)
class Seen:
    """What is at a path. kind: file, link, directory, or empty if nothing is there.

    children: names in a directory. marked: whether the first line of a file has our mark. mounted: whether
    it is a mount point, which cannot be removed. data: whether it is a directory with etcd's data.
    """

    kind: str = ""
    children: frozenset[str] = frozenset()
    marked: bool = False
    mounted: bool = False
    data: bool = False


def observe(paths: Mapping[str, str], files: Iterable[str], mountinfo: str) -> dict[str, Seen]:
    """What is at each path of a ledger, and in the directories of its files and of the other files."""
    own = mounts.inside(paths, mountinfo)
    targets = [mount.target for mount in mounts.parse(mountinfo)]
    # A tree that a kubelet mounted onto itself is no mount point any more once that is undone.
    points = {target for target in targets if targets.count(target) > own.count(target)}
    ours = [path for path, kind in paths.items() if kind in FILES]
    parents = {str(Path(path).parent) for path in (*ours, *files)}
    found = {path: _look(Path(path), path in points) for path in {*paths, *parents}}
    for path, kind in paths.items():
        if kind == "login":
            found[path] = _look_in_home(Path(path))
    return found


def _look_in_home(path: Path) -> Seen:
    seen = home_kubeconfig.observe(path)
    if seen.obstacle:
        return Seen("link")
    marked = ledger_file.MARK.encode() in (seen.content or b"").partition(b"\n")[0]
    return Seen("" if seen.content is None else "file", marked=marked)


def _look(path: Path, mounted: bool) -> Seen:
    if path.is_symlink():
        return Seen("link")
    if path.is_dir():
        children = frozenset(child.name for child in path.iterdir())
        return Seen("directory", children, mounted=mounted, data=(path / "member" / "wal").is_dir())
    if not path.is_file():
        return Seen("file" if path.exists() else "")
    with path.open("rb") as stream:
        return Seen("file", marked=ledger_file.MARK.encode() in stream.readline())


def chosen(
    paths: Mapping[str, str], seen: Mapping[str, Seen], data: bool, directories: Iterable[str]
) -> set[str]:
    """The trees to be kept: those with etcd's data, those in directories that stay, or both."""
    found = [path for path, kind in paths.items() if kind in TREES]
    return {path for path in found if (data and seen[path].data) or is_in(path, *directories)}


def trees(paths: Mapping[str, str], keep: Collection[str]) -> list[str]:
    """The trees that go: none that is to be kept, or has in it what is."""
    found = (path for path, kind in paths.items() if kind in TREES)
    return [tree for tree in found if not any(is_in(path, tree) for path in keep)]


def is_in(path: str, *trees: str) -> bool:
    """Whether a path is one of the trees or in one."""
    return any(path == tree or path.startswith(f"{tree}/") for tree in trees)


def plan(
    paths: Mapping[str, str], seen: Mapping[str, Seen], keep: Collection[str], files: Iterable[str] = ()
) -> Findings:
    """What has to go, but for directories that have to be empty.

    paths: what is ours at each path, as in a ledger. keep: those that stay, with all in them. files: others
    whose temporary files are ours too.
    """
    found, going = Findings(), trees(paths, keep)
    for path, kind in sorted(paths.items()):
        if kind == "directory" or is_in(path, *keep):
            continue
        if is_in(path, *(tree for tree in going if tree != path)):
            continue
        decision = _decide(path, kind, seen[path])
        if kind in TREES and path not in going:
            decision = f"{path} stays, because what is to be kept is in it."
        if isinstance(decision, Step):
            found.steps.append(decision)
        elif decision:
            found.kept.append(decision)
    ours = [path for path, kind in paths.items() if kind in ("file", "marked")]
    for path in _temporary({*ours, *files}, seen):
        if not is_in(path, *going, *keep):
            found.steps.append(Step(f"{path} is half a file of the collection's", path=path, action="remove"))
    return found


def _decide(path: str, kind: str, look: Seen) -> Step | str:
    if look.kind == "link" and kind in TREES:
        return f"{path} is a symbolic link now; it and what it leads to are left."
    if look.kind == "file" and kind in ("marked", "login") and not look.marked:
        return f"{path} is yours: its first line does not say that it is the collection's."
    if look.kind == "file" and kind == "login":
        return Step(f"{path} is the collection's", path=path, action="kubeconfig")
    if look.kind == "link" and kind == "login":
        return f"{path} is a symbolic link now, which the collection does not make."
    if look.kind in ("file", "link"):
        return Step(f"{path} is the collection's", path=path, action="remove")
    if look.kind == "directory" and kind in FILES:
        return f"{path} is a directory now, and the collection made a file."
    if look.kind == "directory" and kind == "tree" and not look.mounted:
        return Step(f"{path} is the cluster's, with all in it", path=path, action="tree")
    if look.children - ledger_file.EMPTY:
        return Step(f"all in {path} is the cluster's", path=path, action="contents")
    return ""


def _temporary(files: Iterable[str], seen: Mapping[str, Seen]) -> list[str]:
    """What a run that was killed while it wrote these files has left beside them."""
    found = []
    for file in files:
        path = Path(file)
        pattern = re.compile(rf"\.{re.escape(path.name)}\.[a-z0-9_]{{8}}")
        children = seen[str(path.parent)].children
        found += [str(path.parent / name) for name in children if pattern.fullmatch(name)]
    return sorted(found)


def directories(
    paths: Mapping[str, str], seen: Mapping[str, Seen], keep: Collection[str], gone: Collection[str]
) -> Findings:
    """Which directories are empty once the paths that are gone are: inner before outer."""
    found, away = Findings(), set(gone)
    for path in sorted((path for path, kind in paths.items() if kind == "directory"), reverse=True):
        look = seen[path]
        if look.kind != "directory" or is_in(path, *keep, *gone):
            continue
        left = {name for name in look.children if f"{path}/{name}" not in away}
        if not left and not look.mounted:
            found.steps.append(Step(f"{path} is the collection's", path=path, action="directory"))
            away.add(path)
        others = sorted(name for name in left if not any(is_in(kept, f"{path}/{name}") for kept in keep))
        inner = [name for name in others if paths.get(f"{path}/{name}") == "directory"]
        if others and others != inner:
            found.kept.append(f"{path} is not empty: {enumerate_some(others)}.")
    return found


def enumerate_some(names: Iterable[str]) -> str:
    """The first few of the names, and how many there are more."""
    listed = list(names)
    more = f" and {len(listed) - 5} more" if len(listed) > 6 else ""
    return ", ".join(listed[:5] if more else listed) + more
