# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files on the host: read what may be missing, put in place whole or not at all, and hash."""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from pathlib import Path

LISTING = "SHA512SUMS"
SUM = re.compile(r"([0-9a-fA-F]{128}) [ *](?:\./)?(.+)")


def read(path: str | Path) -> bytes | None:
    """The file's content, or None if there is no such file."""
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        return None


def write(path: str | Path, content: bytes, mode: int) -> None:
    """Put content in place in one step, so that no reader ever sees half a file.

    mode: permission bits, in force before the content is written.
    """
    target = Path(path)
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            os.fchmod(stream.fileno(), mode)
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink()
        raise


def make_directory(path: Path, mode: int) -> None:
    """Make a directory, and those above it with mode 0755, whatever the umask; one that is there stays."""
    for missing in reversed([path, *path.parents]):
        if not missing.exists():
            missing.mkdir()
            missing.chmod(mode if missing == path else 0o755)


def digest(path: str | Path, algorithm: str) -> str:
    """The file's hash in hexadecimal, read in pieces so that size does not matter."""
    checksum = hashlib.new(algorithm)
    with Path(path).open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            checksum.update(block)
    return checksum.hexdigest()


def sums(path: str | Path) -> dict[str, str]:
    """SHA-512 by file name from a file that sha512sum wrote; lines of another form are passed over.

    Raises OSError if the file cannot be read.
    """
    lines = Path(path).read_text(errors="replace").splitlines()
    found = filter(None, (SUM.fullmatch(line.strip()) for line in lines))
    return {match[2]: match[1].lower() for match in found}


def listed(directory: str | Path) -> dict[str, str]:
    """The sums in a directory's SHA512SUMS; none where it has no such file. Raises OSError like sums."""
    listing = Path(directory) / LISTING
    return sums(listing) if listing.exists() else {}
