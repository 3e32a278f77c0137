#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A snapshot of the host's etcd, in a file on the host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_snapshot
short_description: Take a snapshot of etcd
version_added: 0.1.0
description:
  - Asks the host's etcd for a snapshot through its API, which needs no C(etcdctl), and writes it to a file.
  - The file is put in place only once it is known to be whole and of a Kubernetes cluster. Only its owner
    can read it, since it holds all Secrets of the cluster.
  - The certificates and keys of the cluster are not in etcd, nor are the volumes of its pods.
author: The mink8s authors (@mink8s)
attributes:
  check_mode:
    description: Takes no snapshot, but fails where a run would not get one.
    support: full
  diff_mode:
    description: There is nothing to compare a snapshot with.
    support: none
options:
  path:
    description: The file to write, in a directory that is there. One that is there is replaced.
    type: path
    required: true
  manifest:
    description:
      - The manifest of kube-apiserver, whose flags say where etcd answers, and with which certificate.
      - Without the file it is the article's etcd at V(http://127.0.0.1:2379).
    type: path
    default: /etc/kubernetes/manifests/kube-apiserver.yaml
  timeout:
    description: Longest wait for the next part of the snapshot, in seconds.
    type: int
    default: 60
"""

EXAMPLES = r"""
- name: Take a snapshot
  mink8s.kubernetes.etcd_snapshot:
    path: /root/etcd.db
"""

RETURN = r"""
reasons:
  description: What was done, in one sentence.
  type: list
  elements: str
  returned: always
snapshot:
  description: The snapshot.
  type: dict
  returned: always
  contains:
    path:
      description: The file.
      type: str
    size:
      description: Its size in bytes. 0 in check mode.
      type: int
    sha256:
      description: Its SHA-256. Empty in check mode.
      type: str
    nodes:
      description: Names of the nodes it knows, those deleted a short while ago too. Empty in check mode.
      type: list
      elements: str
      sample: [host-1]
    pod_subnets:
      description: Name, address and subnet of those with a part of the pod network. Empty in check mode.
      type: list
      elements: dict
      sample: [{name: host-1, address: 192.0.2.7, subnet: 10.244.0.0/24}]
"""

import os
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.api.etcd_client import (
    MANIFEST,
    Etcd,
    EtcdError,
    access,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.backup import snapshot_file
from ansible_collections.mink8s.kubernetes.plugins.module_utils.backup.snapshot_file import (
    Snapshot,
    SnapshotError,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import selection
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan, carry_out


def observe(etcd: Etcd, target: Path) -> str:
    """The version of the etcd that answers. Raises EtcdError if none does, OSError where no file can be."""
    if not target.parent.is_dir():
        raise NotADirectoryError(f"{target.parent} is no directory. Make it, or set path to another one.")
    if target.is_dir():
        raise IsADirectoryError(f"{target} is a directory. Set path to a file.")
    return etcd.version()


def plan(endpoint: str, version: str) -> Plan:
    """A snapshot is always a new one."""
    return Plan((f"etcd {version} at {endpoint} has data that no snapshot has",))


def save(etcd: Etcd, target: Path) -> Snapshot:
    """Write a snapshot, and put it in place if it is whole. Raises EtcdError, SnapshotError and OSError."""
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            etcd.save(stream)
            stream.flush()
            os.fsync(stream.fileno())
        snapshot = snapshot_file.verify(temporary)
        temporary.replace(target)
    except BaseException:
        temporary.unlink()
        raise
    return snapshot


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        {
            "path": {"type": "path", "required": True},
            "manifest": {"type": "path", "default": MANIFEST},
            "timeout": {"type": "int", "default": 60},
        },
        supports_check_mode=True,
    )
    target = Path(module.params["path"])
    results: dict[str, Any] = {"path": str(target), "size": 0, "sha256": "", "nodes": [], "pod_subnets": []}
    try:
        etcd = Etcd(access(module.params["manifest"]), module.params["timeout"])
        decided = plan(etcd.endpoint, observe(etcd, target))
        carry_out(module, decided, lambda: results.update(asdict(save(etcd, target))), snapshot=results)
    except EtcdError as error:
        module.fail_json(
            msg=f"{error}. No snapshot was taken. The playbook site makes a cluster; where there is one,"
            f" `{selection.of_host().list_command()}` shows what became of its etcd."
        )
    except SnapshotError as error:
        module.fail_json(msg=f"{error} This is what etcd gave, so it was removed. Take the snapshot again.")
    except OSError as error:
        module.fail_json(msg=f"No snapshot was taken: {error}")


if __name__ == "__main__":
    main()
