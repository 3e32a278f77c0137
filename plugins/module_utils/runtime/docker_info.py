# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Docker engine of a host, whether it runs or not."""

from __future__ import annotations

import json
import re
import socket
from contextlib import closing
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import network, programs
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.programs import Run
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import files

DATA_ROOT = "/var/lib/docker"
# Where the kubelet looks for the engine.
SOCKET = "/var/run/docker.sock"
# The major version that asks for API 1.44, while kubelets speak 1.40 at most; docker_engine lowers it.
LOWERED_FROM = 29
TIMEOUT = 30


@dataclass(frozen=True)
class Engine:
    """What there is of an engine. The API versions and the containers are known of one that runs.

    cgroup_driver: the one it would have once started, if it does not run.
    containers: names of those that run. data_root: where it keeps images and containers. live_restore:
    whether containers outlive it.
    """

    version: str = ""
    min_api: str = ""
    api: str = ""
    cgroup_driver: str = "cgroupfs"
    containers: tuple[str, ...] = ()
    data_root: str = DATA_ROOT
    live_restore: bool = False

    def __str__(self) -> str:
        """The engine as a person reads it."""
        if not self.version:
            return "no Docker"
        api = f"API {self.min_api} to {self.api}" if self.api else "not running"
        return f"Docker {self.version} ({api}, cgroup driver {self.cgroup_driver})"


class _Connection(HTTPConnection):
    """A connection to the engine's socket, which costs a tenth of what a docker command does."""

    def connect(self) -> None:
        """Open it."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(SOCKET)


def observe(run: Run, daemon_json: str, cgroup_version: int) -> Engine:
    """Ask the engine, or look at what there is of it. run: the module's run_command."""
    try:
        return running(*ask("/version", "/info", "/containers/json"))
    except (OSError, HTTPException):
        version, driver = stopped(run, daemon_json, cgroup_version)
        return Engine(version, cgroup_driver=driver)


def ask(*paths: str) -> list[Any]:
    """The engine's answers. Raises OSError or HTTPException if it has none."""
    with closing(_Connection("docker")) as connection:
        return [json.loads(_get(connection, path)) for path in paths]


def read(path: str) -> bytes:
    """An answer of the engine that is not JSON. Raises OSError or HTTPException if it has none."""
    with closing(_Connection("docker")) as connection:
        return _get(connection, path)


def _get(connection: HTTPConnection, path: str) -> bytes:
    connection.request("GET", path)
    answer = connection.getresponse()
    if answer.status != HTTPStatus.OK:
        raise HTTPException(f"{path}: HTTP {answer.status} {answer.reason}")
    return answer.read()


def running(server: dict[str, Any], info: dict[str, Any], containers: list[dict[str, Any]]) -> Engine:
    """An engine that runs, from what it answers."""
    # A link to a container is named /OTHER/ALIAS.
    names = (name for container in containers for name in container["Names"] if name.count("/") == 1)
    return Engine(
        server["Version"],
        server["MinAPIVersion"],
        server["ApiVersion"],
        info["CgroupDriver"],
        tuple(name[1:] for name in names),
        info.get("DockerRootDir") or DATA_ROOT,
        bool(info.get("LiveRestoreEnabled")),
    )


def bridge() -> str:
    """The host's address on the engine's default bridge; empty if there is none, or no engine answers."""
    try:
        (bridge,) = ask("/networks/bridge")
    except (OSError, HTTPException):
        return ""
    # After its first start an engine does not tell the gateway, so the interface is asked instead.
    return network.address(bridge["Options"].get("com.docker.network.bridge.name", ""))


def version_and_driver(run: Run, daemon_json: str, cgroup_version: int) -> tuple[str, str]:
    """Version (empty if there is no engine) and cgroup driver, of an engine that runs in one call."""
    try:
        (info,) = ask("/info")
    except (OSError, HTTPException):
        return stopped(run, daemon_json, cgroup_version)
    return info["ServerVersion"], info["CgroupDriver"]


def stopped(run: Run, daemon_json: str, cgroup_version: int) -> tuple[str, str]:
    """The version of an engine that does not answer, and the cgroup driver it would have once started."""
    version = installed_version(run, programs.find("dockerd"))
    try:
        configured = configured_driver(files.read(daemon_json) or b"")
    except (OSError, ValueError):
        configured = None  # another check's finding
    systemd = Path("/run/systemd/system").is_dir()
    return version, configured or default_driver(version, cgroup_version, systemd)


def installed_version(run: Run, dockerd: str) -> str:
    """The version of an engine that need not run. dockerd: its path; empty if there is none."""
    found = re.search(r"version ([^\s,]+)", run([dockerd, "--version"])[1]) if dockerd else None
    return found[1] if found else ""


def configured_driver(daemon_json: bytes) -> str | None:
    """The cgroup driver that a daemon.json asks for, or None. Raises ValueError if it is no JSON object."""
    configuration = json.loads(daemon_json or b"{}")
    if not isinstance(configuration, dict):
        raise ValueError("a JSON object is expected")
    for option in configuration.get("exec-opts") or []:
        name, _equals, value = str(option).partition("=")
        if name.strip().lower() == "native.cgroupdriver":
            return value.strip()
    return None


def default_driver(version: str, cgroup_version: int, systemd: bool) -> str:
    """The cgroup driver an engine picks by itself.

    version: the engine's, such as 20.10.24; empty if unknown.
    systemd: whether the host was booted with systemd.
    """
    numbers = [int(number) for number in re.findall(r"\d+", version)[:2]]
    knows_cgroup_v2 = not numbers or numbers >= [20, 10]
    return "systemd" if knows_cgroup_v2 and cgroup_version == 2 and systemd else "cgroupfs"
