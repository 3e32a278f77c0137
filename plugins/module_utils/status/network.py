# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What of the host's network has been taken away from pods since the container runtime was started."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import procfs
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    ContainerRuntime,
)

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

FORWARD = "/proc/sys/net/ipv4/ip_forward"


def missing(runtime: ContainerRuntime, forward: str, rules: str) -> list[str]:
    """What pods lack.

    forward: what the kernel's switch says. rules: what iptables-save prints; empty if that is not known.
    """
    remarks = []
    if forward.strip() == "0":
        remarks.append(
            "net.ipv4.ip_forward is 0, so that pods reach nothing beyond this host. Run"
            " `sysctl -w net.ipv4.ip_forward=1`, and look for what sets it in /etc/sysctl.d."
        )
    return [*remarks, *filter(None, [runtime.lost_rules(rules)])]


def look(module: AnsibleModule, runtime: ContainerRuntime) -> list[str]:
    """What pods on this host lack, where the container runtime runs."""
    program = module.get_bin_path("iptables-save", opt_dirs=["/usr/sbin", "/sbin"])
    code, rules, _error = module.run_command([program]) if program else (1, "", "")
    # Without a table it prints nothing.
    return missing(runtime, procfs.text(FORWARD), "" if code else rules or "(none)")
