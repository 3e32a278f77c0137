#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything that would make a run fail anyway, found before anything is changed."""

from __future__ import annotations

DOCUMENTATION = r"""
module: preflight
version_added: 0.1.0
short_description: Find everything that keeps a host from becoming a cluster
description:
  - Looks at the host, changes nothing, and fails with the list of all findings, each with what was seen and
    what to do.
author: The mink8s authors (@mink8s)
attributes:
  check_mode:
    description: Does the same in check mode.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
options:
  version:
    description: Kubernetes version, such as V(v1.18.20).
    type: str
    required: true
  known_versions:
    description: Versions whose checksum is known for this host's architecture.
    type: list
    elements: str
    default: []
  checksum:
    description: SHA-512 of the release in hexadecimal, for a version that is not in O(known_versions).
    type: str
    default: ""
  artifacts:
    description: Directory on the host with the release and possibly C(SHA512SUMS); empty for none.
    type: str
    default: ""
  url:
    description: Where releases are fetched from; empty if nothing is fetched.
    type: str
    default: ""
  node_name:
    description: Name of the node; empty for the host's name.
    type: str
    default: ""
  address:
    description: IPv4 address the node is to register with; an empty one is a finding.
    type: str
  directories:
    description: Space that has to be free, added up on each file system.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Directory that is filled; it need not exist.
        type: path
        required: true
      megabytes:
        description: Space it needs, in MB.
        type: int
        required: true
  ports:
    description: TCP ports that have to be free.
    type: list
    elements: dict
    default: []
    suboptions:
      port:
        description: Number of the port.
        type: int
        required: true
      address:
        description: IPv4 address it is going to be opened on, V(0.0.0.0) for all of them.
        type: str
        required: true
      process:
        description: Name of the process that is going to open it.
        type: str
        required: true
  state_directory:
    description: Exists if this collection has worked on the host before.
    type: path
    default: /var/lib/mink8s
  files:
    description: Files the run is going to write, which on a new host belong to another Kubernetes.
    type: list
    elements: path
    default: []
  daemon_json:
    description: Configuration file of dockerd.
    type: path
    default: /etc/docker/daemon.json
  article_exact:
    description: Whether the cluster has to be the article's to the letter.
    type: bool
    default: false
  skip:
    description: Checks to leave out.
    type: list
    elements: str
    default: []
    choices: [address, architecture, article_exact, artifacts, cgroup, daemon_json, disk_space,
      existing_cluster, linux, mirror, node_name, ports, release_checksum, root, swap, systemd, version_range]
"""

EXAMPLES = r"""
- name: Find out whether the host can run the cluster
  mink8s.kubernetes.preflight:
    version: v1.18.20
    known_versions: [v1.18.5, v1.18.20]
    url: https://dl.k8s.io
    directories:
      - path: /var/lib/docker
        megabytes: 2000
    ports:
      - port: 10250
        address: 0.0.0.0
        process: kubelet
    skip: [swap]
"""

RETURN = r"""
findings:
  description: What keeps the host from becoming a cluster.
  type: list
  elements: dict
  returned: always
  sample:
    - name: swap
      message: Swap is on (/dev/sda2).
      remedy: Run swapoff --all and take the swap line out of /etc/fstab.
facts:
  description: What the roles need to know of the host.
  type: dict
  returned: always
  sample:
    architecture: amd64
    cgroup_version: 1
    hostname: node
"""

from dataclasses import asdict

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils import _checks, _host


def report(version: str, findings: list[_checks.Finding]) -> str:
    """The findings as the numbered list a person reads."""
    lines = [f"This host can't run Kubernetes {version} yet. Nothing was changed. Findings: {len(findings)}"]
    lines += [
        f"{number}. {found.name}: {found.message} {found.remedy}" for number, found in enumerate(findings, 1)
    ]
    return "\n".join(lines)


def main() -> None:
    """Run the module."""
    text = {"type": "str", "default": ""}
    needed = {"type": "str", "required": True}
    space = {"path": {"type": "path", "required": True}, "megabytes": {"type": "int", "required": True}}
    port = {"port": {"type": "int", "required": True}, "address": needed, "process": needed}
    module = AnsibleModule(
        argument_spec={
            "version": needed,
            "known_versions": {"type": "list", "elements": "str", "default": []},
            "checksum": text,
            "artifacts": text,
            "url": text,
            "node_name": text,
            "address": {"type": "str"},
            "directories": {"type": "list", "elements": "dict", "options": space, "default": []},
            "ports": {"type": "list", "elements": "dict", "options": port, "default": []},
            "state_directory": {"type": "path", "default": "/var/lib/mink8s"},
            "files": {"type": "list", "elements": "path", "default": []},
            "daemon_json": {"type": "path", "default": "/etc/docker/daemon.json"},
            "article_exact": {"type": "bool", "default": False},
            "skip": {"type": "list", "elements": "str", "choices": sorted(_checks.CHECKS), "default": []},
        },
        supports_check_mode=True,
    )
    host = _host.observe(module.params, module.run_command)
    findings = _checks.examine(module.params, host)
    result = {
        "findings": [asdict(finding) for finding in findings],
        "facts": {
            "architecture": host.architecture,
            "cgroup_version": host.cgroup_version,
            "hostname": host.hostname,
        },
    }
    if findings:
        module.fail_json(msg=report(module.params["version"], findings), **result)
    module.exit_json(changed=False, **result)


if __name__ == "__main__":
    main()
