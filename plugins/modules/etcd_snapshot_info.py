#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is in a snapshot of etcd, and whether it is whole."""

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_snapshot_info
short_description: Verify a snapshot of etcd
version_added: 0.1.0
description:
  - Fails unless a file is a whole snapshot of the etcd of a Kubernetes cluster. Needs no etcd, so it works
    on the controller as well.
author: The mink8s authors (@mink8s)
attributes:
  check_mode:
    description: Never changes anything.
    support: full
  diff_mode:
    description: Nothing is changed, so there is nothing to show.
    support: none
options:
  path:
    description: The file.
    type: path
    required: true
  node_name:
    description: A node that the cluster has to know. Any cluster will do if not given.
    type: str
  sha256:
    description: The SHA-256 that the file has to have. Any if not given.
    type: str
"""

EXAMPLES = r"""
- name: Verify the backup of host-1 on the controller
  mink8s.kubernetes.etcd_snapshot_info:
    path: backups/host-1-20261123T120000Z.db
    node_name: host-1
  delegate_to: localhost
"""

RETURN = r"""
snapshot:
  description: The snapshot.
  type: dict
  returned: always
  contains:
    size:
      description: Size of the file in bytes.
      type: int
    sha256:
      description: SHA-256 of the file.
      type: str
    nodes:
      description: Names of the nodes it knows, those deleted a short while ago too.
      type: list
      elements: str
      sample: [host-1]
    pod_subnets:
      description: Name, address and subnet of those with a part of the pod network.
      type: list
      elements: dict
      sample: [{name: host-1, address: 192.0.2.7, subnet: 10.244.0.0/24}]
"""

from dataclasses import asdict

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.backup import snapshot_file
from ansible_collections.mink8s.kubernetes.plugins.module_utils.backup.snapshot_file import SnapshotError


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        {
            "path": {"type": "path", "required": True},
            "node_name": {"type": "str"},
            "sha256": {"type": "str"},
        },
        supports_check_mode=True,
    )
    path, node_name, sha256 = (module.params[name] for name in ("path", "node_name", "sha256"))
    try:
        snapshot = snapshot_file.verify(path)
        if sha256 and snapshot.sha256 != sha256:
            raise SnapshotError(
                f"{path} is another snapshot: it has the SHA-256 {snapshot.sha256}, not {sha256}."
            )
        if node_name:
            snapshot_file.belongs(snapshot, path, node_name)
    except SnapshotError as error:
        module.fail_json(msg=f"{error} {snapshot_file.REFUSED}")
    module.exit_json(changed=False, snapshot=asdict(snapshot))


if __name__ == "__main__":
    main()
