# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks of what the kernel offers, and of what a container that is a host lets through of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.finding import check, variable
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.observation import GRUB_MENU, Host
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.cgroup import NEEDED
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release import table
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import versions
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.finding import (
    Problem,
    Problems,
    failure,
    warning,
)


@check
def cgroup(desired: Mapping[str, Any], host: Host) -> Problems:
    """The version of cgroup, and the controllers the kubelet needs."""
    row = table.row(desired["releases"], desired["version"])
    if host.cgroup_version not in row["cgroup_versions"] and not _is_told_to_use(desired, host):
        unless = " unless it is told to" if host.cgroup_version == 1 else ""
        seen = (
            f"The host has cgroup v{host.cgroup_version}, which the kubelet {desired['version']} can't use"
            f"{unless}."
        )
        if host.cgroup_version == 1:
            yield failure(seen, _to_v2(desired, host))
        elif desired["switch_to_cgroup_v1"] and host.can_switch_to_cgroup_v1:
            parameters = " ".join(host.cgroup_v1_parameters)
            yield warning(seen, f"Once nothing else is in the way it is told to boot with {parameters}.")
        else:
            yield failure(seen, _to_v1(desired, host))
        return
    for path in host.offers.read_only:
        yield failure(
            f"{path} is mounted read-only, so the kubelet can't make cgroups for pods.",
            _in_container(host, f"Remount it with mount -o remount,rw {path}", "cgroup:rw"),
        )
    if not host.offers.has_cpu_stat:
        yield warning(
            f"The kernel {host.kernel} has no cpu.stat in the root of cgroup v2, as those before 5.8: the"
            " kubelet starts, and says itself that it may behave wrongly.",
            "Boot a kernel of 5.8 or later.",
        )
    missing = NEEDED[host.cgroup_version] - host.controllers
    yield from _missing_controllers(host, sorted(missing))


def _is_told_to_use(desired: Mapping[str, Any], host: Host) -> bool:
    """Whether the kubelet starts with cgroup v1 although it does not by default."""
    if host.cgroup_version != 1:
        return False
    fields = desired["arguments"].get("KubeletConfiguration")
    return isinstance(fields, Mapping) and fields.get("failCgroupV1") is False


def _other_releases(desired: Mapping[str, Any], host: Host) -> tuple[str, str, str]:
    """The first and the last minor release that take the host as it is, and what to type for the newest.

    A kubelet on its own keeps its container runtime, and an API without credentials has its port.
    """
    open_port = desired["article_exact"] or desired["authentication"] == "none"

    def fits(row: Mapping[str, Any]) -> bool:
        return (
            host.cgroup_version in row["cgroup_versions"]
            and bool(desired["components"] or desired["container_runtime"] in row["container_runtimes"])
            and not (open_port and "none" not in row["authentication"])
        )

    minors = table.minors(desired["releases"], fits)
    newest = max(table.checksums(desired["releases"], fits), key=versions.parse)
    return f"v{minors[0]}", f"v{minors[-1]}", f"-e {variable(desired, 'cluster_version')}={newest}"


def _to_v2(desired: Mapping[str, Any], host: Host) -> str:
    """What to do about a kubelet that starts with cgroup v2 alone by default."""
    _first, last, setting = _other_releases(desired, host)
    return (
        "Reboot with the kernel parameter systemd.unified_cgroup_hierarchy=1, or set cluster_arguments:"
        f" {{KubeletConfiguration: {{failCgroupV1: false}}}}, or run {last} or earlier by adding: {setting}"
    )


def _to_v1(desired: Mapping[str, Any], host: Host) -> str:
    """What to do, which ends with what to type for a release that takes the host as it is."""
    first, _last, setting = _other_releases(desired, host)
    other = f"run {first} or later by adding: {setting}"
    if not host.cgroup_v1_parameters:
        return f"systemd {host.systemd_version} has no cgroup v1 any more, so {other}"
    remedy = f"Reboot with the kernel parameters {' '.join(host.cgroup_v1_parameters)}"
    if desired["switch_to_cgroup_v1"]:
        return (
            f"preflight_switch_to_cgroup_v1 knows Debian's GRUB alone; update-grub or {GRUB_MENU} is"
            f" missing here. {remedy}, which you set in this host's boot loader, or {other}"
        )
    by_itself = " (preflight_switch_to_cgroup_v1: true sets them)" if host.can_switch_to_cgroup_v1 else ""
    return f"{remedy}{by_itself}, or {other}"


