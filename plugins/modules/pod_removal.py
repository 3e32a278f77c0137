#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The pods of a kubelet that is going to use another container runtime, or another network for them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pod_removal
short_description: Stop the kubelet and remove its pods from a container runtime
version_added: 0.1.0
description:
  - Stops the kubelet, and stops and removes all containers that it has made in a container runtime, the
    static pods' among them. Their ports are free afterwards for the same pods in another container runtime.
  - What CNI plugins have noted of them goes, too, with the rules of the packet filter that lead to them.
    Their addresses in the collection's pod network are free afterwards.
  - All other containers, and all images, stay.
  - The kubelet is not started again.
author: The mink8s authors (@mink8s)
attributes:
  check_mode:
    description: Names what would be removed.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
options:
  container_runtime:
    description: The container runtime that the kubelet has used.
    type: str
    choices: [docker, containerd]
    required: true
"""

EXAMPLES = r"""
- name: Remove the pods from the container runtime that the kubelet has used
  mink8s.kubernetes.pod_removal:
    container_runtime: docker
"""

RETURN = r"""
reasons:
  description: What was there.
  type: list
  elements: str
  returned: always
  sample: ["8 containers of the kubelet's are in Docker"]
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import filter_chains, pod_network
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import selection
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    ContainerRuntimeError,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan, carry_out

KUBELET = "kubelet.service"


def forget(module: AnsibleModule) -> None:
    """What is left of pods in the pod network whose containers were removed without asking the plugins."""
    for noted in pod_network.ADDRESSES.glob("*"):
        noted.unlink()
    for each in filter_chains.observe(module, filter_chains.PODS):
        module.run_command(list(each.command), data=each.data, check_rc=True)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        {"container_runtime": {"type": "str", "choices": [*selection.RUNTIMES], "required": True}},
        supports_check_mode=True,
    )
    runtime = selection.named(module.params["container_runtime"])
    try:
        found = [each for each in runtime.containers() if each.kubelets]
        reasons = [f"{len(found)} containers of the kubelet's are in {runtime.name}"] if found else []

        def apply() -> None:
            code, _out, error = module.run_command(["systemctl", "stop", KUBELET])
            if code != 0:
                module.fail_json(msg=f"`systemctl stop {KUBELET}` failed: {error.strip()}")
            # Meanwhile the kubelet may have made others.
            runtime.stop_pods()
            runtime.remove_pods()
            forget(module)

        carry_out(module, Plan(tuple(reasons)), apply)
    except ContainerRuntimeError as error:
        module.fail_json(
            msg=f"{error}. Its pods have to be removed before the kubelet uses another container runtime:"
            f" run `systemctl start {runtime.unit}`, and run this again."
        )


if __name__ == "__main__":
    main()
