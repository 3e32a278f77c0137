# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Docker engine of a host, whether it runs or not."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils import _engine, _files

Run = Callable[..., tuple[int, str, str]]
PATH = ":".join(["/usr/sbin", "/sbin", "/bin", *_engine.DIRECTORIES])


@dataclass(frozen=True)
class Engine:
    """What there is of an engine. The API versions and the containers are known of one that runs.

    cgroup_driver: the one it would have once started, if it does not run.
    containers: names of those that run.
    """

    version: str = ""
    min_api: str = ""
    api: str = ""
    cgroup_driver: str = "cgroupfs"
    containers: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The engine as a person reads it."""
        if not self.version:
            return "no Docker"
        api = f"API {self.min_api} to {self.api}" if self.api else "not running"
        return f"Docker {self.version} ({api}, cgroup driver {self.cgroup_driver})"


def program(name: str) -> str:
    """Where a program is on the host; empty if it is not."""
    return shutil.which(name, path=PATH) or ""


def observe(run: Run, daemon_json: str, cgroup_version: int) -> Engine:
    """Ask the engine, or look at what there is of it. run: the module's run_command."""
    docker = program("docker")
    if docker:
        code, server, _error = run([docker, "version", "--format", "{{json .Server}}"])
        if code == 0:
            driver = run([docker, "info", "--format", "{{.CgroupDriver}}"])[1]
            return running(server, driver, run([docker, "ps", "--format", "{{.Names}}"])[1])
    dockerd = program("dockerd")
    found = re.search(r"version ([^\s,]+)", run([dockerd, "--version"])[1]) if dockerd else None
    version = found[1] if found else ""
    try:
        configured = configured_driver(_files.read(daemon_json) or b"")
    except (OSError, ValueError):
        configured = None  # another check's finding
    systemd = Path("/run/systemd/system").is_dir()
    return Engine(version, cgroup_driver=configured or default_driver(version, cgroup_version, systemd))


def running(server: str, driver: str, containers: str) -> Engine:
    """An engine that runs, from what the docker command prints of it."""
    said: dict[str, Any] = json.loads(server)
    api = said["MinAPIVersion"], said["ApiVersion"]
    return Engine(said["Version"], *api, driver.strip(), tuple(containers.split()))


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
