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


@dataclass(frozen=True)
class Kernel:
    """What there is. container: what the host is, if it is one, such as lxc.

    controllers: whether each cgroup controller that the kernel was built with is enabled; empty if unknown.
    switched_off: the controllers that the kernel command line names in cgroup_disable.
    read_only: where cgroups can't be made. sysctls: those that would have to be set, and can't.
    """

    container: str = ""
    controllers: Mapping[str, bool] = field(default_factory=dict)
    switched_off: frozenset[str] = frozenset()
    read_only: tuple[str, ...] = ()
    sysctls: tuple[str, ...] = ()
    has_kmsg: bool = True
    has_overlay: bool = True


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
    modules = root / "lib/modules" / release
    return "\toverlay\n" in text(root / "proc/filesystems") or any(
        "/overlay.ko" in text(modules / name) for name in ("modules.dep", "modules.builtin")
    )
