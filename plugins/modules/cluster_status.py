#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What there is of a cluster of several nodes, as a table and as a page with a map of all of them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: cluster_status
version_added: 0.1.0
short_description: Put together what the hosts of a cluster have said of it
description:
  - Takes what M(mink8s.kubernetes.status) has returned of a control plane host and of others, and makes one
    table and one page of those that are its nodes.
  - Says of each node's way to the pods of each other whether a packet has come through.
  - Asks nobody, and changes nothing.
author: The mink8s authors (@mink8s)
attributes:
  check_mode:
    description: The same, for nothing is changed.
    support: full
  diff_mode:
    description: There is nothing to show.
    support: none
options:
  control_plane:
    description: What the control plane host has returned.
    type: dict
    required: true
  hosts:
    description: What hosts have returned. Those of other clusters are left out.
    type: list
    elements: dict
    required: true
seealso:
  - module: mink8s.kubernetes.status
"""

EXAMPLES = r"""
- name: Ask the hosts
  mink8s.kubernetes.status:
  register: status

- name: Put together what they have said
  mink8s.kubernetes.cluster_status:
    control_plane: "{{ status }}"
    hosts: "{{ ansible_play_hosts | map('extract', hostvars, 'status') }}"
  when: status.control_plane
"""

RETURN = r"""
links:
  description:
    - The way from each node to the pods of each other. C(state) is V(through) if a packet went there and its
      answer came back, V(broken) if not, and V(unknown) if nobody has tried.
  type: list
  elements: dict
  returned: always
  sample:
    - source: alpha
      target: beta
      network: 10.244.1.0/24
      state: through
      seen: an answer after 0.3 ms, via 192.0.2.8
      label: 0.3 ms
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
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status import cluster, page, table


def main() -> None:
    """Run the module."""
    arguments = {
        "control_plane": {"type": "dict", "required": True},
        "hosts": {"type": "list", "elements": "dict", "required": True},
    }
    # What it is given is too long for the host's journal.
    module = AnsibleModule(arguments, supports_check_mode=True, no_log=True)
    found = cluster.of(module.params["control_plane"], module.params["hosts"])
    module.exit_json(
        changed=False,
        links=[asdict(link) for link in found.links],
        table=table.lines(found.own, found),
        page=page.render(found.own, found),
    )


if __name__ == "__main__":
    main()
