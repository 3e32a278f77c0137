# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A release's tarball: downloaded, checked against its SHA-512, and its parts taken out of it."""

from __future__ import annotations

import errno
import os
import posixpath
import re
import shutil
import tarfile
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

from ansible.module_utils.urls import ConnectionError as UnsafeConnection
from ansible.module_utils.urls import open_url
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release.install_record import ReleaseError
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import files, no_answer

CONNECTIONS = 3
BLOCK = 1 << 20
ELSEWHERE = (
    "Set cluster_release_url to a mirror that this host reaches (https_proxy and no_proxy in the environment"
    " apply), or cluster_artifacts to a directory that holds the tarball."
)


class _BrokenOffError(Exception):
    """The connection ended before the file did."""


@dataclass(frozen=True)
class Part:
    """A file of the release: where it belongs on the host, and its permission bits there."""

    path: Path
    mode: int

    @property
    def member(self) -> str:
        """Its name in the tarball."""
        return f"kubernetes/server/bin/{self.path.name}"


def unknown_checksum(file: str, version: str) -> ReleaseError:
    """The error of a tarball with no checksum to compare it with."""
    return ReleaseError(
        f"The SHA-512 of {file} of {version} is not known. Set cluster_release_checksum to it, from"
        " Kubernetes' CHANGELOG of that minor version."
    )


def wanted_checksum(params: Mapping[str, Any], check_mode: bool, tarball: str) -> tuple[str, str]:
    """The SHA-512 that the tarball has to have, and who says so. Raises ReleaseError.

    params: those of the module release. Empty in check mode if the artifacts are not there yet.
    """
    checksum, origin = (params["checksum"] or "").lower(), params["checksum_origin"]
    if checksum and not re.fullmatch("[0-9a-f]{128}", checksum):
        raise ReleaseError(
            f"cluster_release_checksum is {checksum}, not the 128 hexadecimal digits of a SHA-512."
        )
    artifacts = params["artifacts"]
    if not checksum and not artifacts:
        raise unknown_checksum(tarball, params["version"])
    if not checksum and not (check_mode and not Path(artifacts).exists()):
        sums = Path(artifacts, files.LISTING)
        return checksum_of(tarball, sums), str(sums)
    return checksum, origin


def checksum_of(tarball: str, sums: Path) -> str:
    """The SHA-512 that a SHA512SUMS file gives for the tarball. Raises ReleaseError if it gives none."""
    advice = (
        f"Add what `sha512sum {tarball}` prints where the file is known to be good,"
        " or set cluster_release_checksum."
    )
    try:
        checksum = files.sums(sums).get(tarball)
    except OSError as error:
        raise ReleaseError(f"{sums} cannot be read ({error.strerror}). {advice}") from error
    if not checksum:
        raise ReleaseError(f"{sums} does not list {tarball}. {advice}")
    return checksum


def verify(tarball: Path, checksum: str, origin: str, advice: str) -> None:
    """Raises ReleaseError unless the tarball is there and has this SHA-512.

    origin: where the checksum comes from; advice: what to do. Both are for the message.
    """
    if not tarball.is_file():
        raise ReleaseError(f"{tarball} is missing. {ELSEWHERE}")
    seen = files.digest(tarball, "sha512")
    if seen != checksum:
        raise ReleaseError(f"{tarball} has the SHA-512 {seen}, but {origin} says {checksum}. {advice}")


def fetch(url: str, target: Path, checksum: str, origin: str, timeout: int) -> int:
    """Download the tarball at url to target, so that it has this SHA-512.

    Starts over once if that fails after going on with what an earlier run left. Returns the number of
    bytes that came. Raises ReleaseError; then nothing wrong is left in target.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    goes_on = target.exists()
    received = download(url, target, timeout)
    if goes_on and files.digest(target, "sha512") != checksum:
        target.unlink()
        received += download(url, target, timeout)
    try:
        verify(
            target,
            checksum,
            f"for {shown(url)} {origin}",
            "It was removed. Check cluster_release_url and the checksum.",
        )
    except ReleaseError:
        target.unlink()
        raise
    return received


def shown(url: str) -> str:
    """The URL without a user's name and password."""
    return re.sub(r"(?<=://)[^/@]*@", "", url)


