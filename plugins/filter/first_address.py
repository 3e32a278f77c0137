# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The first address of a network."""

from __future__ import annotations

DOCUMENTATION = r"""
name: first_address
short_description: Take the first address of a network
version_added: 0.1.0
author: The mink8s authors (@mink8s)
description:
  - It is the host's own in a network of pods, and kube-apiserver's in that of Services.
  - Empty for text that is no IPv4 network, which the preflight checks report.
options:
  _input:
    description: The network, as ADDRESS/LENGTH.
    type: str
    required: true
"""

EXAMPLES = r"""
- name: Show what kube-apiserver is called by pods
  ansible.builtin.debug:
    msg: "{{ '10.0.0.0/24' | mink8s.kubernetes.first_address }}"
"""

RETURN = r"""
_value:
  description: The address.
  type: str
"""

from collections.abc import Callable

from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import subnets


class FilterModule:
    """The filter, as Ansible loads it."""

    def filters(self) -> dict[str, Callable[[str], str]]:
        """The filter by its name."""
        return {"first_address": subnets.first_address}
