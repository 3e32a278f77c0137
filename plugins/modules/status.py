#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What there is of a cluster on a host, as a table and as a page with a map."""

from __future__ import annotations

DOCUMENTATION = r"""
module: status
version_added: 0.1.0
short_description: Ask a host what there is of a cluster on it
description:
  - Asks processes, sockets, the container runtime, the kubelet and the API of a host which parts of
    Kubernetes run there and since when they are healthy, who can reach their ports, and who is connected
    with whom.
  - Says what the article lists as missing and is not there yet, with the word of a variable that adds it.
  - Tries each route to the pods of another node with a packet.
  - On a node without control plane it asks the API with the kubelet's credentials, which show that node and
    its pods.
  - Changes nothing, and works on a host in any state.
author: The mink8s authors (@mink8s)
requirements:
  - C(ss), which Debian and Ubuntu have in iproute2
attributes:
  check_mode:
    description: The same, for nothing is changed.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
options:
  ledger:
    description: The record of what the collection made on the host.
    type: path
    default: /var/lib/mink8s/ledger.json
  name:
    description: Name of the host in the inventory, under which others join its cluster. Its own if empty.
    type: str
    default: ""
seealso:
  - module: mink8s.kubernetes.cluster_status
"""

EXAMPLES = r"""
- name: Ask the host
  mink8s.kubernetes.status:
  register: status

- name: Show what it said
  ansible.builtin.debug:
    msg: "{{ status.table }}"
"""

RETURN = r"""
components:
  description: The components that run or are to run, those first that others need.
  type: list
  elements: dict
  returned: always
  contains:
    name:
      description: Name of the component.
      type: str
      sample: kube-scheduler
    place:
      description: The unit or the container it runs as.
      type: str
      sample: static pod, container 0d1c24b1a2f6
    version:
      description: What it says its version is. Empty if it does not run.
      type: str
      sample: v1.20.2
    problem:
      description: Why it is not healthy. Empty if it is.
      type: str
    since:
      description: From when on it is healthy, in seconds since the epoch. 0 if it is not.
      type: float
    memory:
      description: Resident memory of its process, in bytes.
      type: int
    ports:
      description:
        - Ports on which it listens. C(reach) is V(host), V(pods) or V(network). C(guarded) is whether it asks
          for credentials, and null where kube-proxy leads to a Service, which is not asked.
      type: list
      elements: dict
      sample: [{"protocol": "tcp", "number": 10259, "reach": "host", "guarded": true}]
pods:
  description: All other pods.
  type: list
  elements: dict
  returned: always
  sample:
    - {namespace: default, name: web, state: Running, address: 172.17.0.2, node: host-1}
connections:
  description: Who is connected with whom, each pair and port once.
  type: list
  elements: dict
  returned: always
  sample: [{"client": "kube-apiserver", "server": "etcd", "to": "2379"}]
missing:
  description: What is missing, and the word of a variable that adds it.
  type: list
  elements: dict
  returned: always
  sample: [{"what": "cluster DNS", "variable": "cluster_components", "word": "coredns"}]
nodes:
  description: The nodes that the host's credentials show. C(pod_network) is C(spec.podCIDR).
  type: list
  elements: dict
  returned: always
  sample:
    - name: alpha
      ready: true
      version: v1.20.2
      runtime: docker://20.10.24
      address: 192.0.2.7
      pod_network: 10.244.0.0/24
routes:
  description:
    - The host's routes to pods of other nodes. C(seconds) is how long a packet there and its answer took, and
      C(problem) what was seen instead.
  type: list
  elements: dict
  returned: always
  sample: [{"network": "10.244.1.0/24", "via": "192.0.2.8", "seconds": 0.0003, "problem": ""}]
cluster:
  description: The same on all hosts of a cluster, and on no others. Empty without certificates.
  type: str
  returned: always
control_plane:
  description: Whether the host has the cluster's control plane.
  type: bool
  returned: always
host:
  description: Name of the host.
  type: str
  returned: always
node:
  description: Name of its node in the API. Empty if the API does not answer or does not have it.
  type: str
  returned: always
system:
  description: The distribution of the host.
  type: str
  returned: always
taken:
  description: When all this was so, in seconds since the epoch.
  type: float
  returned: always
remarks:
  description: What else is wrong with the host.
  type: list
  elements: str
  returned: always
commands:
  description: What to type on the host to see more.
  type: list
  elements: dict
  returned: always
  sample: [{"shows": "all pods", "command": "kubectl get pods --all-namespaces"}]
note:
  description: Why there is less to see than on other hosts. Empty if there is not.
  type: str
  returned: always
table:
  description: All of it as lines of text.
  type: list
  elements: str
  returned: always
page:
  description: All of it as an HTML page with a map.
  type: str
  returned: always
"""

from dataclasses import asdict

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import ledger_file
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status import observe, page, table


def main() -> None:
    """Run the module."""
    arguments = {**ledger_file.ARGUMENTS, "name": {"type": "str", "default": ""}}
    module = AnsibleModule(arguments, supports_check_mode=True)
    if not module.get_bin_path("ss"):
        module.fail_json(
            msg="There is no command ss on this host, which tells who listens and who is connected."
            " Install the package iproute2."
        )
    status = observe.status(module)
    module.exit_json(changed=False, **asdict(status), table=table.lines(status), page=page.render(status))


if __name__ == "__main__":
    main()
