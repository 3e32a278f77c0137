#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Put back the configuration that worked, after one that does not."""

from __future__ import annotations

DOCUMENTATION = r"""
module: configuration_restore
short_description: Put back the configuration that worked
version_added: 0.1.0
description:
  - For the C(rescue) of a block that has given a cluster another configuration. Puts back what
    M(mink8s.kubernetes.files) and M(mink8s.kubernetes.certificates) have kept with C(keep_previous), removes
    files that were new, restarts the kubelet if files of its own are among them, and waits for the node and
    its static pods.
  - Ends with an error in any case, the one that led here, and whether what worked runs again.
  - Puts nothing back where no cluster was before, and where another release ran with what is kept.
author: The mink8s authors (@mink8s)
attributes:
  check_mode:
    description: Puts nothing back, because nothing was changed.
    support: full
  diff_mode:
    description: There is nothing to show; the names of the files are in the message.
    support: none
extends_documentation_fragment:
  - mink8s.kubernetes.api
  - mink8s.kubernetes.ledger
options:
  failure:
    description: What failed.
    type: str
    required: true
  missing:
    description: What was missing, if a wait failed; returned as it is.
    type: list
    elements: str
  enabled:
    description: Whether to put anything back. If not, the error is O(failure) alone.
    type: bool
    default: true
  name:
    description: The node's name.
    type: str
    required: true
  version:
    description: The Kubernetes release that was to run.
    type: str
    required: true
  unit:
    description: The systemd unit that runs the kubelet.
    type: str
    default: kubelet.service
  manifests:
    description: Manifests of the static pods to wait for, where they are there.
    type: list
    elements: path
    default: []
"""

EXAMPLES = r"""
- name: Try a configuration
  block:
    - name: Write it
      mink8s.kubernetes.files:
        files: "{{ files }}"
        unit: kubelet.service
        inputs: [/etc/kubernetes/kubelet.yaml]
        keep_previous: true

    - name: Wait for the node
      mink8s.kubernetes.node_registration:
        name: host-1
  rescue:
    - name: Go back to the configuration that worked
      mink8s.kubernetes.configuration_restore:
        failure: "{{ ansible_failed_result.msg }}"
        name: host-1
        version: v1.18.20
"""

RETURN = r"""
changed_files:
  description: The files that were put back or removed.
  type: list
  elements: str
  returned: failure
missing:
  description: O(missing), or what the configuration that was put back lacks.
  type: list
  elements: str
  returned: if there is any
"""

from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import kubernetes_client
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import previous_configuration
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import ledger_file, versions
from ansible_collections.mink8s.kubernetes.plugins.module_utils.startup import watch

# What the wait may also do in the API, which here it does not.
NOTHING: dict[str, Any] = {
    "service_account_namespaces": [],
    "service_accounts": "unmanaged",
    "cluster_roles": [],
}


def may_go_back(previous: previous_configuration.Previous, version: str) -> bool:
    """Whether what is kept is a cluster's, of this release."""
    return previous.had_cluster and (not previous.release or versions.is_release(previous.release, version))


def go_back(module: AnsibleModule, previous: previous_configuration.Previous) -> None:
    """Put it back, wait, and end the module."""
    kubernetes_client.require(module)
    message, unit, ledger = module.params["failure"], module.params["unit"], module.params["ledger"]
    manifests = [*module.params["manifests"], *(path for path in previous.files if path.endswith(".yaml"))]
    directories = {Path(path).parent for path in module.params["manifests"]}
    changed = previous_configuration.put_back(previous)
    if any(Path(path).parent not in directories for path in changed):
        # A command that fails leaves a kubelet that does not run, which the wait tells of.
        for command in (["daemon-reload"], ["restart", unit]):
            module.run_command(["systemctl", *command])
    module.params.update(NOTHING)
    pods = sorted({path for path in manifests if Path(path).parent in directories})
    seen = watch.wait(module, kubernetes_client.connect(module), pods, previous_configuration.Previous())
    names = ", ".join(changed)
    if seen.missing:
        module.fail_json(
            msg=f"{message}\nWhat was there before was put back ({names}), and does not run either."
            f" {seen.message}",
            changed=True,
            changed_files=changed,
            missing=seen.missing,
        )
    previous_configuration.drop(ledger)
    module.fail_json(
        msg=f"{message}\nThe configuration that worked was put back and runs ({names}). Correct the variable"
        " that led to this and run the same again.",
        changed=True,
        changed_files=changed,
    )


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **kubernetes_client.ARGUMENTS,
            **ledger_file.ARGUMENTS,
            "failure": {"type": "str", "required": True},
            "missing": {"type": "list", "elements": "str"},
            "enabled": {"type": "bool", "default": True},
            "name": {"type": "str", "required": True},
            "version": {"type": "str", "required": True},
            "unit": {"type": "str", "default": previous_configuration.KUBELET},
            "manifests": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True,
    )
    message, missing = module.params["failure"], module.params["missing"]
    try:
        previous = previous_configuration.read(module.params["ledger"])
        wanted = module.params["enabled"] and not module.check_mode
        if wanted and may_go_back(previous, module.params["version"]) and previous.differing():
            go_back(module, previous)
    except ledger_file.LedgerError as error:
        message = f"{message}\n{error}"
    except OSError as error:
        why = f"{error.filename}: {error.strerror}"
        message = f"{message}\nThe configuration that worked could not be put back: {why}."
    module.fail_json(msg=message, changed=False, **({} if missing is None else {"missing": missing}))


if __name__ == "__main__":
    main()
