#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wait until a pod is Ready."""

from __future__ import annotations

DOCUMENTATION = r"""
module: pod_ready
version_added: 0.1.0
short_description: Wait until a pod is Ready
description:
  - Waits until a pod is Ready, if wanted after its containers have been started again.
  - When time is up, or the pod has ended, the error says what the pod waits for, as its containers
    and the latest warning among its events have it.
  - Tells which processes of this host the pod's first container has.
author: The mink8s authors (@mink8s)
attributes:
  check_mode:
    description: Looks once and does not fail.
    support: full
  diff_mode:
    description: Nothing is changed, so there is nothing to show.
    support: none
options:
  name:
    description: Name of the pod.
    type: str
    required: true
  namespace:
    description: Namespace of the pod.
    type: str
    default: default
  restarts:
    description: How often each of its containers has to have been started again.
    type: int
    default: 0
  kubectl:
    description: The program that asks the API.
    type: path
    default: /usr/local/bin/kubectl
  kubeconfig:
    description: Kubeconfig on the host with which the API is asked.
    type: path
    default: /etc/kubernetes/admin.conf
  timeout:
    description: Longest wait, in seconds.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Wait for the pod web to become Ready, at most 60 seconds
  mink8s.kubernetes.pod_ready:
    name: web
"""

RETURN = r"""
address:
  description: The pod's address. Empty in check mode if it has none.
  type: str
  returned: always
pids:
  description:
    - The processes on this host of the pod's first container, the one that started first being the first.
    - Empty if the container does not run on this host.
  type: list
  elements: int
  returned: always
  sample: [4711, 4750]
missing:
  description: What was still missing at the last look.
  type: list
  elements: str
  returned: always
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import procfs
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import redact, waiting

SECONDS = 20


class PodError(Exception):
    """The pod will not become Ready."""


def missing(pod: Mapping[str, Any], restarts: int) -> Iterator[str]:
    """What the pod still waits for. Raises PodError if it has ended."""
    status = pod["status"]
    states = status.get("containerStatuses") or []
    if status.get("phase") in ("Failed", "Succeeded"):
        words = filter(None, (status.get("reason"), status.get("message"), *map(_ended, states)))
        raise PodError(f"it has ended ({status['phase']}): {'; '.join(map(str, words))}")
    for state in states:
        waiting = state["state"].get("waiting")
        if waiting:
            told = ": ".join(filter(None, (waiting.get("reason"), waiting.get("message"))))
            yield f"container {state['name']} waits: {told}"
        elif state["restartCount"] < restarts:
            yield f"container {state['name']} has not been started again"
    conditions = {each["type"]: each for each in status.get("conditions") or []}
    ready = conditions.get("Ready", {})
    if ready.get("status") != "True":
        told = conditions.get("PodScheduled", {}).get("message") or ready.get("message")
        yield f"it is not Ready{f': {told}' if told else ''}"


def _ended(state: Mapping[str, Any]) -> str:
    terminated = state["state"].get("terminated")
    return f"container {state['name']} ended with code {terminated['exitCode']}" if terminated else ""


def first_container(pod: Mapping[str, Any]) -> str:
    """The ID of the pod's first container, as the container runtime has it; empty if there is none."""
    states = pod.get("status", {}).get("containerStatuses") or [{}]
    return str(states[0].get("containerID", "")).partition("://")[2]


def latest_warning(events: list[dict[str, Any]]) -> str:
    """What the latest warning among a pod's events says; empty if there is none."""
    warnings = [event for event in events if event.get("type") == "Warning"]
    newest = max(warnings, key=lambda event: event.get("lastTimestamp") or "", default={})
    return redact.redact(" ".join(str(newest.get("message", "")).split()))


class Kubectl:
    """What kubectl says of the pod."""

    def __init__(self, module: AnsibleModule) -> None:
        """module: with the module's parameters."""
        self._module = module
        self.pod: dict[str, Any] = {}

    def look(self) -> list[str]:
        """What is still missing of the pod. Raises PodError if nothing is to be waited for."""
        name = self._module.params["name"]
        code, printed, error = self._run("get", "pod", name)
        if code:
            return [f"kubectl said: {' '.join(error.split())}"]
        self.pod = json.loads(printed)
        return list(missing(self.pod, self._module.params["restarts"]))

    def warning(self) -> str:
        """The latest warning among the pod's events, as a sentence; empty if there is none."""
        selector = f"--field-selector=involvedObject.name={self._module.params['name']}"
        code, printed, _error = self._run("get", "events", selector)
        told = "" if code else latest_warning(json.loads(printed)["items"])
        return f" Latest warning: {told}" if told else ""

    def _run(self, *arguments: str) -> tuple[int, str, str]:
        params = self._module.params
        options = (f"--kubeconfig={params['kubeconfig']}", f"--namespace={params['namespace']}")
        command = (params["kubectl"], *options, "--request-timeout=10s", *arguments, "--output=json")
        done: tuple[int, str, str] = self._module.run_command(waiting.limited(SECONDS, *command))
        return done


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        {
            "name": {"type": "str", "required": True},
            "namespace": {"type": "str", "default": "default"},
            "restarts": {"type": "int", "default": 0},
            "kubectl": {"type": "path", "default": "/usr/local/bin/kubectl"},
            "kubeconfig": {"type": "path", "default": "/etc/kubernetes/admin.conf"},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    kubectl, name, timeout = Kubectl(module), module.params["name"], module.params["timeout"]
    try:
        missing = list(waiting.until_none(kubectl.look, 0 if module.check_mode else timeout))
        problem = f"the pod {name} is not Ready: {'; '.join(missing)}." if missing else ""
    except PodError as error:
        missing, problem, timeout = [str(error)], f"the pod {name} will not become Ready: {error}.", 0
    if problem and not module.check_mode:
        when = f"After {timeout} s {problem}" if timeout else f"{problem[:1].upper()}{problem[1:]}"
        module.fail_json(msg=f"{when}{kubectl.warning()}", missing=missing, address="", pids=[])
    address = kubectl.pod.get("status", {}).get("podIP", "")
    pids = procfs.container_processes(Path("/proc"), first_container(kubectl.pod))
    module.exit_json(changed=False, address=address, pids=pids, missing=missing)


if __name__ == "__main__":
    main()