def download(url: str, target: Path, timeout: int) -> int:
    """Download url to target, going on after what target already holds, if the server can do that.

    timeout: seconds to wait for the next byte.
    Returns the number of bytes that came. Raises ReleaseError; what has come so far stays in target.
    """
    received = 0
    problem = ""
    for _attempt in range(CONNECTIONS):
        there = _size(target)
        response = _open(url, there, timeout)
        if response is None:
            return received
        start = there if response.status == HTTPStatus.PARTIAL_CONTENT else 0
        try:
            _save(response, target, append=bool(start))
            return received + _size(target) - start
        except _BrokenOffError as error:
            problem = str(error)
            received += _size(target) - start
    raise ReleaseError(
        f"{shown(url)}: the connection broke off {CONNECTIONS} times ({problem})."
        f" Run again to go on from there. {ELSEWHERE}"
    )


@contextmanager
def unpacked(tarball: Path, parts: Sequence[Part]) -> Iterator[dict[Part, Path]]:
    """Take parts out of a tarball, in one pass that ends with the last of them.

    Yields each part's temporary file, complete and beside the place where it belongs. Those still
    there at the end are removed. Raises ReleaseError if the tarball has no such part or cannot be read.
    """
    wanted = {part.member: part for part in parts}
    staged: dict[Part, Path] = {}
    try:
        try:
            with tarfile.open(tarball, "r|gz") as tar:
                for member in tar:
                    part = wanted.pop(posixpath.normpath(member.name), None)
                    if part:
                        staged[part] = _stage(tar, member, part)
                    if not wanted:
                        break
        except (tarfile.TarError, EOFError) as error:
            raise ReleaseError(
                f"{tarball} has the right SHA-512 but cannot be unpacked: it is no tar archive compressed"
                " with gzip, or ends early. Was the SHA-512 taken from the complete server tarball?"
            ) from error
        if wanted:
            raise ReleaseError(
                f"{tarball} does not hold {', '.join(wanted)}. Is it a complete server tarball,"
                " and is it a server release?"
            )
        yield staged
    finally:
        for temporary in staged.values():
            temporary.unlink(missing_ok=True)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _open(url: str, start: int, timeout: int) -> HTTPResponse | None:
    """The answer to a request for the file from start on; None if it has no more bytes than that."""
    try:
        response: HTTPResponse = open_url(
            url,
            headers={"Range": f"bytes={start}-"} if start else {},
            timeout=timeout,
            decompress=False,
            http_agent="mink8s.kubernetes",
        )
        return response
    except HTTPError as error:
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            return None
        hint = "Is cluster_version one that exists? " if error.code == HTTPStatus.NOT_FOUND else ""
        raise ReleaseError(f"{shown(url)}: HTTP {error.code} {error.reason}. {hint}{ELSEWHERE}") from error
    except (UnsafeConnection, HTTPException, OSError) as error:
        why = no_answer.words(error)
        raise ReleaseError(
            f"{urlsplit(url).hostname} cannot be reached for {shown(url)}: {why}. {ELSEWHERE}"
        ) from error


def _save(response: HTTPResponse, target: Path, append: bool) -> None:
    """Raises _BrokenOffError if the connection ends early, ReleaseError if the disk is full."""
    expected = int(response.headers.get("Content-Length") or 0)
    before = _size(target) if append else 0
    with response, _enough_room(target, expected), target.open("ab" if append else "wb") as sink:
        for block in _blocks(response):
            sink.write(block)
    missing = before + expected - _size(target)
    if missing > 0:
        raise _BrokenOffError(f"{missing} of {before + expected} bytes are missing")


def _blocks(response: HTTPResponse) -> Iterator[bytes]:
    try:
        while block := response.read1(BLOCK):
            yield block
    except (HTTPException, OSError) as error:
        raise _BrokenOffError(str(error)) from error


def _stage(tar: tarfile.TarFile, member: tarfile.TarInfo, part: Part) -> Path:
    source = tar.extractfile(member)
    if source is None:
        raise ReleaseError(f"{part.member} in the tarball is not a file.")
    descriptor, name = tempfile.mkstemp(dir=part.path.parent, prefix=f".{part.path.name}.")
    temporary = Path(name)
    try:
        with source, _enough_room(temporary, member.size), os.fdopen(descriptor, "wb") as sink:
            os.fchmod(sink.fileno(), part.mode)
            shutil.copyfileobj(source, sink, BLOCK)
            sink.flush()
            os.fsync(sink.fileno())
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return temporary


@contextmanager
def _enough_room(target: Path, needed: int) -> Iterator[None]:
    """Says how many bytes were needed where the disk is full, and removes the half of a file."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        target.unlink(missing_ok=True)
        raise ReleaseError(
            f"No space is left in {target.parent}, where a file of {needed / 1e6:.1f} MB belongs."
            " Free some space, or choose another place with cluster_state_dir and cluster_bin_dir."
        ) from error
