# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What there is of Docker on a host, and what of it keeps the host from becoming a cluster."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import programs
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.packet_filter import Filter
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.programs import Run
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release import table
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import settings_file
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    ContainerRuntimeError,
    Observed,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker import (
    client,
    conflicts,
    dockerd,
    dockerd_plan,
    installed,
    rules,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker.engine import Docker
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.finding import (
    Problems,
    failure,
    warning,
)

# Where snap has its revisions of Docker.
SNAP = ("/snap/docker", "/var/lib/snapd/snap/docker")


@dataclass(frozen=True)
class DockerObserved(Observed):
    """The same of Docker.

    min_api, api: the versions of its API, of one that runs. plan: what a run is going to do to it.
    unreadable: why its configuration file can't be read. snap: where a Docker of snap is. conflicts: packages
    beside which it can't be installed, if it is not there.
    """

    name: str = Docker.name
    unit: str = Docker.units[-1]
    bridge: str = Docker.bridge
    data_root: str = Docker.data_root
    bridge_address: str = Docker.bridge_address
    variable: str = "cluster_docker_settings"
    min_api: str = ""
    api: str = ""
    plan: dockerd_plan.DockerdPlan = field(default_factory=dockerd_plan.DockerdPlan)
    unreadable: str = ""
    snap: str = ""
    conflicts: tuple[str, ...] = ()

    def version_problems(self, desired: Mapping[str, Any]) -> Problems:
        """The API versions of Docker, one of which the kubelet has to speak."""
        if not self.api:
            return
        oldest, newest = _api(desired)
        speaks = f"Docker {self.version} speaks API {self.min_api} to {self.api}"
        seen = f"{speaks}, and the kubelet {oldest} to {newest}"
        if _numbers(self.api) < _numbers(oldest):
            yield failure(f"{seen}.", "Upgrade Docker, or remove it to have the distribution's installed.")
        elif _numbers(self.min_api) <= _numbers(newest):
            return
        elif _numbers(self.version)[:1] < (dockerd.LOWERED_FROM,):
            yield failure(
                f"{seen}.",
                'Take min-api-version out of /etc/docker/daemon.json, or set it to "1.24", and restart'
                " docker.",
            )

    def settings_problems(self, desired: Mapping[str, Any]) -> Problems:
        """What daemon.json is to have: dockerd has to start with it, and pods have to have what they need."""
        if self.unreadable:
            yield failure(f"{self.unreadable}.", dockerd.PROGRAM.remedy)
        plan = self.plan
        twice = [key for key in plan.settings if key in plan.flags and key != "runtimes"]
        for key in twice:
            yield failure(
                f"{key} is set twice, in {_place(desired, key)} and as {plan.flags[key]} by the unit"
                " docker.service, with which dockerd does not start.",
                f"Take {key} out of {_place(desired, key)}.",
            )
        if plan.refusal and not twice:
            yield failure(
                f"dockerd does not start with what {dockerd.DAEMON_JSON} is to have: {plan.refusal}.",
                "Correct cluster_docker_settings, or the file.",
            )
        _oldest, newest = _api(desired)
        # Its own network is not that of pods that are connected by CNI plugins.
        unused = NETWORK if desired["pod_network"] else ()
        for key, (is_bad, effect) in {**HARMFUL, "min-api-version": _later_than(newest)}.items():
            if key not in unused and is_bad(plan.get(key)):
                value = json.dumps(plan.get(key))
                yield failure(f"Docker is to run with {key} {value}: {effect}.", _remedy(desired, plan, key))
        runtime = plan.get("default-runtime")
        known = plan.get("runtimes")
        entry = known.get(runtime) if isinstance(known, dict) else None
        path = entry.get("path", "") if isinstance(entry, dict) else ""
        if path and not programs.find(path):
            yield failure(
                f"Docker's default-runtime is {runtime}, and its program {path} is not on the host: no"
                " container starts.",
                f"Install it, or take default-runtime out of {_place(desired, 'default-runtime')}.",
            )

    def defaults_problems(self, desired: Mapping[str, Any]) -> Problems:
        """The collection's own settings, which a Docker that was on the host before is not given unasked."""
        plan = self.plan
        if plan.ours or not desired["runtime_defaults"] or not self.version:
            return
        options = plan.get("log-opts")
        bound = (isinstance(options, dict) and "max-size" in options) or "log-opts" in plan.flags
        if plan.get("log-driver") in (None, "json-file") and not bound:
            yield warning(
                "Docker was on this host before, and keeps the logs of containers without bound.",
                'Set cluster_docker_settings: {"log-opts": {"max-size": "10m", "max-file": "5"}}, which'
                " bounds those of new containers.",
            )
        proxied = "kube-proxy" in desired["components"] and not desired["pod_network"]
        if proxied and plan.get("userland-proxy") is not False:
            yield warning(
                "Docker was on this host before, and with its userland-proxy a pod does not reach itself"
                " through the address of its Service.",
                'Set cluster_docker_settings: {"userland-proxy": false}.',
            )

    def packages_problems(self, desired: Mapping[str, Any]) -> Problems:
        """Docker from snap, which the kubelet can't use, and packages in the way of the distribution's."""
        if self.snap:
            yield failure(
                f"Docker comes from snap here ({self.snap}). It does not read {dockerd.DAEMON_JSON}, and a"
                " second engine would be installed beside it.",
                "Remove it with `snap remove docker`, which removes its containers and images, too.",
            )
        if self.conflicts and not self.version:
            names = " ".join(self.conflicts)
            yield failure(
                f"There is no Docker on this host, but there are packages beside which docker.io can't be"
                f" installed: {names.replace(' ', ', ')}.",
                f"Remove them with `apt-get remove {names}` if nothing uses them, or install the Docker that"
                " they belong to.",
            )

    def cgroup_driver_problems(self, desired: Mapping[str, Any]) -> Problems:
        """The cgroup driver, which the article's kubelet does not adapt to."""
        if desired["article_exact"] and self.cgroup_driver == "systemd":
            yield failure(
                "cluster_article_exact has the kubelet use the cgroup driver cgroupfs, and Docker uses"
                " systemd.",
                'Set "exec-opts": ["native.cgroupdriver=cgroupfs"] in /etc/docker/daemon.json and restart'
                " docker, or set cluster_article_exact to false.",
            )

    def rules_problems(self, seen: Filter) -> Problems:
        """Docker's rules of the packet filter, which may have been flushed since it started."""
        if self.running and seen.nat and not rules.are_there(seen):
            yield warning(
                "Docker runs, and its rules are gone from the packet filter, as after nft flush ruleset:"
                " pods reach nothing beyond this host, and published ports do not answer.",
                "Run systemctl restart docker, which restarts all containers, too.",
            )


def observe(params: Mapping[str, Any], run: Run, cgroup_version: int) -> DockerObserved:
    """Ask Docker, or look at what there is of it.

    params: the options of the module preflight. run: the module's run_command.
    """
    seen = _running() or _stopped(run, cgroup_version)
    plan = dockerd_plan.of_preflight(params, run, seen["version"])
    return DockerObserved(
        **seen,
        # Without the setting, a restart brings it back to its own.
        data_root_wanted=plan.get("data-root") or (Docker.data_root if plan.restarts else ""),
        restarts=plan.restarts,
        loaded=plan.loaded,
        masked=plan.masked,
        plan=plan,
        unreadable=settings_file.unreadable(Path(dockerd.DAEMON_JSON)),
        snap=next((path for path in SNAP if os.path.lexists(path)), ""),
        conflicts=() if seen["version"] else tuple(conflicts.find(run, params["runtime_packages"])),
    )


def _running() -> dict[str, Any]:
    """What a Docker says that answers; nothing of one that does not."""
    try:
        info, server = client.get("/info"), client.get("/version")
        containers = Docker().containers()
    except ContainerRuntimeError:
        return {}
    return {
        "version": server["Version"],
        "min_api": server["MinAPIVersion"],
        "api": server["ApiVersion"],
        "running": True,
        "cgroup_driver": info["CgroupDriver"],
        "containers": tuple(each.name for each in containers if each.runs),
        "data_root": info.get("DockerRootDir") or Docker.data_root,
        "keeps_containers": bool(info.get("LiveRestoreEnabled")),
    }


def _stopped(run: Run, cgroup_version: int) -> dict[str, Any]:
    version, driver = installed.stopped(run, dockerd.DAEMON_JSON, cgroup_version)
    return {"version": version, "cgroup_driver": driver}


def _place(desired: Mapping[str, Any], key: str) -> str:
    """Where a setting in daemon.json comes from."""
    return "cluster_docker_settings" if key in (desired["runtime_settings"] or {}) else dockerd.DAEMON_JSON


def _remedy(desired: Mapping[str, Any], plan: dockerd_plan.DockerdPlan, key: str) -> str:
    if key in plan.settings:
        return f"Take {key} out of {_place(desired, key)}."
    return f"Take --{key} out of what docker.service starts: see `systemctl cat docker`."


def _lacks_socket(hosts: object) -> bool:
    sockets = ("fd://", f"unix://{client.SOCKET}", f"unix://{client.SOCKET[4:]}", "unix://")
    listed = hosts if isinstance(hosts, list) else [hosts] if hosts else []
    return bool(listed) and not any(
        str(each).rstrip("/") in (s.rstrip("/") for s in sockets) for each in listed
    )


def _api(desired: Mapping[str, Any]) -> tuple[str, str]:
    """The oldest and the newest version of Docker's API that the kubelet speaks.

    Of one that speaks none, which is another check's finding, those of the last that does.
    """
    speaking = {minor: row for minor, row in desired["releases"].items() if "docker_api" in row}
    api = table.row(speaking, desired["version"])["docker_api"]
    return api["oldest"], api["newest"]


def _later_than(newest: str) -> tuple[Callable[[Any], bool], str]:
    """The row of HARMFUL for a version of the API that Docker has to be asked with at least."""

    def is_later(version: object) -> bool:
        return isinstance(version, str) and _numbers(version) > _numbers(newest)

    return is_later, f"the kubelet speaks API {newest} at most"


# Settings with which a cluster does not come up, or its pods do not reach what they should.
HARMFUL: dict[str, tuple[Callable[[Any], bool], str]] = {
    "userns-remap": (bool, "pods in the host's network, as the static pods are, do not start"),
    "bridge": (lambda value: value == "none", "pods have no network"),
    "iptables": (lambda value: value is False, "pods reach nothing outside of the host"),
    "icc": (lambda value: value is False, "pods do not reach each other"),
    "hosts": (_lacks_socket, f"the kubelet looks for it at {client.SOCKET}"),
}

NETWORK = ("bridge", "iptables", "icc")


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))
