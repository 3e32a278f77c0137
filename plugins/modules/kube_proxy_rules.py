#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What kube-proxy leaves in the packet filter, taken out once it has ended."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kube_proxy_rules
short_description: Take out the packet filter's rules of a kube-proxy that is gone
version_added: 0.1.0
description:
  - Waits until no kube-proxy runs any more, and takes out the chains it has made in C(iptables) and
    C(ip6tables), with the rules that lead to them.
  - All other rules stay, those of the kubelet and of the container runtime among them.
author: The mink8s authors (@mink8s)
attributes:
  check_mode:
    description: Names the chains, without waiting.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
options:
  kubelet_chains:
    description:
      - Chains that the kubelet makes, as kube-proxy does, and which stay.
      - The kubelet does so up to 1.26. From 1.27 on kube-proxy alone makes them, and this is an empty list.
    type: list
    elements: str
    required: true
  timeout:
    description: Longest wait for kube-proxy to end, in seconds.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Take out the rules of a kube-proxy that is gone
  mink8s.kubernetes.kube_proxy_rules:
    kubelet_chains: [KUBE-MARK-MASQ, KUBE-POSTROUTING]

- name: The same with a kubelet of 1.27 or later, which marks no packets
  mink8s.kubernetes.kube_proxy_rules:
    kubelet_chains: []
"""

RETURN = r"""
reasons:
  description: The chains that were there, a sentence for each program.
  type: list
  elements: str
  returned: always
  sample: ["iptables has the chains KUBE-SERVICES, KUBE-NODEPORTS"]
"""

import re
from collections.abc import Sequence
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import filter_chains, procfs, programs
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import waiting
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan, carry_out

# Of pkg/proxy/iptables in Kubernetes 1.18 to 1.36. Chains with other names are the kubelet's, too.
NAMES = (
    r"KUBE-(SERVICES|EXTERNAL-SERVICES|NODEPORTS|FORWARD|PROXY-(CANARY|FIREWALL)|(SVC|SEP|FW|XLB|EXT|SVL)-\S+"
    r"|MARK-MASQ|POSTROUTING)"
)


def chains(kubelets: Sequence[str]) -> re.Pattern[str]:
    """The names of what is kube-proxy's. kubelets: of chains that the kubelet makes, too."""
    return re.compile(rf"(?!({'|'.join(map(re.escape, kubelets))})$){NAMES}" if kubelets else NAMES)


def running() -> list[str]:
    """The processes of kube-proxy, in containers too."""
    found = [
        path.parent for path in Path("/proc").glob("[0-9]*/comm") if procfs.text(path).strip() == "kube-proxy"
    ]
    return [f"kube-proxy (pid {path.name})" for path in found]


def main() -> None:
    """Run the module."""
    arguments = {
        "kubelet_chains": {"type": "list", "elements": "str", "required": True},
        "timeout": {"type": "int", "default": 60},
    }
    module = AnsibleModule(arguments, supports_check_mode=True)
    timeout = 0 if module.check_mode else module.params["timeout"]
    left = waiting.until_none(running, timeout)
    if left and not module.check_mode:
        module.fail_json(
            msg=f"After {timeout} s {', '.join(left)} still runs and would write its rules again. Its"
            " manifest is gone: see `journalctl -u kubelet` for why the kubelet does not end it."
        )
    removals = filter_chains.observe(module, chains(module.params["kubelet_chains"]))

    def apply() -> None:
        failures = []
        for each in removals:
            code, out, error = module.run_command(list(each.command), data=each.data)
            if code != 0:
                failures.append(programs.complaint(each.command, code, error.strip() or out.strip()))
        if failures:
            module.fail_json(msg="\n".join(failures))

    carry_out(module, Plan(tuple(each.reason for each in removals)), apply)


if __name__ == "__main__":
    main()
