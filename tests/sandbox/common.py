# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What every sandbox command needs: the cache, messages, and running programs."""

from __future__ import annotations

import fcntl
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
# Nobody waits longer than this without a word.
TELL_SECONDS = 15
LINE = 90
MIRROR = os.environ.get("MINK8S_DEBIAN_MIRROR", "http://deb.debian.org/debian")


class SandboxError(Exception):
    """Something a person has to know; the text says what, where, what was seen and what to do."""


def say(message: str) -> None:
    """Tell the person what is going on; standard output is kept for results."""
    print(f"sandbox: {message}", file=sys.stderr, flush=True)


def cache(*parts: str) -> Path:
    """A path in the cache shared by all checkouts; its parent directory exists."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    path = Path(os.environ.get("MINK8S_CACHE") or Path(home) / "mink8s").joinpath(*parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def recipe(*parts: str | Path) -> str:
    """A short hash of texts and of the content of files: what is made from the same of them is the same."""
    texts = [part.read_text() if isinstance(part, Path) else part for part in parts]
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:12]


@contextmanager
def scratch() -> Iterator[Path]:
    """A directory in the cache that is gone afterwards."""
    with tempfile.TemporaryDirectory(dir=cache("scratch").parent, prefix="scratch-") as directory:
        yield Path(directory)


def output(*command: str) -> str:
    """The stripped standard output of a command.

    Raises SandboxError with the command's own complaint if it fails.
    """
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SandboxError(f"`{' '.join(command)}` ended with {done.returncode}: {done.stderr.strip()}")
    return done.stdout.strip()


def answers(*command: str) -> bool:
    """Whether a command that only asks something succeeds."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def last_line(log: str) -> str:
    """Where a command is that says so in lines: at the last one."""
    lines = log.strip().splitlines()
    return lines[-1].strip()[:LINE] if lines else "nothing yet"


def logged(log: str, *command: str, tell: Callable[[str], str] = last_line) -> None:
    """Run a long command with everything it prints in the log of that name in the cache.

    tell: what to say of it every now and then, given all it has printed.
    Raises SandboxError with the end of the log if the command fails.
    """
    with beside(log, *command, tell=tell):
        pass


@contextmanager
def beside(log: str, *command: str, tell: Callable[[str], str] = last_line) -> Iterator[None]:
    """The same, while the block does something else."""
    path, began = cache("logs", f"{log}.log"), time.monotonic()
    with (
        path.open("wb") as stream,
        subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream) as process,
    ):
        try:
            yield
            while (code := _code(process)) is None:
                seconds = time.monotonic() - began
                say(f"{log}, {seconds:.0f} s: {tell(path.read_text(errors='replace'))}")
        except BaseException:
            process.kill()
            raise
    if code:
        end = "\n".join(path.read_text(errors="replace").splitlines()[-20:])
        raise SandboxError(f"`{command[0]}` ended with {code}; all it said is in {path}, its end:\n{end}")


def _code(process: subprocess.Popen[bytes]) -> int | None:
    """How a process has ended; None if it has not in the time that a person waits without a word."""
    try:
        return process.wait(TELL_SECONDS)
    except subprocess.TimeoutExpired:
        return None


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Keep other sandbox commands from making the same thing at the same time."""
    with cache("locks", name).open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another sandbox command that is busy with {name}")
            fcntl.flock(stream, fcntl.LOCK_EX)
        yield
