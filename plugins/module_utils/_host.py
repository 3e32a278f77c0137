# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host is like, before anything is changed on it."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from http.client import HTTPException
from ipaddress import IPv6Address, ip_address
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

from ansible.module_utils.urls import open_url
from ansible_collections.mink8s.kubernetes.plugins.module_utils import _files

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
LISTEN = "0A"
DAEMON_JSON_REMEDY = "Correct it, or move it away, and run again: dockerd can't read it either."


@dataclass(frozen=True)
class Listener:
    """A TCP socket that listens. pid: 0, and process: empty, if the owner can't be seen."""

    port: int
    address: str
    pid: int
    process: str


@dataclass(frozen=True)
class FileSystem:
    """What is wanted of a file system (MB for which paths) and what is free on it."""

    paths: tuple[str, ...]
    wanted: int
    free: int


@dataclass(frozen=True)
class Host:
    """Everything the checks look at. Empty texts and zeros: not there, or not to be seen."""

    system: str = "Linux"
    machine: str = "x86_64"
    hostname: str = "node"
    euid: int = 0
    init: str = "systemd"
    systemd_booted: bool = True
    systemd_version: int = 0
    cgroup_version: int = 1
    controllers: frozenset[str] = frozenset()
    swaps: tuple[str, ...] = ()
    listeners: tuple[Listener, ...] = ()
    file_systems: tuple[FileSystem, ...] = ()
    daemon_json_error: str = ""
    files: tuple[str, ...] = ()
    has_state: bool = False
    has_release: bool = False
    artifacts: frozenset[str] | None = None
    artifact_sums: Mapping[str, str] | None = None
    mirror_error: str = ""

    @property
    def architecture(self) -> str:
        """Kubernetes' word for the machine; empty if there is no release for it."""
        return ARCHITECTURES.get(self.machine, "")

    @property
    def tarball(self) -> str:
        """Upstream's name of the release for this machine."""
        return f"kubernetes-server-linux-{self.architecture or self.machine}.tar.gz"


def parse_daemon_json(path: str, content: bytes) -> dict[str, Any]:
    """The engine's settings; none for an empty file. Raises ValueError, saying where it is wrong."""
    try:
        text = content.decode()
        settings = json.loads(text) if text.strip() else {}
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise ValueError(f"{path}, line {line}, column {column}: not UTF-8") from error
    except json.JSONDecodeError as error:
        seen = "".join(text.split("\n")[error.lineno - 1 : error.lineno]).strip()
        where = f"{path}, line {error.lineno}, column {error.colno}"
        raise ValueError(f"{where}: {error.msg}, seen: {seen}") from error
    if not isinstance(settings, dict):
        raise ValueError(f"{path}, line 1, column 1: not an object {{…}}, seen: {text.strip()[:40]}")
    return settings


def observe(params: Mapping[str, Any], run: Callable[..., tuple[int, str, str]]) -> Host:
    """Look at the host. params: the options of the module preflight; run: the module's run_command.

    Reads only. What this user may not see is left out.
    """
    kernel = os.uname()
    unified = Path("/sys/fs/cgroup/cgroup.controllers")
    state = Path(params["state_directory"])
    has_release = (state / params["version"] / "release.json").exists()
    artifacts = params["artifacts"]
    host = Host(
        system=kernel.sysname,
        machine=kernel.machine,
        hostname=kernel.nodename.lower(),
        euid=os.geteuid(),
        init=_text("/proc/1/comm").strip(),
        systemd_booted=Path("/run/systemd/system").is_dir(),
        systemd_version=_systemd_version(run),
        cgroup_version=2 if unified.exists() else 1,
        controllers=frozenset(_text(unified).split()) or v1_controllers(_text("/proc/self/mounts")),
        swaps=tuple(line.split()[0] for line in _text("/proc/swaps").splitlines()[1:]),
        listeners=tuple(find_listeners(Path("/proc"), {entry["port"] for entry in params["ports"]})),
        file_systems=tuple(measure(params["directories"])),
        daemon_json_error=_daemon_json_error(Path(params["daemon_json"])),
        files=tuple(path for path in params["files"] if os.path.lexists(path)),
        has_state=state.exists(),
        has_release=has_release,
        artifacts=_names(Path(artifacts)) if artifacts else None,
        artifact_sums=_artifact_sums(artifacts),
    )
    if params["url"] and not artifacts and not has_release and host.architecture:
        return replace(host, mirror_error=ask(f"{params['url']}/{params['version']}/{host.tarball}"))
    return host


