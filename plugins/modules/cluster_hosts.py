#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Everything that keeps the hosts of one cluster apart, found before anything is changed."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_hosts
version_added: 0.1.0
short_description: Find everything that keeps hosts from being one cluster
description:
  - Compares this host with the others of its cluster, connects to their ports, and fails with the list of all
    findings, each with what was seen and what to do.
  - Changes nothing.
author: The mink8s authors (@mink8s)
attributes:
  check_mode:
    description: Connects to no port, because nobody listens yet.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
options:
  name:
    description: Name of this host's node.
    type: str
    required: true
  address:
    description: IPv4 address of this host's node.
    type: str
    required: true
  version:
    description: Kubernetes version of this host.
    type: str
    required: true
  authentication:
    description: How clients of kube-apiserver are known.
    type: str
    required: true
  installed:
    description: The release of the control plane that is on this host; empty if there is none.
    type: str
    default: ""
  control_plane:
    description: Name in the inventory of the host with the control plane.
    type: str
    required: true
  control_plane_state:
    description:
      - V(own) if that is this host; V(made) if it has a control plane, or gets one in this run.
      - V(missing) if it has none and is not in this run, V(failed) if it has failed in it.
      - V(node) if it joins another's cluster itself, V(unknown) if it is not in the inventory.
    type: str
    choices: [own, made, missing, failed, node, unknown]
    required: true
  peers:
    description: The other hosts of the cluster that are in this run.
    type: list
    elements: dict
    default: []
    suboptions:
      host:
        description: Its name in the inventory.
        type: str
        required: true
      name:
        description: Name of its node.
        type: str
        required: true
      address:
        description: IPv4 address of its node.
        type: str
        required: true
      version:
        description: Its Kubernetes version.
        type: str
        required: true
      ports:
        description: TCP ports that this host has to reach there.
        type: list
        elements: int
        default: []
  timeout:
    description: How long to try to connect to each port, in seconds. A host may be slow to listen.
    type: int
    default: 15
"""

EXAMPLES = r"""
- name: Check that the host can join
  mink8s.kubernetes.cluster_hosts:
    name: beta
    address: 192.0.2.8
    version: v1.20.15
    authentication: certificates
    control_plane: alpha
    control_plane_state: made
    peers:
      - {host: alpha, name: alpha, address: 192.0.2.7, version: v1.20.15, ports: [6443]}
"""

RETURN = r"""
findings:
  description: What keeps the hosts apart, a sentence and what to do for each.
  type: list
  elements: str
  returned: always
"""

import socket
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks import cluster_hosts
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import network
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import no_answer, waiting

# For one attempt.
SECONDS = 5


def why_unreachable(address: str, port: int, timeout: int) -> str:
    """Why no connection is made in that many seconds; empty if one is."""

    def connect() -> list[str]:
        try:
            socket.create_connection((address, port), SECONDS).close()
        except OSError as error:
            return [no_answer.words(error)]
        return []

    return "".join(waiting.until_none(connect, timeout))


def observe(module: AnsibleModule) -> cluster_hosts.Seen:
    """Look at the routes to the others, and connect to their ports."""
    peers: list[dict[str, Any]] = module.params["peers"]
    unreachable = {}
    for peer in peers if not module.check_mode else []:
        for port in peer["ports"]:
            unreachable[peer["address"], port] = why_unreachable(
                peer["address"], port, module.params["timeout"]
            )
    addresses = (peer["address"] for peer in peers)
    return cluster_hosts.Seen(network.next_hops(addresses, module.run_command), unreachable)


def main() -> None:
    """Run the module."""
    text = {"type": "str", "required": True}
    ports = {"type": "list", "elements": "int", "default": []}
    peer = {"host": text, "name": text, "address": text, "version": text, "ports": ports}
    states = ["own", "made", "missing", "failed", "node", "unknown"]
    module = AnsibleModule(
        {
            **dict.fromkeys(("name", "address", "version", "authentication", "control_plane"), text),
            "installed": {"type": "str", "default": ""},
            "control_plane_state": {**text, "choices": states},
            "peers": {"type": "list", "elements": "dict", "options": peer, "default": []},
            "timeout": {"type": "int", "default": 15},
        },
        supports_check_mode=True,
    )
    found = [
        f"{problem.message} {problem.remedy}"
        for problem in cluster_hosts.problems(module.params, observe(module))
    ]
    if found:
        lines = [
            f"This host can't be in the cluster of {module.params['control_plane']} yet. Nothing was changed."
        ]
        lines += [f"{number}. {finding}" for number, finding in enumerate(found, 1)]
        module.fail_json(msg="\n".join(lines), findings=found)
    module.exit_json(changed=False, findings=[])


if __name__ == "__main__":
    main()
