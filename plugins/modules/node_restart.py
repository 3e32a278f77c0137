#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Have a node forget what it remembers of the API."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_restart
version_added: 0.1.0
short_description: Start a node's kubelet and components anew
description:
  - Stops the kubelet, removes the containers of the components among the static pods, and starts the kubelet,
    which starts them again. All other containers run on.
  - Where etcd's data was replaced by older data, whoever watches the API waits for versions of objects that
    are yet to come, and sees no change before. On the control plane host M(mink8s.kubernetes.etcd_restore)
    does the same.
  - Nothing is done where no kubelet runs.
author: The mink8s authors (@mink8s)
attributes:
  check_mode:
    description: Reports whether something would be started anew.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
options:
  manifest:
    description: The manifest of kube-proxy, or another one beside which the components' manifests are.
    type: path
    default: /etc/kubernetes/manifests/kube-proxy.yaml
"""

EXAMPLES = r"""
- name: Have the node read the API anew
  mink8s.kubernetes.node_restart:
"""

RETURN = r"""
reasons:
  description: Why something changed.
  type: list
  elements: str
  returned: success
  sample: ["the kubelet runs, with what it knows of the API"]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.backup.restore import UNIT, Host, RestoreError
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import selection
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    ContainerRuntimeError,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan, carry_out


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        {"manifest": {"type": "path", "default": "/etc/kubernetes/manifests/kube-proxy.yaml"}},
        supports_check_mode=True,
    )
    code, _out, _error = module.run_command(["systemctl", "is-active", "--quiet", UNIT])
    plan = Plan() if code else Plan(("the kubelet runs, with what it knows of the API",))
    try:
        carry_out(module, plan, lambda: Host(module, selection.of_host()).exchange())
    except (RestoreError, ContainerRuntimeError, OSError) as error:
        module.fail_json(msg=f"{error}. Run `systemctl restart {UNIT}`, or this again.")


if __name__ == "__main__":
    main()
