# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks of the machine and its operating system."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils import _host, _version
from ansible_collections.mink8s.kubernetes.plugins.module_utils._finding import (
    Problems,
    check,
    failure,
    warning,
)

KUBELET_CONTROLLERS = {1: {"cpu", "cpuacct", "cpuset", "devices", "memory"}, 2: {"cpu", "cpuset", "memory"}}
MINUTE, DAY = 60, 24 * 60 * 60


@check
def linux(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    """The operating system."""
    if host.system != "Linux":
        yield failure(f"This is {host.system}.", "Choose a Linux host.")


@check
def systemd(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    """Process 1, which has to be systemd."""
    if not host.systemd_booted or host.init != "systemd":
        seen = f"Process 1 is {host.init or 'hidden'}, not systemd."
        yield failure(seen, "Choose a host booted with systemd.")


@check
def root(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    """The user that changes the host."""
    if host.euid != 0:
        yield failure(f"The user id is {host.euid}, not 0.", "Set become: true, or connect as root.")


@check
def architecture(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    """The machine, for which there has to be a release."""
    if not host.architecture:
        known = ", ".join(_host.ARCHITECTURES)
        yield failure(f"The machine is {host.machine}.", f"Choose a host with one of: {known}.")


@check
def cgroup(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    """The version of cgroup, and the controllers the kubelet needs. v1.18 needs cgroup v1."""
    if host.cgroup_version == 2 and _version.minor(desired["version"]) < 19:
        seen = f"The host has cgroup v2, which the kubelet {desired['version']} can't use."
        if desired["switch_to_cgroup_v1"] and host.can_switch_to_cgroup_v1:
            parameters = " ".join(host.cgroup_v1_parameters)
            yield warning(seen, f"Once nothing else is in the way it is told to boot with {parameters}.")
        else:
            yield failure(seen, _to_v1(desired, host))
        return
    missing = ", ".join(sorted(KUBELET_CONTROLLERS[host.cgroup_version] - host.controllers))
    if missing:
        yield failure(
            f"cgroup v{host.cgroup_version} lacks the controllers {missing}.",
            "Take cgroup_disable= off the kernel command line, or add cgroup_enable= for each, and reboot.",
        )


def _to_v1(desired: Mapping[str, Any], host: _host.Host) -> str:
    other = "set cluster_version to v1.19 or later"
    if not host.cgroup_v1_parameters:
        return f"systemd {host.systemd_version} has no cgroup v1 any more: {other}."
    remedy = f"Reboot with the kernel parameters {' '.join(host.cgroup_v1_parameters)}"
    if desired["switch_to_cgroup_v1"]:
        return (
            f"preflight_switch_to_cgroup_v1 knows Debian's GRUB alone; update-grub or {_host.GRUB_MENU} is"
            f" missing here. {remedy}, which you set in this host's boot loader, or {other}."
        )
    by_itself = " (preflight_switch_to_cgroup_v1: true sets them)" if host.can_switch_to_cgroup_v1 else ""
    return f"{remedy}{by_itself}, or {other}."


@check
def kernel_memory(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    """With cgroup v1, whether a limit of kernel memory can be written, which kubelets before v1.21.2 do."""
    if host.kernel_memory_error:
        yield failure(
            f"The kubelet {desired['version']} writes memory.kmem.limit_in_bytes, which the kernel"
            f" {host.kernel} refuses: {host.kernel_memory_error}.",
            "Boot a kernel before 5.16, or 6.6 or later, or set cluster_version to v1.21.2 or later.",
        )


@check
def swap(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    """Swap, with which the kubelet does not start."""
    if host.swaps:
        yield failure(
            f"Swap is on ({', '.join(host.swaps)}), with which the kubelet does not start.",
            "Run swapoff --all and take swap out of /etc/fstab and systemd's swap units.",
        )


@check
def mounts(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    """Lines of /proc/self/mounts without the six fields that the kubelet reads."""
    for line in host.unreadable_mounts:
        yield failure(
            f"/proc/self/mounts has a line of {len(line.split())} fields, with which the kubelet does not"
            f" start: '{line}'.",
            "Unmount it, and mount it again with a source, and without spaces in its options.",
        )


@check
def memory(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    """Free memory. Not where the cluster already runs."""
    if host.runs_our_cluster or not host.memory_available:
        return
    seen = f"{host.memory_available} MB of memory are available"
    if host.memory_available < desired["memory_minimum"]:
        yield failure(
            f"{seen}, and the control plane needs {desired['memory_minimum']} MB.",
            "Stop something, or give the host more memory.",
        )
    elif host.memory_available < desired["memory_comfortable"]:
        yield warning(
            f"{seen}, of which the control plane takes {desired['memory_minimum']} MB.",
            f"With less than {desired['memory_comfortable']} MB little is left for pods.",
        )


@check
def disk_space(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    """Free space on each file system. Not where the release is already unpacked."""
    for seen in host.file_systems:
        if seen.free < seen.wanted and not host.has_release:
            paths = ", ".join(seen.paths)
            yield failure(
                f"{seen.free} MB are free where {paths} are, {seen.wanted} MB are needed.",
                "Free some space, or mount a larger file system there.",
            )


@check
def clock(desired: Mapping[str, Any], host: _host.Host) -> Problems:
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
                f"{remedy} If the clock is right, remove the certificate to have it made anew.",
            )


@check
def security(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    """SELinux, which may keep the static pods from their files."""
    if host.selinux == "enforcing":
        yield warning(
            "SELinux is enforcing, so the static pods may not be let at their files.",
            "If they are not, run chcon -Rt container_file_t on their directories, or setenforce 0.",
        )


@check
def other_kubernetes(desired: Mapping[str, Any], host: _host.Host) -> Problems:
    """Signs of kubeadm, k3s, RKE2, MicroK8s, k0s, minikube, kind, k3d, or one by hand."""
    for found in host.others:
        more = f" and {len(found.signs) - 5} more" if len(found.signs) > 5 else ""
        seen = f"{found.name} is on this host, which is never touched: {', '.join(found.signs[:5])}{more}."
        if found.apart:
            yield warning(seen, "It stays as it is, but has to share the memory and the engine.")
        else:
            yield failure(
                seen, "Choose another host, or remove that Kubernetes with the tool that installed it."
            )