def v1_controllers(mounts: str) -> frozenset[str]:
    """The cgroup v1 controllers that are mounted. mounts: the text of /proc/self/mounts."""
    fields = (line.split() for line in mounts.splitlines())
    return frozenset(option for field in fields if field[2] == "cgroup" for option in field[3].split(","))


def find_listeners(proc: Path, ports: set[int]) -> Iterator[Listener]:
    """The sockets that listen on these ports, and who owns them. proc: where procfs is mounted."""
    tables = _text(proc / "net/tcp").splitlines()[1:] + _text(proc / "net/tcp6").splitlines()[1:]
    found = {}
    for fields in map(str.split, tables):
        address, port = fields[1].split(":")
        if fields[3] == LISTEN and int(port, 16) in ports:
            found[f"socket:[{fields[9]}]"] = (int(port, 16), _address(address))
    owners = _owners(proc, set(found))
    for socket, (number, listening) in found.items():
        pid = owners.get(socket, 0)
        yield Listener(number, listening, pid, _text(proc / str(pid) / "comm").strip())


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
                owners.setdefault(_link(descriptor), int(process.name))
    return owners


def _link(path: Path) -> str:
    try:
        return str(path.readlink())
    except OSError:
        return ""


def measure(directories: list[dict[str, Any]]) -> Iterator[FileSystem]:
    """What is wanted and free, in MB, on each file system that directories are or will be on."""
    wanted: dict[int, list[dict[str, Any]]] = {}
    for entry in directories:
        wanted.setdefault(_existing(entry["path"]).stat().st_dev, []).append(entry)
    for entries in wanted.values():
        status = os.statvfs(_existing(entries[0]["path"]))
        yield FileSystem(
            tuple(entry["path"] for entry in entries),
            sum(entry["megabytes"] for entry in entries),
            status.f_bavail * status.f_frsize // 1_000_000,
        )


def _existing(path: str) -> Path:
    return next(parent for parent in (Path(path), *Path(path).parents) if parent.exists())


def ask(url: str) -> str:
    """Why the URL can't be fetched; empty if it can."""
    try:
        open_url(url, method="HEAD", timeout=10).close()
    except HTTPError as error:
        # Some file servers know no HEAD; they answered, which is what was asked.
        return "" if error.code in (405, 501) else f"HTTP {error.code} {error.reason}"
    except (OSError, HTTPException, ValueError) as error:
        return str(getattr(error, "reason", error))
    return ""


def _systemd_version(run: Callable[..., tuple[int, str, str]]) -> int:
    """The first number systemctl prints; 0 without systemd."""
    if not Path("/run/systemd/system").is_dir():
        return 0
    match = re.match(r"systemd (\d+)", run(["systemctl", "--version"])[1])
    return int(match.group(1)) if match else 0


def _daemon_json_error(path: Path) -> str:
    try:
        parse_daemon_json(str(path), _files.read(path) or b"")
    except OSError as error:
        return f"{path} can't be read: {error.strerror}"
    except ValueError as error:
        return str(error)
    return ""


def _names(directory: Path) -> frozenset[str] | None:
    """The names in a directory; None if there is no such directory."""
    return frozenset(path.name for path in directory.iterdir()) if directory.is_dir() else None


def _artifact_sums(artifacts: str) -> dict[str, str]:
    """None are known where the directory is missing or cannot be read, which is another check's finding."""
    try:
        return _files.sums(Path(artifacts) / "SHA512SUMS") if artifacts else {}
    except OSError:
        return {}


def _text(path: str | Path) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""