def _missing_controllers(host: Host, missing: list[str]) -> Iterator[Problem]:
    """A finding for each cause that controllers can be missing for."""
    known, switched_off = host.offers.controllers, host.offers.switched_off
    causes = {
        "cgroup_disable= on the kernel command line switches them off": (
            "Take it off there and reboot.",
            [name for name in missing if name in switched_off],
        ),
        "the kernel has them switched off": (
            "Add cgroup_enable= for each to the kernel command line and reboot.",
            [name for name in missing if name not in switched_off and known.get(name) is False],
        ),
        "the kernel has them, but they are not given to this host": (
            _in_container(host, "Mount them, as systemd does when it boots a host", "cgroup:rw"),
            [name for name in missing if name not in switched_off and known.get(name)],
        ),
        f"the kernel {host.kernel} was built without them": (
            "Boot a kernel of the distribution, or one built with them.",
            [name for name in missing if name not in switched_off and name not in known],
        ),
    }
    for cause, (remedy, names) in causes.items():
        if names:
            lacks = f"cgroup v{host.cgroup_version} lacks the controllers {', '.join(names)}"
            yield failure(f"{lacks}, which the kubelet needs: {cause}.", remedy)


@check
def kernel_memory(desired: Mapping[str, Any], host: Host) -> Problems:
    """With cgroup v1, whether a limit of kernel memory can be written, which not all kubelets do."""
    row = table.row(desired["releases"], desired["version"])
    if host.kernel_memory_error and table.sets_kernel_memory(row, desired["version"]):
        yield failure(
            f"The kubelet {desired['version']} writes memory.kmem.limit_in_bytes, which the kernel"
            f" {host.kernel} refuses: {host.kernel_memory_error}.",
            f"Boot a kernel before 5.16, or 6.6 or later, or set {variable(desired, 'cluster_version')} to"
            f" {row['kernel_memory_limit_removed_in']} or later.",
        )


@check
def kernel_log(desired: Mapping[str, Any], host: Host) -> Problems:
    """/dev/kmsg, without which the kubelet does not start. Containers often lack it."""
    if not host.offers.has_kmsg:
        yield failure(
            "There is no /dev/kmsg, without which the kubelet does not start.",
            "Have whatever runs this container pass it in: --device /dev/kmsg, or with LXC"
            " lxc.mount.entry = /dev/kmsg dev/kmsg none bind,create=file.",
        )


@check
def sysctl(desired: Mapping[str, Any], host: Host) -> Problems:
    """Kernel settings that the kubelet changes when it starts, which has to be possible."""
    if host.offers.sysctls:
        yield failure(
            f"The kubelet sets {', '.join(host.offers.sysctls)} when it starts, and can't: /proc/sys is"
            " read-only here.",
            _in_container(host, "Remount it with mount -o remount,rw /proc/sys", "proc:rw sys:rw"),
        )


@check
def overlay(desired: Mapping[str, Any], host: Host) -> Problems:
    """The file system overlay, which the container runtime stacks the layers of images with."""
    if not (host.offers.has_overlay or host.runtime.running):
        yield warning(
            f"The kernel {host.kernel} has no file system overlay, so {host.runtime.name} copies every image"
            " for every container, which is slow and takes much space.",
            _in_container(host, "Install the modules of this kernel, or boot one that has it", ""),
        )


@check
def bridge_netfilter(desired: Mapping[str, Any], host: Host) -> Problems:
    """With kube-proxy, whether packets between pods on the same bridge pass iptables."""
    if not host.offers.bridge_netfilter or "kube-proxy" not in desired["components"]:
        return
    follows = "a pod that asks a Service gets no answer from pods on its own node"
    if host.offers.bridge_netfilter == "setting":
        yield warning(
            f"net.bridge.bridge-nf-call-iptables is 0, and can't be changed: {follows}.",
            _in_container(host, "Remount it with mount -o remount,rw /proc/sys", "proc:rw sys:rw"),
        )
        return
    load = "modprobe br_netfilter, and have a file in /etc/modules-load.d with the line br_netfilter"
    yield warning(
        f"The kernel module br_netfilter is not loaded, and can't be loaded from here: {follows}.",
        f"On the machine that this container ({host.offers.container}) runs on, run {load}."
        if host.offers.container
        else f"Boot a kernel of the distribution, which has it; run {load}.",
    )


@check
def mounts(desired: Mapping[str, Any], host: Host) -> Problems:
    """Lines of /proc/self/mounts without the six fields that the kubelet reads."""
    for line in host.unreadable_mounts:
        yield failure(
            f"/proc/self/mounts has a line of {len(line.split())} fields, with which the kubelet does not"
            f" start: '{line}'.",
            "Unmount it, and mount it again with a source, and without spaces in its options.",
        )


def _in_container(host: Host, otherwise: str, lxc: str) -> str:
    """What to do, which in a container is for whoever runs it."""
    if not host.offers.container:
        return f"{otherwise}."
    auto = f" with lxc.mount.auto = {lxc}" if lxc and "lxc" in host.offers.container else ""
    return (
        f"This host is a container ({host.offers.container}): run it privileged{auto}, or choose a virtual"
        " machine."
    )
