# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks of the container runtime that is already on the host, or is to be installed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.finding import check
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.observation import Host
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release import table
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.finding import (
    Problems,
    failure,
    warning,
)


@check
def container_runtime(desired: Mapping[str, Any], host: Host) -> Problems:
    """cluster_container_runtime, which has to be one that the release's kubelet can use."""
    chosen, version = desired["container_runtime"], desired["version"]
    known = table.row(desired["releases"], version)["container_runtimes"]
    if chosen not in known:
        yield failure(
            f"The kubelet of {version} can't use {chosen}.",
            f"Set cluster_container_runtime to {' or '.join(known)}, or choose another cluster_version.",
        )


@check
def runtime_change(desired: Mapping[str, Any], host: Host) -> Problems:
    """Another container runtime than the kubelet has used, in which all pods are created anew."""
    if host.used_runtime not in ("", desired["container_runtime"]):
        yield warning(
            f"The kubelet of this host uses {host.used_runtime}, and is going to use"
            f" {desired['container_runtime']}: all pods of this node are removed and created anew, with other"
            " addresses, and what their containers have written besides volumes is lost.",
            f"Set cluster_container_runtime to {host.used_runtime} to leave them as they are.",
        )


@check
def runtime_version(desired: Mapping[str, Any], host: Host) -> Problems:
    """The version of the container runtime, which the kubelet has to be able to use."""
    yield from host.runtime.version_problems(desired)


@check
def runtime_settings(desired: Mapping[str, Any], host: Host) -> Problems:
    """Settings with which the container runtime has to start, and pods to have what they need."""
    yield from host.runtime.settings_problems(desired)


@check
def runtime_restart(desired: Mapping[str, Any], host: Host) -> Problems:
    """Why the container runtime is going to be restarted, and the containers of others that stop by it."""
    runtime = host.runtime
    others = [name for name in runtime.containers if not (host.has_ledger and name.startswith("k8s_"))]
    if not (runtime.restarts and others):
        return
    why = " and ".join(runtime.restarts)
    if runtime.data_root_wanted not in ("", runtime.data_root):
        yield warning(
            f"{runtime.name} is going to be restarted with its data in {runtime.data_root_wanted} ({why})."
            f" These containers stay behind in {runtime.data_root}, stopped: {', '.join(others)}.",
            "Leave its data where it is, or run this when they are not needed any more.",
        )
    elif not runtime.keeps_containers:
        yield warning(
            f"{runtime.name} is going to be restarted ({why}), and these containers stop by it:"
            f" {', '.join(others)}.",
            "Run this when they may stop. Those with a restart policy start again by themselves.",
        )


@check
def runtime_defaults(desired: Mapping[str, Any], host: Host) -> Problems:
    """What a container runtime that was on the host before lacks, and is not given unasked."""
    yield from host.runtime.defaults_problems(desired)


@check
def runtime_unit(desired: Mapping[str, Any], host: Host) -> Problems:
    """The unit with which a container runtime that is there has to start."""
    name, unit = host.runtime.name, host.runtime.unit
    if not host.runtime.version:
        return
    if host.runtime.masked:
        yield failure(f"The unit {unit} is masked.", f"Run `systemctl unmask {unit}`.")
    elif not host.runtime.loaded:
        yield failure(
            f"{name} is on this host, and systemd has no unit {unit} to start it with.",
            f"Add the unit, or remove this {name} to have the distribution's installed.",
        )


@check
def runtime_packages(desired: Mapping[str, Any], host: Host) -> Problems:
    """What is in the way of the container runtime's packages."""
    yield from host.runtime.packages_problems(desired)


@check
def cgroup_driver(desired: Mapping[str, Any], host: Host) -> Problems:
    """The container runtime's cgroup driver, which the article's kubelet does not adapt to."""
    yield from host.runtime.cgroup_driver_problems(desired)
