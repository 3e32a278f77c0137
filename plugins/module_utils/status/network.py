# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What of the host's network has been taken away from pods since Docker was started."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import procfs

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

FORWARD = "/proc/sys/net/ipv4/ip_forward"
START = "Run `systemctl restart docker`, which stops the containers on this host for a moment."


def missing(forward: str, rules: str) -> list[str]:
    """What pods lack.

    forward: what the kernel's switch says. rules: what iptables-save prints; empty if that is not known.
    """
    remarks = []
    if forward.strip() == "0":
        remarks.append(
            "net.ipv4.ip_forward is 0, so that pods reach nothing beyond this host. Run"
            " `sysctl -w net.ipv4.ip_forward=1`, and look for what sets it in /etc/sysctl.d."
        )
    if rules and not re.search(r"^:DOCKER ", rules, re.MULTILINE):
        remarks.append(
            f"Docker's rules are gone from the packet filter, as after `nft flush ruleset`. {START}"
        )
    return remarks


def look(module: AnsibleModule) -> list[str]:
    """What pods on this host lack, where Docker runs."""
    program = module.get_bin_path("iptables-save", opt_dirs=["/usr/sbin", "/sbin"])
    code, rules, _error = module.run_command([program]) if program else (1, "", "")
    # Without a table it prints nothing.
    return missing(procfs.text(FORWARD), "" if code else rules or "(none)")
