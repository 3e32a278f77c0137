#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The data of a snapshot in place of what etcd has."""

from __future__ import annotations

DOCUMENTATION = r"""
module: etcd_restore
short_description: Put a snapshot in place of etcd's data
version_added: 0.1.0
description:
  - Gives the etcd that runs as a static pod on the host the data of a snapshot. What it had before is kept
    beside it.
  - A snapshot that is damaged or of another cluster is refused, and the data is made from it, before
    anything is stopped. Then the kubelet is stopped, the containers of the static pods beside O(manifest) are
    removed, the data is exchanged, and the kubelet is started, which brings them back. None of them keeps
    what it remembers of the API, which is newer than the data. Other containers run on.
  - Where etcd does not become healthy with the new data, it gets back the old, and the module fails.
  - Every run restores, so every run reports a change.
author: The mink8s authors (@mink8s)
attributes:
  check_mode:
    description: >-
      Verifies the snapshot and restores nothing. On a host without a cluster or without the file, both are
      taken to be made by then.
    support: full
  diff_mode:
    description: Shows where the data comes from.
    support: full
options:
  path:
    description: The snapshot, on the host.
    type: path
    required: true
  node_name:
    description: The host's node, which the snapshot has to know.
    type: str
    required: true
  manifest:
    description: >-
      The manifest of etcd, which names its image and its directory for data. That of kube-apiserver beside it
      says how etcd is reached.
    type: path
    default: /etc/kubernetes/manifests/etcd.yaml
  timeout:
    description: Longest wait for etcd, in seconds.
    type: int
    default: 180
"""

EXAMPLES = r"""
- name: Put a snapshot in place
  mink8s.kubernetes.etcd_restore:
    path: /root/etcd.db
    node_name: host-1
"""

RETURN = r"""
reasons:
  description: What was done, in one sentence.
  type: list
  elements: str
  returned: always
data:
  description: Where the data is.
  type: dict
  returned: always
  contains:
    directory:
      description: Directory of etcd's data. Empty in check mode on a host without a cluster.
      type: str
      sample: /var/lib/etcd
    replaced:
      description: Directory that has what etcd had before. Empty if it had nothing, and in check mode.
      type: str
      sample: /var/lib/etcd/replaced-20261123T120000Z
"""

import shutil
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.api.etcd_client import Etcd, EtcdError, access
from ansible_collections.mink8s.kubernetes.plugins.module_utils.backup import snapshot_file
from ansible_collections.mink8s.kubernetes.plugins.module_utils.backup.restore import Host, RestoreError
from ansible_collections.mink8s.kubernetes.plugins.module_utils.backup.snapshot_file import SnapshotError
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import selection
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    ContainerRuntime,
    ContainerRuntimeError,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import library, waiting
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan, carry_out

try:
    import yaml
except ImportError:
    HAS_YAML = False
else:
    HAS_YAML = True

# Where etcd has everything, below the directory for its data. It passes over whatever else is there.
MEMBER = "member"


@dataclass(frozen=True)
class Place:
    """Where etcd's data belongs, and the image that makes it."""

    image: str
    directory: Path


def place(manifest: dict[str, Any]) -> Place:
    """What etcd's manifest says. Raises KeyError and its like if that is not what our template says."""
    spec = manifest["spec"]
    container = next(item for item in spec["containers"] if item["name"] == "etcd")
    flags = dict(word.split("=", 1) for word in container["command"] if "=" in word)
    mounts = {item["mountPath"]: item["name"] for item in container["volumeMounts"]}
    volumes = {item["name"]: item["hostPath"]["path"] for item in spec["volumes"]}
    return Place(container["image"], Path(volumes[mounts[flags["--data-dir"]]]))


def observe(module: AnsibleModule) -> Place | None:
    """Where the data belongs; None in check mode on a host without a cluster. Raises RestoreError."""
    path, node_name = module.params["path"], module.params["node_name"]
    if not module.check_mode or Path(path).exists():
        snapshot_file.belongs(snapshot_file.verify(path), path, node_name)
    manifest = Path(module.params["manifest"])
    if not manifest.exists():
        if module.check_mode:
            return None
        raise RestoreError(
            f"{manifest} does not exist, so there is no etcd to restore to. Run the playbook site."
        )
    if not HAS_YAML:
        library.respawn("yaml")
        library.fail(module, "yaml")
    try:
        return place(yaml.safe_load(manifest.read_text()))
    except (KeyError, StopIteration, TypeError, yaml.YAMLError) as error:
        raise RestoreError(
            f"{manifest} does not say which image etcd has and where its data is."
            " Run the playbook site, which writes it anew."
        ) from error


