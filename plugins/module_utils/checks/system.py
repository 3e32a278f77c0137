# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks of the machine and its operating system."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks import observation
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.finding import check
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.observation import Host
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.disk import FileSystem
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.finding import (
    Problems,
    failure,
    warning,
)

# In percent, as the kubelet has it by default.
INODES = 5
MINUTE, DAY = 60, 24 * 60 * 60


@check
def linux(desired: Mapping[str, Any], host: Host) -> Problems:
    """The operating system."""
    if host.system != "Linux":
        yield failure(f"The host runs {host.system}.", "Choose a Linux host.")


@check
def systemd(desired: Mapping[str, Any], host: Host) -> Problems:
    """Process 1, which has to be systemd."""
    if not host.systemd_booted or host.init != "systemd":
        yield failure(
            f"Process 1 is {host.init or 'hidden'}, not systemd, which is to run the kubelet and"
            f" {host.runtime.name}.",
            "Choose a host booted with systemd.",
        )


@check
def root(desired: Mapping[str, Any], host: Host) -> Problems:
    """The user that changes the host."""
    if host.euid != 0:
        yield failure(
            f"Ansible works on the host as user {host.euid}, not as root.",
            "Set become: true (or add --become), or connect as root.",
        )


@check
def architecture(desired: Mapping[str, Any], host: Host) -> Problems:
    """The machine, for which there has to be a release."""
    if not host.architecture:
        known = ", ".join(observation.ARCHITECTURES)
        yield failure(
            f"The machine is {host.machine}, for which there is no Kubernetes release.",
            f"Choose a host with one of: {known}.",
        )


@check
def swap(desired: Mapping[str, Any], host: Host) -> Problems:
    """Swap, with which the kubelet does not start."""
    if host.swaps:
        yield failure(
            f"Swap is on ({', '.join(host.swaps)}), with which the kubelet does not start.",
            "Run swapoff --all and take swap out of /etc/fstab and systemd's swap units.",
        )


@check
def memory(desired: Mapping[str, Any], host: Host) -> Problems:
    """Free memory. Not where the cluster already runs."""
    if host.runs_our_cluster or not host.memory_available:
        return
    seen = f"{host.memory_available} MB of memory are available"
    if host.memory_available < desired["memory_minimum"]:
        yield failure(
            f"{seen}, and the control plane needs {desired['memory_minimum']} MB.",
            "Stop what takes it (ps aux --sort=-rss shows it), or give the host more memory.",
        )
    elif host.memory_available < desired["memory_comfortable"]:
        yield warning(
            f"{seen}, of which the control plane takes {desired['memory_minimum']} MB.",
            f"With less than {desired['memory_comfortable']} MB little is left for pods.",
        )


@check
def disk_space(desired: Mapping[str, Any], host: Host) -> Problems:
    """Free space on each file system. Not where the release is already unpacked."""
    for seen in host.file_systems:
        if seen.free < seen.wanted and not host.has_release:
            paths = ", ".join(seen.paths)
            yield failure(
                f"{seen.free} MB are free where {paths} are, {seen.wanted} MB are needed.",
                "Free some space, or mount a larger file system there.",
            )


@check
def eviction(desired: Mapping[str, Any], host: Host) -> Problems:
    """Free space in percent, below which the kubelet evicts pods and takes no new ones."""
    for seen in host.file_systems:
        path, percent = seen.keep
        left = seen.free - (0 if host.has_release else seen.wanted)
        # What does not fit at all is another check's finding.
        if percent and 0 <= left * 100 < percent * seen.size:
            yield warning(
                f"{left * 100 // seen.size} % of the file system of {path} {_is_left(host, seen)} free; below"
                f" {percent} % the kubelet evicts pods and takes no new ones.",
                f"Free {percent * seen.size // 100 - left + 1} MB there, or mount a larger file system.",
            )
        if percent and seen.inodes < INODES:
            yield warning(
                f"{seen.inodes} % of the inodes of the file system of {path} are free; below {INODES} % the"
                " kubelet evicts pods and takes no new ones.",
                "Remove small files there (du --inodes finds them), or mount another file system.",
            )


def _is_left(host: Host, seen: FileSystem) -> str:
    return "is" if host.has_release or not seen.wanted else "would be left"


@check
def clock(desired: Mapping[str, Any], host: Host) -> Problems:
    """The time, compared with the controller's and with the start of the authorities on the host."""
    now = host.time.strftime("%Y-%m-%d %H:%M:%S")
    remedy = "Set the clock, as with timedatectl set-ntp true."
    if desired["time"]:
        controller = datetime.fromtimestamp(desired["time"], timezone.utc)
        apart = abs((host.time - controller).total_seconds())
        seen = f"It is {now} UTC on the host, and {controller:%Y-%m-%d %H:%M:%S} on the controller."
        if apart >= DAY:
            yield failure(seen, f"{remedy} Certificates made now would not be valid when others look.")
        elif apart >= 2 * MINUTE:
            yield warning(seen, remedy)
    for path, start in host.authorities.items():
        if start > host.time:
            yield failure(
                f"It is {now} UTC on the host, and {path} is not valid before {start:%Y-%m-%d %H:%M:%S}.",
                f"{remedy} If the clock is right, remove the certificate and its key to have both made anew.",
            )


@check
def security(desired: Mapping[str, Any], host: Host) -> Problems:
    """SELinux, which may keep the static pods from their files."""
    if host.selinux == "enforcing":
        yield warning(
            "SELinux is enforcing, which may keep the static pods from their files.",
            "If they do not start, run chcon -Rt container_file_t on /etc/kubernetes and etcd's data, or"
            " setenforce 0.",
        )


@check
def other_kubernetes(desired: Mapping[str, Any], host: Host) -> Problems:
    """Signs of kubeadm, k3s, RKE2, MicroK8s, k0s, minikube, kind, k3d, or one by hand."""
    for found in host.others:
        more = f" and {len(found.signs) - 5} more" if len(found.signs) > 5 else ""
        seen = f"{found.name} is on this host, which is never touched: {', '.join(found.signs[:5])}{more}."
        if found.apart:
            yield warning(seen, "It stays as it is, but has to share the memory and the container runtime.")
        else:
            yield failure(
                seen, "Choose another host, or remove that Kubernetes with the tool that installed it."
            )
