# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks of a Docker engine that is already on the host."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.finding import (
    Problems,
    check,
    failure,
    warning,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.observation import Host
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import programs
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release import table
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import (
    docker_info,
    dockerd_plan,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.daemon_json import REMEDY


@check
def daemon_json(desired: Mapping[str, Any], host: Host) -> Problems:
    """/etc/docker/daemon.json, which dockerd has to be able to read."""
    if host.daemon_json_error:
        yield failure(f"{host.daemon_json_error}.", REMEDY)


@check
def docker_api(desired: Mapping[str, Any], host: Host) -> Problems:
    """The API versions of the engine, one of which the kubelet has to speak."""
    engine = host.engine
    if not engine.api:
        return
    oldest, newest = _api(desired)
    speaks = f"Docker {engine.version} speaks API {engine.min_api} to {engine.api}"
    seen = f"{speaks}, and the kubelet {oldest} to {newest}"
    if _numbers(engine.api) < _numbers(oldest):
        yield failure(f"{seen}.", "Upgrade Docker, or remove it to have the distribution's installed.")
    elif _numbers(engine.min_api) <= _numbers(newest):
        return
    elif _numbers(engine.version)[:1] < (docker_info.LOWERED_FROM,):
        yield failure(
            f"{seen}.",
            'Take min-api-version out of /etc/docker/daemon.json, or set it to "1.24", and restart docker.',
        )


@check
def docker_settings(desired: Mapping[str, Any], host: Host) -> Problems:
    """What daemon.json is to have: dockerd has to start with it, and pods have to have what they need."""
    docker = host.docker
    twice = [key for key in docker.settings if key in docker.flags and key != "runtimes"]
    for key in twice:
        yield failure(
            f"{key} is set twice, in {_place(desired, key)} and as {docker.flags[key]} by the unit"
            " docker.service, with which dockerd does not start.",
            f"Take {key} out of {_place(desired, key)}.",
        )
    if docker.refusal and not twice:
        yield failure(
            f"dockerd does not start with what {desired['daemon_json']} is to have: {docker.refusal}.",
            "Correct cluster_docker_settings, or the file.",
        )
    _oldest, newest = _api(desired)
    for key, (is_bad, effect) in {**HARMFUL, "min-api-version": _later_than(newest)}.items():
        if is_bad(docker.get(key)):
            value = json.dumps(docker.get(key))
            yield failure(f"Docker is to run with {key} {value}: {effect}.", _remedy(desired, docker, key))
    runtime = docker.get("default-runtime")
    known = docker.get("runtimes")
    entry = known.get(runtime) if isinstance(known, dict) else None
    path = entry.get("path", "") if isinstance(entry, dict) else ""
    if path and not programs.find(path):
        yield failure(
            f"Docker's default-runtime is {runtime}, and its program {path} is not on the host: no container"
            " starts.",
            f"Install it, or take default-runtime out of {_place(desired, 'default-runtime')}.",
        )


@check
def docker_restart(desired: Mapping[str, Any], host: Host) -> Problems:
    """Why Docker is going to be restarted, and the containers of others that stop by it."""
    others = [name for name in host.engine.containers if not (host.has_ledger and name.startswith("k8s_"))]
    if not (host.docker.restarts and others):
        return
    why = " and ".join(host.docker.restarts)
    root = host.docker.get("data-root") or docker_info.DATA_ROOT
    if root != host.engine.data_root:
        yield warning(
            f"Docker is going to be restarted with its data in {root} ({why}). These containers stay behind"
            f" in {host.engine.data_root}, stopped: {', '.join(others)}.",
            "Leave data-root as it is, or run this when they are not needed any more.",
        )
    elif not host.engine.live_restore:
        yield warning(
            f"Docker is going to be restarted ({why}), and these containers stop by it: {', '.join(others)}.",
            "Run this when they may stop. Those with a restart policy start again by themselves.",
        )


@check
def docker_defaults(desired: Mapping[str, Any], host: Host) -> Problems:
    """What an engine that was on the host before lacks, and is not given unasked."""
    docker = host.docker
    if docker.ours or not desired["docker_defaults"] or not host.engine.version:
        return
    options = docker.get("log-opts")
    bound = (isinstance(options, dict) and "max-size" in options) or "log-opts" in docker.flags
    if docker.get("log-driver") in (None, "json-file") and not bound:
        yield warning(
            "Docker was on this host before, and keeps the logs of containers without bound.",
            'Set cluster_docker_settings: {"log-opts": {"max-size": "10m", "max-file": "5"}}, which bounds'
            " those of new containers.",
        )
    if "kube-proxy" in desired["components"] and docker.get("userland-proxy") is not False:
        yield warning(
            "Docker was on this host before, and with its userland-proxy a pod does not reach itself through"
            " the address of its Service.",
            'Set cluster_docker_settings: {"userland-proxy": false}.',
        )


@check
def docker_unit(desired: Mapping[str, Any], host: Host) -> Problems:
    """The unit docker.service, with which an engine that is there has to start."""
    if not host.engine.version or (host.docker.loaded and not host.docker.masked):
        return
    if host.docker.masked:
        yield failure("The unit docker.service is masked.", "Run `systemctl unmask docker.service`.")
    else:
        yield failure(
            f"{programs.find('dockerd') or 'dockerd'} is on this host, and systemd has no unit"
            " docker.service to start it with.",
            "Add the unit, or remove this Docker to have the distribution's installed.",
        )


@check
def docker_snap(desired: Mapping[str, Any], host: Host) -> Problems:
    """Docker from snap, which can be neither configured nor used by the kubelet."""
    if host.snap_docker:
        yield failure(
            f"Docker comes from snap here ({host.snap_docker}). It does not read"
            f" {desired['daemon_json']}, and a second engine would be installed beside it.",
            "Remove it with `snap remove docker`, which removes its containers and images, too.",
        )


@check
def docker_packages(desired: Mapping[str, Any], host: Host) -> Problems:
    """Packages that are in the way of the distribution's Docker. Only where there is no engine yet."""
    if host.docker_conflicts and not host.engine.version:
        names = " ".join(host.docker_conflicts)
        yield failure(
            f"There is no Docker on this host, but there are packages beside which docker.io can't be"
            f" installed: {names.replace(' ', ', ')}.",
            f"Remove them with `apt-get remove {names}` if nothing uses them, or install the Docker that they"
            " belong to.",
        )


@check
def cgroup_driver(desired: Mapping[str, Any], host: Host) -> Problems:
    """The engine's cgroup driver, which the article's kubelet does not adapt to."""
    if desired["article_exact"] and host.engine.cgroup_driver == "systemd":
        yield failure(
            "cluster_article_exact has the kubelet use the cgroup driver cgroupfs, and Docker uses systemd.",
            'Set "exec-opts": ["native.cgroupdriver=cgroupfs"] in /etc/docker/daemon.json and restart docker,'
            " or set cluster_article_exact to false.",
        )


def _place(desired: Mapping[str, Any], key: str) -> str:
    """Where a setting in daemon.json comes from."""
    return (
        "cluster_docker_settings"
        if key in (desired["docker_settings"] or {})
        else str(desired["daemon_json"])
    )


def _remedy(desired: Mapping[str, Any], docker: dockerd_plan.DockerdPlan, key: str) -> str:
    if key in docker.settings:
        return f"Take {key} out of {_place(desired, key)}."
    return f"Take --{key} out of what docker.service starts: see `systemctl cat docker`."


def _lacks_socket(hosts: object) -> bool:
    sockets = ("fd://", f"unix://{docker_info.SOCKET}", f"unix://{docker_info.SOCKET[4:]}", "unix://")
    listed = hosts if isinstance(hosts, list) else [hosts] if hosts else []
    return bool(listed) and not any(
        str(each).rstrip("/") in (s.rstrip("/") for s in sockets) for each in listed
    )


def _api(desired: Mapping[str, Any]) -> tuple[str, str]:
    """The oldest and the newest version of Docker's API that the kubelet speaks."""
    api = table.row(desired["releases"], desired["version"])["docker_api"]
    return api["oldest"], api["newest"]


def _later_than(newest: str) -> tuple[Callable[[Any], bool], str]:
    """The row of HARMFUL for a version of the API that the engine has to be asked with at least."""

    def is_later(version: object) -> bool:
        return isinstance(version, str) and _numbers(version) > _numbers(newest)

    return is_later, f"the kubelet speaks API {newest} at most"


# Settings with which a cluster does not come up, or its pods do not reach what they should.
HARMFUL: dict[str, tuple[Callable[[Any], bool], str]] = {
    "userns-remap": (bool, "pods in the host's network, as the static pods are, do not start"),
    "bridge": (lambda value: value == "none", "pods have no network"),
    "iptables": (lambda value: value is False, "pods reach nothing outside of the host"),
    "icc": (lambda value: value is False, "pods do not reach each other"),
    "hosts": (_lacks_socket, f"the kubelet looks for it at {docker_info.SOCKET}"),
}


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version))
