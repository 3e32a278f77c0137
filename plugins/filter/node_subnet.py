# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The part of the pod network that one node has."""

from __future__ import annotations

DOCUMENTATION = r"""
name: node_subnet
short_description: Take a node's part of the network of pods
version_added: 0.1.0
author: The mink8s authors (@mink8s)
description:
  - It has the first 256 addresses, or all of a smaller network.
  - Empty for text that is no IPv4 network, which the preflight checks report.
options:
  _input:
    description: The network, as ADDRESS/LENGTH.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show where the addresses of this node's pods come from
  ansible.builtin.debug:
    msg: "{{ '10.244.0.0/16' | mink8s.kubernetes.node_subnet }}"
"""

RETURN = r"""
_value:
  description: The part, as ADDRESS/LENGTH.
  type: str
"""

from collections.abc import Callable

from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import subnets


class FilterModule:
    """The filter, as Ansible loads it."""

    def filters(self) -> dict[str, Callable[[str], str]]:
        """The filter by its name."""
        return {"node_subnet": subnets.node_subnet}
