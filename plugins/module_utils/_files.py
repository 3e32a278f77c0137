# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Files on the host: read what may be missing, put in place whole or not at all, and hash."""

from __future__ import annotations

import hashlib
import os
import tempfile
from pathlib import Path


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


def digest(path: str | Path, algorithm: str) -> str:
    """The file's hash in hexadecimal, read in pieces so that size does not matter."""
    checksum = hashlib.new(algorithm)
    with Path(path).open("rb") as stream:
        for block in iter(lambda: stream.read(1 << 20), b""):
            checksum.update(block)
    return checksum.hexdigest()
