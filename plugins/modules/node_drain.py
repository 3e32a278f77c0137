#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Move a node's pods to other nodes, and let pods in again."""

from __future__ import annotations

DOCUMENTATION = r"""
module: node_drain
version_added: 0.1.0
short_description: Move a node's pods to other nodes, or let pods in again
description:
  - Cordons a node and has C(kubectl drain) evict its pods, but for static pods and those of a DaemonSet, as
    far as disruption budgets allow.
  - Where a pod has not gone when time is up, uncordons the node again, and the error names the pods, the
    budgets and what to do.
  - Or uncordons the node.
  - Runs on a host with kubectl and an administrator's kubeconfig.
author: The mink8s authors (@mink8s)
attributes:
  check_mode:
    description: Reports which pods would be moved.
    support: full
  diff_mode:
    description: Shows the pods that are moved.
    support: full
options:
  name:
    description: The node's name.
    type: str
    required: true
  state:
    description: V(drained) to have no pods on it, V(schedulable) to let pods in again.
    type: str
    choices: [drained, schedulable]
    default: drained
  kubectl:
    description: The program that asks the API.
    type: path
    default: /usr/local/bin/kubectl
  kubeconfig:
    description: An administrator's kubeconfig on the host.
    type: path
    default: /etc/kubernetes/admin.conf
  timeout:
    description: Longest wait for the pods to go, or for the API to let pods in again, in seconds.
    type: int
    default: 300
"""

EXAMPLES = r"""
- name: Move the pods of a node
  mink8s.kubernetes.node_drain:
    name: beta
  delegate_to: alpha
"""

RETURN = r"""
cordoned:
  description: Whether the module has cordoned the node, and so whether somebody has to uncordon it.
  type: bool
  returned: success
reasons:
  description: One sentence for each change.
  type: list
  elements: str
  returned: success
  sample: ["pod default/web-0 runs on node beta"]
"""

import json
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import draining
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import waiting
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan, carry_out

SECONDS = 20


class KubectlError(Exception):
    """kubectl has not done what it was asked."""


class Kubectl:
    """kubectl as an administrator."""

    def __init__(self, module: AnsibleModule) -> None:
        """module: with the module's parameters."""
        self._module = module

    def run(self, *arguments: str, seconds: int = SECONDS) -> tuple[int, str]:
        """Its exit code, and all it printed."""
        command = (self._module.params["kubectl"], f"--kubeconfig={self._module.params['kubeconfig']}")
        code, printed, error = self._module.run_command(waiting.limited(seconds, *command, *arguments))
        return code, f"{printed}{error}"

    def get(self, *arguments: str) -> Any:
        """An object of the API. Raises KubectlError."""
        code, printed = self.run("get", "--output=json", "--request-timeout=10s", *arguments)
        if code:
            raise KubectlError(f"kubectl said: {' '.join(printed.split())}")
        return json.loads(printed)

    def order(self, *arguments: str) -> None:
        """Have it change something. Raises KubectlError."""
        code, printed = self.run(*arguments, "--request-timeout=10s")
        if code:
            raise KubectlError(f"kubectl {' '.join(arguments)} said: {' '.join(printed.split())}")


def plan_drain(name: str, is_cordoned: bool, pods: list[str]) -> Plan:
    """Why pods have to be moved. pods: as draining.to_move has them."""
    cordon = () if is_cordoned else (f"node {name} is not cordoned",)
    moves = tuple(f"pod {pod} runs on node {name}" for pod in pods)
    return Plan((*cordon, *moves), "".join(f"{name}: {pod}\n" for pod in pods), "")


def drain(module: AnsibleModule, kubectl: Kubectl, is_cordoned: bool) -> None:
    """Cordon the node and evict its pods; if that fails, uncordon it and end the module with the reason."""
    name, timeout = module.params["name"], module.params["timeout"]
    option = draining.empty_dir_option(kubectl.run("drain", "--help")[1])
    kubectl.order("cordon", name)
    code, said = kubectl.run(
        "drain", name, "--ignore-daemonsets", option, f"--timeout={timeout}s", seconds=timeout + SECONDS
    )
    if code == 0:
        return
    budgets = list(draining.exhausted(kubectl.get("poddisruptionbudgets", "--all-namespaces")["items"]))
    after = "It was cordoned before and still is."
    if not is_cordoned:
        kubectl.order("uncordon", name)
        after = "It is uncordoned again."
    moved = draining.evicted(said)
    module.fail_json(
        msg=f"Node {name} still has pods. {draining.why(said, budgets, timeout)} Nothing was changed on the"
        f" host. {after}{' Pods that were evicted: ' + ', '.join(moved) + '.' if moved else ''}",
        changed=bool(moved),
    )


def uncordon(kubectl: Kubectl, name: str) -> list[str]:
    """Why the node could not be uncordoned; empty if it was."""
    try:
        kubectl.order("uncordon", name)
    except KubectlError as error:
        return [str(error)]
    return []


def run(module: AnsibleModule, kubectl: Kubectl) -> None:
    """Do what is asked for, and end the module. Raises KubectlError."""
    name, timeout = module.params["name"], module.params["timeout"]
    if module.params["state"] == "schedulable":

        def apply() -> None:
            problem = waiting.until_none(lambda: uncordon(kubectl, name), timeout, 1)
            if problem:
                raise KubectlError(f"{problem[0]}. Node {name} takes no pods until `kubectl uncordon {name}`")

        # Whether it still is cordoned can't be asked as long as the API does not answer.
        carry_out(module, Plan((f"node {name} is cordoned",)), apply, cordoned=False)
    node = kubectl.get("node", name)
    is_cordoned = bool(node["spec"].get("unschedulable"))
    listed = kubectl.get("pods", "--all-namespaces", f"--field-selector=spec.nodeName={name}")
    plan = plan_drain(name, is_cordoned, draining.to_move(listed["items"]))
    carry_out(module, plan, lambda: drain(module, kubectl, is_cordoned), cordoned=not is_cordoned)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        {
            "name": {"type": "str", "required": True},
            "state": {"type": "str", "choices": ["drained", "schedulable"], "default": "drained"},
            "kubectl": {"type": "path", "default": "/usr/local/bin/kubectl"},
            "kubeconfig": {"type": "path", "default": "/etc/kubernetes/admin.conf"},
            "timeout": {"type": "int", "default": 300},
        },
        supports_check_mode=True,
    )
    try:
        run(module, Kubectl(module))
    except KubectlError as error:
        module.fail_json(msg=f"{error}. Nothing was changed on the host.")


if __name__ == "__main__":
    main()
