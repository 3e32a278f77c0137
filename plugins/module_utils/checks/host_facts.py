# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The facts that the roles use, as Ansible's own module setup gathers them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils import distro
from ansible.module_utils.common.sys_info import get_distribution
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.network import RESOLV_CONF

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.observation import Host

NAMES = (
    "apparmor",
    "default_ipv4",
    "distribution",
    "distribution_major_version",
    "machine",
    "nodename",
)
# What the module tells of a host, under the names the checks know it by.
TOLD = (
    *("apparmor", "architecture", "cgroup_version", "distribution", "hostname", "installed", "kernel"),
    *("memory_available", "python", "selinux"),
)


def summary(host: Host) -> dict[str, Any]:
    """What others need to know of the host."""
    return {
        **{name: getattr(host, name) for name in TOLD},
        "container_runtime": host.runtime.node_version,
        "cgroup_driver": host.runtime.cgroup_driver,
    }


def resolv_conf(host: Host) -> str:
    """The file the kubelet has to be told of for the name servers of pods; empty if it finds it by itself."""
    path = host.network.resolver.path
    return "" if path == RESOLV_CONF else path


def facts(names: Collection[str], known: Mapping[str, Any], host: Host) -> dict[str, Any]:
    """Those of the facts that are named, under the names that setup returns them with.

    known: facts that were gathered earlier. One that says the same, and maybe more, is left out.
    """
    seen = {
        "apparmor": {"status": host.apparmor},
        "default_ipv4": {"address": host.address} if host.address else {},
        "distribution": get_distribution(),
        # Asking for the whole version would run programs.
        "distribution_major_version": distro.os_release_attr("version_id").partition(".")[0],
        "machine": host.machine,
        "nodename": host.nodename,
    }
    return {f"ansible_{name}": seen[name] for name in names if not _is_part(seen[name], known.get(name))}


def _is_part(seen: Any, known: Any) -> bool:
    """Whether all that is seen is known. Nothing at all is part of nothing only."""
    if isinstance(seen, dict) and isinstance(known, dict) and seen:
        return all(known.get(key) == value for key, value in seen.items())
    return bool(seen == known)
