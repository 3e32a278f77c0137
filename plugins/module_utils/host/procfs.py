# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What files say of a host: its distribution, and in /proc processes, sockets, mounts, memory."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from pathlib import Path

LISTEN = "0A"
# Where /proc/PID/stat has the start of a process, counted from what follows its name.
STARTED = 19


@dataclass(frozen=True)
class Listener:
    """A TCP socket that listens. pid: 0, and process: empty, if the owner can't be seen."""

    port: int
    address: str
    pid: int
    process: str


def text(path: str | Path) -> str:
    """The file's text; empty if it is not there or not to be seen."""
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""


def link(path: Path) -> str:
    """Where a symbolic link leads; empty if it can't be seen."""
    try:
        return os.readlink(path)
    except OSError:
        return ""


def distribution() -> str:
    """The distribution and its version, as it calls itself; empty if it does not say."""
    found = re.search(r"^PRETTY_NAME=\"?([^\"\n]*)", text("/etc/os-release"), re.MULTILINE)
    return found[1] if found else ""


def unreadable_mounts(mounts: str) -> tuple[str, ...]:
    """The lines without six fields. mounts: the text of /proc/self/mounts.

    The kernel writes a space in a path as a code, but not in every option, and an empty source as nothing.
    """
    return tuple(line.strip() for line in mounts.splitlines() if len(line.split()) != 6)


def memory_available(meminfo: str) -> int:
    """The memory in MB that programs can have without swap; 0 if that is not said."""
    found = re.search(r"^MemAvailable:\s+(\d+) kB$", meminfo, re.MULTILINE)
    return int(found[1]) * 1024 // 1_000_000 if found else 0


def memory(pid: int) -> int:
    """What a process has in memory, in bytes."""
    found = re.search(r"^VmRSS:\s+(\d+) kB$", text(f"/proc/{pid}/status"), re.MULTILINE)
    return int(found[1]) * 1024 if found and pid else 0


def find_processes(proc: Path) -> frozenset[str]:
    """The names of the processes on the host itself, and not in containers. proc: where procfs is mounted."""
    here = link(proc / "self/ns/pid")
    return frozenset(
        text(process / "comm").strip()
        for process in proc.glob("[0-9]*")
        if link(process / "ns/pid") in (here, "")
    )


def container_processes(proc: Path, container: str) -> list[int]:
    """The processes of a container, the one that started first being the first.

    proc: where procfs is mounted. container: its whole ID, which the names of its control groups contain.
    """
    started = {}
    for process in proc.glob("[0-9]*") if container else ():
        fields = text(process / "stat").rpartition(")")[2].split()
        if container in text(process / "cgroup") and fields:
            started[int(process.name)] = int(fields[STARTED])
    return sorted(started, key=lambda pid: (started[pid], pid))


def find_listeners(proc: Path, ports: set[int]) -> Iterator[Listener]:
    """The sockets that listen on these ports, and who owns them. proc: where procfs is mounted."""
    tables = text(proc / "net/tcp").splitlines()[1:] + text(proc / "net/tcp6").splitlines()[1:]
    found = {}
    for fields in map(str.split, tables):
        address, port = fields[1].split(":")
        if fields[3] == LISTEN and int(port, 16) in ports:
            found[f"socket:[{fields[9]}]"] = (int(port, 16), _address(address))
    owners = _owners(proc, set(found))
    for socket, (number, listening) in found.items():
        pid = owners.get(socket, 0)
        yield Listener(number, listening, pid, text(proc / str(pid) / "comm").strip())


def _address(digits: str) -> str:
    """The address the kernel prints as 32-bit words in the machine's byte order."""
    words = (digits[start : start + 8] for start in range(0, len(digits), 8))
    address = ip_address(b"".join(int(word, 16).to_bytes(4, sys.byteorder) for word in words))
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def _owners(proc: Path, sockets: set[str]) -> dict[str, int]:
    owners: dict[str, int] = {}
    for process in proc.glob("[0-9]*") if sockets else ():
        with suppress(OSError):  # it may end, or belong to someone else
            for descriptor in (process / "fd").iterdir():
                owners.setdefault(link(descriptor), int(process.name))
    return owners
