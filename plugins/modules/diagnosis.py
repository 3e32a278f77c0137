#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One archive of what there is to know of a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: diagnosis
version_added: 0.1.0
short_description: Collect what there is to know of a host into one archive
description:
  - Collects versions, states, journals, logs of the control plane, configuration, tables of the API and more
    into one archive, which has an index in C(README.txt).
  - Works on a host in any state. What cannot be had says why, in its place and in the index.
  - Private keys, tokens, passwords and the credentials of proxies and registries are taken out. Logs and
    definitions of pods that the collection did not write are not collected.
  - Changes nothing but the archive.
author: The mink8s authors (@mink8s)
attributes:
  check_mode:
    description: Collects everything and writes no archive.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
options:
  path:
    description: The archive to write, with mode 0600, such as V(/tmp/host.tar.gz). Its directory must exist.
    type: path
    required: true
  preflight:
    description: What the preflight checks found, as text.
    type: str
    default: ""
  software:
    description: What the collection calls itself, such as V(mink8s.kubernetes 0.1.0).
    type: str
    default: mink8s.kubernetes
  node_name:
    description: Name of the node.
    type: str
    required: true
  config_dir:
    description: Directory of kubeconfigs, certificates and manifests.
    type: path
    default: /etc/kubernetes
  bin_dir:
    description: Directory of kubelet and kubectl.
    type: path
    default: /usr/local/bin
  lines:
    description: Lines of each journal and log, counted from its end.
    type: int
    default: 2000
  ledger:
    description: The record of what the collection made on the host.
    type: path
    default: /var/lib/mink8s/ledger.json
"""

EXAMPLES = r"""
- name: Collect what there is to know
  mink8s.kubernetes.diagnosis:
    path: /root/diagnosis.tar.gz
    node_name: host-1
"""

RETURN = r"""
reasons:
  description: Why something changed.
  type: list
  elements: str
  returned: always
path:
  description: The archive.
  type: str
  returned: always
missing:
  description: What could not be had, and why, one text for each.
  type: list
  elements: str
  returned: always
  sample: ["$ kubelet --version: There is no command kubelet on this host."]
"""

from datetime import datetime, timezone
from pathlib import Path

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.diagnosis import contents, report
from ansible_collections.mink8s.kubernetes.plugins.module_utils.pki import x509
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import files, ledger_file, library
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan, carry_out

ENDING = ".tar.gz"


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "path", "required": True},
            "preflight": {"type": "str", "default": ""},
            "software": {"type": "str", "default": "mink8s.kubernetes"},
            "node_name": {"type": "str", "required": True},
            "config_dir": {"type": "path", "default": "/etc/kubernetes"},
            "bin_dir": {"type": "path", "default": "/usr/local/bin"},
            "lines": {"type": "int", "default": 2000},
            **ledger_file.ARGUMENTS,
        },
        supports_check_mode=True,
    )
    if x509.IMPORT_ERROR:
        library.respawn("cryptography")
    path = Path(module.params["path"])
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    name = path.name[: -len(ENDING)] if path.name.endswith(ENDING) else path.name
    parts = contents.collect(module, module.params)
    title = f"The host of the node {module.params['node_name']} at {now}"
    plan = Plan((f"{path} is to show the host as it is now",))

    def apply() -> None:
        files.write(path, report.pack(name, title, parts), 0o600)

    try:
        carry_out(
            module, plan, apply, path=str(path), missing=[text for each in parts for text in each.faults]
        )
    except OSError as error:
        module.fail_json(msg=f"{path} cannot be written: {error.strerror}. Free some space there.")


if __name__ == "__main__":
    main()
