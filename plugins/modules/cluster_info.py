#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which node a host is, and which others its control plane knows."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_info
version_added: 0.1.0
short_description: Tell which node a host is, and which others are in its cluster
description:
  - Reads from the host's files which node it is and whether it has a control plane.
  - With a control plane, tells which other nodes have been given a part of the pod network.
author: The mink8s authors (@mink8s)
attributes:
  check_mode:
    description: Changes nothing.
    support: full
  diff_mode:
    description: Nothing is changed, so there is nothing to show.
    support: none
options:
  node_name:
    description: Name of the node where there is no kubelet that has it; the host's name if empty.
    type: str
    default: ""
  config_dir:
    description: Directory of kubeconfigs and manifests where there is no kubelet that has it.
    type: path
    default: /etc/kubernetes
  ask_api:
    description:
      - Whether to tell as well of nodes that are registered without such a part.
      - An API that does not answer is no error.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Read which node this host is
  mink8s.kubernetes.cluster_info:
"""

RETURN = r"""
node_name:
  description: Name of the host's node, or what it would be.
  type: str
  returned: success
config_dir:
  description: Directory of kubeconfigs and manifests.
  type: str
  returned: success
has_control_plane:
  description: Whether there is a control plane on the host.
  type: bool
  returned: success
kubelet_runs:
  description: Whether the kubelet runs.
  type: bool
  returned: success
nodes:
  description: Names of the other nodes, sorted. Empty on a host without a control plane.
  type: list
  elements: str
  returned: success
  sample: [beta, gamma]
"""

import os
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import pod_cidrs
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import (
    own_cluster,
    pod_subnets,
    systemd,
)

APISERVER = "manifests/kube-apiserver.yaml"


def look(params: dict[str, Any]) -> dict[str, Any]:
    """What the module returns of the host's files and of the API."""
    own = own_cluster.observe()
    name = own.node_name or params["node_name"] or os.uname().nodename.lower()
    directory = Path(own.config_dir or params["config_dir"])
    # Only a control plane's host has an administrator's kubeconfig.
    registered = pod_cidrs.registered(str(directory / "admin.conf")) if params["ask_api"] else []
    names = {*given(directory / "pod-subnets.json"), *(node.metadata.name for node in registered)}
    return {
        "node_name": name,
        "config_dir": str(directory),
        "has_control_plane": (directory / APISERVER).exists(),
        "nodes": sorted(names - {name}),
    }


def given(path: Path) -> set[str]:
    """The nodes that have been given a part of the pod network. A file that is damaged says nothing."""
    try:
        return set(pod_subnets.read(str(path)))
    except (pod_subnets.PodSubnetError, OSError):
        return set()


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        {
            "node_name": {"type": "str", "default": ""},
            "config_dir": {"type": "path", "default": "/etc/kubernetes"},
            "ask_api": {"type": "bool", "default": False},
        },
        supports_check_mode=True,
    )
    runs = systemd.observe(module, "kubelet.service").active
    module.exit_json(changed=False, kubelet_runs=runs, **look(module.params))


if __name__ == "__main__":
    main()