def plan(path: str, found: Place | None) -> Plan:
    """A snapshot that is asked for is always restored."""
    where = f"the data in {found.directory}" if found else "the data of an etcd that is not there yet"
    return Plan((f"{path} replaces {where}",), "etcd: its own data\n", f"etcd: data from {path}\n")


def make(runtime: ContainerRuntime, snapshot: str, found: Place) -> Path:
    """Make etcd's data of the snapshot, beside what it has. Raises RestoreError and ContainerRuntimeError."""
    if runtime.image(found.image) is None:
        raise RestoreError(
            f"{runtime.name} has no image {found.image}. Nothing was changed. Run the playbook site."
        )
    stage = found.directory / "restoring"
    if stage.exists():
        shutil.rmtree(stage)
    stage.mkdir(mode=0o700)
    try:
        restore(runtime, snapshot, found.image, stage)
    except ContainerRuntimeError as error:
        shutil.rmtree(stage)
        raise RestoreError(
            f"{found.image} made no data of {snapshot}, so nothing was changed. If it has no etcdutl and no"
            f" etcdctl, set cluster_image_tags to an etcd that has. {error}"
        ) from error
    return stage


def restore(runtime: ContainerRuntime, snapshot: str, image: str, stage: Path) -> None:
    """Have the etcd of an image make data of a snapshot. Raises ContainerRuntimeError.

    etcdutl comes with etcd 3.5, and etcdctl can't do it any more from 3.6 on.
    """
    # The manifest's etcd has the name and the addresses that these take by themselves.
    words = ["snapshot", "restore", "/snapshot.db", "--data-dir=/stage/data"]
    mounts = {Path(snapshot): "/snapshot.db", stage: "/stage"}
    try:
        runtime.run(image, ["etcdutl", *words], mounts)
    except ContainerRuntimeError as error:
        if "executable file not found" not in str(error):
            raise
        runtime.run(image, ["etcdctl", *words], mounts)


def apply(module: AnsibleModule, etcd: Etcd, found: Place) -> str:
    """Restore, and return where the old data is. Raises RestoreError, ContainerRuntimeError and OSError."""
    runtime = selection.of_host()
    stage = make(runtime, module.params["path"], found)
    try:
        return put_in_place(Host(module, runtime), etcd, found, stage, module.params["timeout"])
    finally:
        shutil.rmtree(stage)


def put_in_place(host: Host, etcd: Etcd, found: Place, stage: Path, timeout: int) -> str:
    """Exchange the data, and exchange it back if etcd does not become healthy with the new."""
    current, made = found.directory / MEMBER, stage / "data" / MEMBER
    replaced = found.directory / f"replaced-{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}"
    had_data = current.exists()
    host.exchange(*([(current, replaced)] if had_data else []), (made, current))
    problem = waiting.until_none(etcd.unhealthy, timeout)
    if not problem:
        return str(replaced) if had_data else ""
    said = f"With the data of the snapshot, after {timeout} s: {problem[0]}"
    log = host.why()
    if not had_data:
        raise RestoreError(f"{said}. There was no data before that etcd could have back. {log}")
    host.exchange((current, made), (replaced, current))
    after = waiting.until_none(etcd.unhealthy, timeout)
    now = f"and with it, too, {after[0]}" if after else "and is healthy with it"
    raise RestoreError(f"{said}. It has its old data again, {now}. Restore from another snapshot. {log}")


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        {
            "path": {"type": "path", "required": True},
            "node_name": {"type": "str", "required": True},
            "manifest": {"type": "path", "default": "/etc/kubernetes/manifests/etcd.yaml"},
            "timeout": {"type": "int", "default": 180},
        },
        supports_check_mode=True,
    )
    try:
        found = observe(module)
        etcd = Etcd(access(Path(module.params["manifest"]).with_name("kube-apiserver.yaml")), timeout=5)
        data = {"directory": str(found.directory) if found else "", "replaced": ""}

        def restore() -> None:
            if found:
                data["replaced"] = apply(module, etcd, found)

        carry_out(module, plan(module.params["path"], found), restore, data=data)
    except SnapshotError as error:
        module.fail_json(msg=f"{error} {snapshot_file.REFUSED}")
    except (RestoreError, ContainerRuntimeError, EtcdError, OSError) as error:
        module.fail_json(msg=str(error))


if __name__ == "__main__":
    main()
