#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Directories and text files on the host, and the unit that reads them, in one round trip."""

from __future__ import annotations

DOCUMENTATION = r"""
module: files
short_description: Write a set of directories and text files, and run the unit that reads them
version_added: 0.1.0
description:
  - Makes directories and text files as a whole set, in one round trip, and removes files that are not
    wanted any more.
  - Each file is put in place in one step, so that a program that watches the directory, as the kubelet
    does, never reads half a file.
  - Enables and starts the systemd unit that reads the files, if one is named, and restarts it if its process
    is older than any file it reads. A run that was interrupted in between is made good by the next.
author: The mink8s authors (@mink8s)
extends_documentation_fragment: [mink8s.kubernetes.ledger, mink8s.kubernetes.files]
attributes:
  check_mode:
    description: Reports what would be written, and whether the unit would be enabled, started or restarted.
    support: full
  diff_mode:
    description: Shows the files' contents and the unit's state before and after.
    support: full
options:
  unit:
    description: A systemd unit to run, with its suffix, such as V(kubelet.service).
    type: str
  changed_files:
    description: Files that were written before this task, or would have been in check mode.
    type: list
    elements: path
    default: []
  inputs:
    description:
      - Files that the process of O(unit) reads when it starts, its binary among them.
      - A file that is not there is passed over.
    type: list
    elements: path
    default: []
"""

EXAMPLES = r"""
- name: Write a static pod's manifest
  mink8s.kubernetes.files:
    directories:
      - path: /etc/kubernetes/manifests
    files:
      - path: /etc/kubernetes/manifests/hello.yaml
        content: "{{ lookup('ansible.builtin.template', 'hello.yaml.j2') }}"
        mode: "0600"

- name: Run the kubelet with its configuration
  mink8s.kubernetes.files:
    files:
      - path: /etc/kubernetes/kubelet.yaml
        content: "{{ lookup('ansible.builtin.template', 'kubelet.yaml.j2') }}"
    unit: kubelet.service
    inputs:
      - /usr/local/bin/kubelet
      - /etc/kubernetes/kubelet.yaml
"""

RETURN = r"""
reasons:
  description: Why something changed, one sentence for each change.
  type: list
  elements: str
  returned: always
  sample: ["/etc/kubernetes/manifests/hello.yaml is missing"]
changed_files:
  description: The files that were written or removed, or would be.
  type: list
  elements: str
  returned: always
"""

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import file_set, service, systemd
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import ledger_file
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan, carry_out, together


def run(module: AnsibleModule) -> None:
    """Write the files, run the unit and end the module. Raises LedgerError and OSError."""
    name, inputs = module.params["unit"], module.params["inputs"]
    written, changes = file_set.prepare(module.params)
    running = Plan()
    if name:
        observed = systemd.observe(module, name)
        changed = {*module.params["changed_files"], *changes.paths}
        desired = service.Desired(name, service.written_at(inputs), not changed.isdisjoint(inputs))
        running = service.plan(desired, observed)
    if not module.check_mode:
        file_set.note(module.params)

    def apply() -> None:
        file_set.keep(module.params, changes.paths)
        file_set.apply(changes)
        if running.reasons:
            service.apply(module, desired, observed)

    carry_out(module, together(written, running), apply, changed_files=changes.paths)


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            **file_set.ARGUMENTS,
            "unit": {"type": "str"},
            "inputs": {"type": "list", "elements": "path", "default": []},
            "changed_files": {"type": "list", "elements": "path", "default": []},
        },
        supports_check_mode=True,
    )
    try:
        run(module)
    except ledger_file.LedgerError as error:
        module.fail_json(msg=str(error))
    except OSError as error:
        module.fail_json(msg=f"{error.filename}: {error.strerror}. Nothing was written to this path.")


if __name__ == "__main__":
    main()
