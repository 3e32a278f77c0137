# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The ledger: what this collection has made on the host, so that reset can take back exactly that.

Whoever is about to make something notes it first. A run that is killed in between leaves a note of
something that is not there, which costs reset nothing; the other way round would leave something behind.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import files

# Whatever the variables say, so that reset finds it without them.
PATH = "/var/lib/mink8s/ledger.json"
# What a file system has in it before anybody puts something there.
EMPTY = {"lost+found"}
MARK = "mink8s.kubernetes"
# What the first note says of a file with settings of others.
KEPT: tuple[str, ...] = ("before", "tried_from")
ARGUMENTS: dict[str, dict[str, Any]] = {"ledger": {"type": "path", "default": PATH}}


class LedgerError(ValueError):
    """The ledger is not what this collection wrote."""


@dataclass
class Ledger:
    """What was made.

    paths: what is ours at each path. C(file) and C(directory): we made it where nothing was. C(tree): the
    same, and all that came into the directory since is the cluster's. C(contents): the directory was there
    and empty; all that came into it since is the cluster's. C(marked): a file, ours while its first line
    has our MARK. C(login): the same in a login's home, in which no link is followed.
    packages: those installed, with what they needed.
    images: NAME:TAG of each image loaded, and the ID of the image that had this name before; empty if none.
    units: those enabled that were not.
    settings: by path of a file with others' settings among ours, its text C(before) (None if there was
    no file) and the settings in it that are C(ours); while a change is being tried, C(tried_from) too, the
    C(text) and C(ours) to go back to.
    """

    paths: dict[str, str] = field(default_factory=dict)
    packages: list[str] = field(default_factory=list)
    images: dict[str, str] = field(default_factory=dict)
    units: list[str] = field(default_factory=list)
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)


def read(path: str | Path) -> Ledger | None:
    """The ledger, or None on a host on which nothing was made. Raises LedgerError if it is damaged."""
    content = files.read(path)
    if content is None:
        return None
    try:
        return Ledger(**json.loads(content))
    except (ValueError, TypeError) as error:
        raise LedgerError(
            f"{path} is no ledger of this collection any more ({error}). Put back the one it was, or remove"
            " it to have reset forget what was made."
        ) from error


def write(path: str | Path, ledger: Ledger) -> None:
    """Put the ledger in place, and what is noted in it is known to whoever comes next."""
    target = Path(path)
    files.make_directory(target.parent, 0o755)
    files.write(target, render(ledger).encode(), 0o600)


def render(ledger: Ledger) -> str:
    """The ledger as it stands in its file."""
    return f"{json.dumps(asdict(ledger), indent=2)}\n"


def note(
    path: str | Path,
    *,
    files: Iterable[str | Path] = (),
    directories: Iterable[str | Path] = (),
    trees: Iterable[str | Path] = (),
    marked: Iterable[str | Path] = (),
    login: Iterable[str | Path] = (),
    packages: Iterable[str] = (),
    images: Mapping[str, str] | None = None,
    units: Iterable[str] = (),
    settings: Mapping[str, dict[str, Any]] | None = None,
) -> None:
    """Note what is about to be made. Only what is not there yet is noted, and the first note stays.

    path: of the ledger. files, marked, login, directories, trees: missing directories above them are noted,
    too.
    """
    with _alone():
        ledger = read(path) or Ledger()
        old = json.dumps(asdict(ledger))
        kinds = {"file": files, "marked": marked, "login": login, "directory": directories, "tree": trees}
        for kind, paths in kinds.items():
            for target in map(Path, paths):
                _note_path(ledger, target, kind)
        ledger.packages += [name for name in packages if name not in ledger.packages]
        ledger.units += [name for name in units if name not in ledger.units]
        ledger.images = {**(images or {}), **ledger.images}
        for name, state in (settings or {}).items():
            known = ledger.settings.get(name, state)
            ledger.settings[name] = {**state, **{key: known[key] for key in KEPT if key in known}}
        if json.dumps(asdict(ledger)) != old:
            write(path, ledger)


def settle(path: str | Path, name: str, ours: dict[str, Any]) -> None:
    """Note that the settings in a file are in force; a file without any of ours is not listed.

    path: of the ledger. name: the path of the file.
    """
    with _alone():
        ledger = read(path) or Ledger()
        known = ledger.settings.pop(name, None)
        if known and ours:
            ledger.settings[name] = {"before": known["before"], "ours": ours}
        if known and known != ledger.settings.get(name):
            write(path, ledger)


def forget(path: str | Path, *, files: Iterable[str | Path] = (), units: Iterable[str] = ()) -> None:
    """Take out what was removed again. path: of the ledger."""
    with _alone():
        ledger = read(path) or Ledger()
        old = json.dumps(asdict(ledger))
        ledger.units = [name for name in ledger.units if name not in units]
        for file in map(str, files):
            ledger.paths.pop(file, None)
        if json.dumps(asdict(ledger)) != old:
            write(path, ledger)


@contextmanager
def _alone() -> Iterator[None]:
    """Wait until no other process notes anything: packages are installed beside other work."""
    # This directory is always there, and nobody else locks it.
    descriptor = os.open("/", os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _note_path(ledger: Ledger, target: Path, kind: str) -> None:
    if str(target) in ledger.paths:
        return
    if os.path.lexists(target):
        if kind == "tree" and target.is_dir() and {child.name for child in target.iterdir()} <= EMPTY:
            ledger.paths[str(target)] = "contents"
        return
    for parent in reversed(target.parents):
        if not parent.exists():
            ledger.paths.setdefault(str(parent), "directory")
    ledger.paths[str(target)] = kind
