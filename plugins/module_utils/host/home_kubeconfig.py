# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A kubeconfig in the home of a login, where its owner may have put anything, links among it.

Every step is taken from an open directory, and none follows a link: nobody can lead root elsewhere.
"""

from __future__ import annotations

import errno
import os
import pwd
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan, shown

DIRECTORY, NAME = ".kube", "config"
TEMPORARY = f".{NAME}.mink8s"
# A kubeconfig with its data embedded has some 6 KiB.
LONGEST = 1 << 20
OPEN_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class HomeError(ValueError):
    """There is no such login, or no home of it that a file can be put into."""


@dataclass(frozen=True)
class Home:
    """Where a login lives, and who it is."""

    login: str
    path: Path
    uid: int
    gid: int

    @property
    def kubeconfig(self) -> Path:
        """Where its kubectl looks for a kubeconfig."""
        return self.path / DIRECTORY / NAME


@dataclass(frozen=True)
class Seen:
    """What is at a path. content: None if there is no file; obstacle: what is there instead of one."""

    content: bytes | None = None
    mode: int = 0
    uid: int = 0
    gid: int = 0
    obstacle: str = ""


def find(login: str) -> Home:
    """The home of a login. Raises HomeError."""
    try:
        entry = pwd.getpwnam(login)
    except KeyError:
        raise HomeError(f"There is no login {login} on this host.") from None
    try:
        status = Path(entry.pw_dir).stat()
    except OSError as error:
        raise HomeError(f"The home of the login {login}, {entry.pw_dir}: {error.strerror}.") from None
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != entry.pw_uid:
        raise HomeError(f"{entry.pw_dir}, the home of the login {login}, is no directory of its own.")
    return Home(login, Path(entry.pw_dir), entry.pw_uid, entry.pw_gid)


def problem(login: str) -> str:
    """Why a login can't have a kubeconfig; empty if it can."""
    try:
        find(login)
    except HomeError as error:
        return str(error)
    return ""


def observe(kubeconfig: Path) -> Seen:
    """What is there."""
    try:
        with _directory(kubeconfig) as directory:
            # A pipe in its place would have us wait.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            with os.fdopen(os.open(NAME, flags, dir_fd=directory), "rb") as stream:
                status = os.fstat(stream.fileno())
                if not stat.S_ISREG(status.st_mode):
                    return Seen(obstacle="is no file")
                mode = stat.S_IMODE(status.st_mode)
                return Seen(stream.read(LONGEST), mode, status.st_uid, status.st_gid)
    except FileNotFoundError:
        return Seen()
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR, errno.EISDIR, errno.ENXIO):
            return Seen(obstacle="is a link or no file, or is in a directory that is a link or none")
        raise


@dataclass(frozen=True)
class Work:
    """Kubeconfigs to write and to remove. kept: why others are left as they are."""

    plan: Plan
    write: tuple[Home, ...] = ()
    remove: tuple[Path, ...] = ()
    kept: tuple[str, ...] = ()

    @property
    def paths(self) -> list[str]:
        """The files that are written or removed."""
        return [str(path) for path in (*(home.kubeconfig for home in self.write), *self.remove)]


def noted(paths: Mapping[str, str]) -> list[Path]:
    """Where the collection has put kubeconfigs, from the paths of a ledger."""
    return [Path(path) for path, kind in paths.items() if kind == "login"]


def plan(homes: Iterable[Home], noted_before: Iterable[Path], content: bytes) -> Work:
    """What has to change for these to have the content, and no other of those that once had it."""
    wanted = {home.kubeconfig: home for home in homes}
    reasons, before, after, kept = [], [], [], []
    writes, removals = [], []
    for path in dict.fromkeys((*wanted, *noted_before)):
        seen, home = observe(path), wanted.get(path)
        theirs = _theirs(seen, content)
        if theirs:
            if home:
                kept.append(
                    f"{path} {theirs}, so it is left as it is. The login {home.login} has no kubeconfig."
                )
            continue
        fault = _fault(home, seen, content) if home else "is not wanted any more" if seen.content else ""
        if not fault:
            continue
        reasons.append(f"{path} {fault}")
        if home:
            writes.append(home)
        else:
            removals.append(path)
        if seen.content and (not home or seen.content != content):
            before.append(shown(path, seen.content))
        if home and seen.content != content:
            after.append(shown(path, content))
    made = Plan(tuple(reasons), "".join(before), "".join(after))
    return Work(made, tuple(writes), tuple(removals), tuple(kept))


def _theirs(seen: Seen, content: bytes) -> str:
    """Why what is there is not the collection's; empty if it is, or nothing is there."""
    first, wanted = ((text or b"").partition(b"\n")[0] for text in (seen.content, content))
    return seen.obstacle or ("has another first line" if seen.content is not None and first != wanted else "")


def _fault(home: Home, seen: Seen, content: bytes) -> str:
    if seen.content is None:
        return "is missing"
    if seen.content != content:
        return "has other content"
    if (seen.uid, seen.gid) != (home.uid, home.gid):
        return f"belongs to {seen.uid}:{seen.gid}, wanted {home.uid}:{home.gid}"
    return "" if seen.mode == 0o600 else f"has mode {seen.mode:04o}, wanted 0600"


def apply(work: Work, content: bytes) -> None:
    """Write and remove. Raises OSError."""
    for home in work.write:
        write(home, content)
    for path in work.remove:
        remove(path)
        remove_directory(path)


def write(home: Home, content: bytes) -> None:
    """Put a kubeconfig in place that its owner alone can read. Raises OSError."""
    with _open(home.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC) as top:
        with suppress(FileExistsError):
            os.mkdir(DIRECTORY, 0o700, dir_fd=top)
            with _open(DIRECTORY, OPEN_DIRECTORY, top) as made:
                if os.fstat(made).st_uid == os.geteuid():
                    os.fchown(made, home.uid, home.gid)
        with _open(DIRECTORY, OPEN_DIRECTORY, top) as directory:
            _unlink(TEMPORARY, directory)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(TEMPORARY, flags, 0o600, dir_fd=directory)
            with os.fdopen(descriptor, "wb") as stream:
                os.fchmod(stream.fileno(), 0o600)
                stream.write(content)
                stream.flush()
                os.fsync(stream.fileno())
                os.fchown(stream.fileno(), home.uid, home.gid)
            os.rename(TEMPORARY, NAME, src_dir_fd=directory, dst_dir_fd=directory)


def remove(kubeconfig: Path) -> None:
    """Remove a kubeconfig, and half of one that a run which was killed has left. Raises OSError."""
    with suppress(FileNotFoundError), _directory(kubeconfig) as directory:
        _unlink(TEMPORARY, directory)
        _unlink(NAME, directory)


def remove_directory(kubeconfig: Path) -> None:
    """Remove the directory of a kubeconfig if it is empty."""
    with suppress(OSError):
        kubeconfig.parent.rmdir()


@contextmanager
def _directory(kubeconfig: Path) -> Iterator[int]:
    # The way to a home is root's, the rest the login's.
    top_flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    home = kubeconfig.parent.parent
    with _open(home, top_flags) as top, _open(DIRECTORY, OPEN_DIRECTORY, top) as directory:
        yield directory


@contextmanager
def _open(path: str | Path, flags: int, parent: int | None = None) -> Iterator[int]:
    descriptor = os.open(path, flags, dir_fd=parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _unlink(name: str, directory: int) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=directory)
