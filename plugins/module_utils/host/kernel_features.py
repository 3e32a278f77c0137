# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a kernel offers, or whoever made the container that the host is, of what the kubelet needs."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import cgroup
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.procfs import text

# What the kubelet sets when it starts, unless it is so already.
SYSCTLS = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}

# What kube-proxy needs of the bridge of pods; it is there once the module br_netfilter is.
BRIDGE_NETFILTER = "net/bridge/bridge-nf-call-iptables"
CAP_SYS_MODULE = 1 << 16


@dataclass(frozen=True)
class Kernel:
    """What there is. container: what the host is, if it is one, such as lxc.

    controllers: whether each cgroup controller that the kernel was built with is enabled; empty if unknown.
    switched_off: the controllers that the kernel command line names in cgroup_disable.
    read_only: where cgroups can't be made. sysctls: those that would have to be set, and can't.
    has_cpu_stat: whether cgroup v2, if that is mounted, counts the time of all processes.
    bridge_netfilter: what keeps packets between ports of a bridge from iptables: module, which is not loaded
    and can't be, or setting, which is off and can't be changed; empty if nothing does.
    """

    container: str = ""
    controllers: Mapping[str, bool] = field(default_factory=dict)
    switched_off: frozenset[str] = frozenset()
    read_only: tuple[str, ...] = ()
    sysctls: tuple[str, ...] = ()
    has_kmsg: bool = True
    has_overlay: bool = True
    has_cpu_stat: bool = True
    bridge_netfilter: str = ""


def observe(mounts: str, release: str) -> Kernel:
    """Look at the kernel. mounts: the text of /proc/self/mounts. release: the kernel's."""
    return Kernel(
        container=text("/run/systemd/container").strip(),
        controllers=controllers(text("/proc/cgroups")),
        switched_off=switched_off(text("/proc/cmdline")),
        read_only=cgroup.read_only(mounts),
        sysctls=tuple(unwritable(Path("/proc/sys"))),
        has_kmsg=Path("/dev/kmsg").exists(),
        has_overlay=has_overlay(Path("/"), release),
        has_cpu_stat=not cgroup.UNIFIED.exists() or cgroup.UNIFIED.with_name("cpu.stat").exists(),
        bridge_netfilter=bridge_netfilter(Path("/"), release),
    )


def controllers(cgroups: str) -> dict[str, bool]:
    """Whether each controller is enabled, from the text of /proc/cgroups."""
    lines = (line.split() for line in cgroups.splitlines() if not line.startswith("#"))
    return {fields[0]: fields[3] == "1" for fields in lines}


def switched_off(cmdline: str) -> frozenset[str]:
    """The controllers in cgroup_disable= on the kernel command line."""
    return frozenset(
        name for names in re.findall(r"\bcgroup_disable=(\S+)", cmdline) for name in names.split(",")
    )


def unwritable(directory: Path) -> Iterator[str]:
    """The settings that the kubelet would change, and can't. directory: /proc/sys."""
    for name, wanted in SYSCTLS.items():
        path = directory / name
        if text(path).strip() != wanted and not os.access(path, os.W_OK):
            yield name.replace("/", ".")


def has_overlay(root: Path, release: str) -> bool:
    """Whether the kernel has the file system overlay, or a module of it that the container runtime loads."""
    return "\toverlay\n" in text(root / "proc/filesystems") or has_module(root, release, "overlay")


def bridge_netfilter(root: Path, release: str) -> str:
    """What keeps packets between two ports of a bridge from iptables: module, setting, or nothing."""
    setting = root / "proc/sys" / BRIDGE_NETFILTER
    if setting.exists():
        return "setting" if text(setting).strip() == "0" and not os.access(setting, os.W_OK) else ""
    capabilities = re.search(r"^CapEff:\s*([0-9a-f]+)$", text(root / "proc/self/status"), re.MULTILINE)
    may_load = capabilities is None or int(capabilities[1], 16) & CAP_SYS_MODULE
    return "" if may_load and has_module(root, release, "br_netfilter") else "module"


def has_module(root: Path, release: str, name: str) -> bool:
    """Whether there is a module for the kernel, or the kernel has it built in."""
    modules = root / "lib/modules" / release
    return any(f"/{name}.ko" in text(modules / listing) for listing in ("modules.dep", "modules.builtin"))
