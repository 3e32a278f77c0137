# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The facts that the roles use, as Ansible's own module setup gathers them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible.module_utils import distro
from ansible.module_utils.common.sys_info import get_distribution
from ansible_collections.mink8s.kubernetes.plugins.module_utils._host_proc import text

if TYPE_CHECKING:
    from collections.abc import Collection

    from ansible_collections.mink8s.kubernetes.plugins.module_utils._host import Host

RESOLV_CONF = "/etc/resolv.conf"
NAMES = ("default_ipv4", "distribution", "distribution_major_version", "dns", "machine", "nodename")
# What the module tells of a host, under the names the checks know it by.
TOLD = (
    *("apparmor", "architecture", "cgroup_version", "distribution", "hostname", "installed", "kernel"),
    *("memory_available", "python", "selinux"),
)


def summary(host: Host) -> dict[str, Any]:
    """What others need to know of the host."""
    return {
        **{name: getattr(host, name) for name in TOLD},
        "engine": host.engine.version,
        "engine_api": host.engine.api,
        "engine_min_api": host.engine.min_api,
        "cgroup_driver": host.engine.cgroup_driver,
    }


def facts(names: Collection[str], host: Host) -> dict[str, Any]:
    """Those of the facts that are named, under the names that setup returns them with."""
    known = {
        "default_ipv4": {"address": host.address} if host.address else {},
        "distribution": get_distribution(),
        # Asking for the whole version would run programs.
        "distribution_major_version": distro.os_release_attr("version_id").partition(".")[0],
        "dns": {"nameservers": nameservers(text(RESOLV_CONF))},
        "machine": host.machine,
        "nodename": host.nodename,
    }
    return {f"ansible_{name}": known[name] for name in names}


def nameservers(resolv_conf: str) -> list[str]:
    """The addresses of the name servers, from the text of resolv.conf."""
    lines = (line.split() for line in resolv_conf.splitlines())
    return [address for fields in lines if fields[:1] == ["nameserver"] for address in fields[1:]]
