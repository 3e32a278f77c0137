# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The version and the cgroup driver of a Docker, whether it runs or not."""

from __future__ import annotations

import json
import re

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import programs, systemd
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.programs import Run
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    ContainerRuntimeError,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker import client
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import files


def version_and_driver(run: Run, daemon_json: str, cgroup_version: int) -> tuple[str, str]:
    """Version (empty if there is none) and cgroup driver, of a Docker that runs in one call."""
    try:
        info = client.get("/info")
    except ContainerRuntimeError:
        return stopped(run, daemon_json, cgroup_version)
    return info["ServerVersion"], info["CgroupDriver"]


def stopped(run: Run, daemon_json: str, cgroup_version: int) -> tuple[str, str]:
    """The version of a Docker that does not answer, and the cgroup driver it would have once started."""
    version = installed_version(run, programs.find("dockerd"))
    try:
        configured = configured_driver(files.read(daemon_json) or b"")
    except (OSError, ValueError):
        configured = None  # another check's finding
    return version, configured or default_driver(version, cgroup_version, systemd.is_booted())


def installed_version(run: Run, dockerd: str) -> str:
    """The version of a Docker that need not run. dockerd: its path; empty if there is none."""
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
    """The cgroup driver Docker picks by itself.

    version: Docker's, such as 20.10.24; empty if unknown.
    systemd: whether the host was booted with systemd.
    """
    numbers = [int(number) for number in re.findall(r"\d+", version)[:2]]
    knows_cgroup_v2 = not numbers or numbers >= [20, 10]
    return "systemd" if knows_cgroup_v2 and cgroup_version == 2 and systemd else "cgroupfs"
