# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The hosts of one cluster, as the inventory has them."""

from __future__ import annotations

DOCUMENTATION = r"""
name: hosts_of_cluster
short_description: Find the hosts of one cluster in the inventory
version_added: 0.1.0
author: The mink8s authors (@mink8s)
description:
  - The host with the control plane, and those whose C(cluster_control_plane) names it, in their order.
options:
  _input:
    description: Name in the inventory of the host with the control plane.
    type: str
    required: true
  hosts:
    description: Names of the hosts to look at, such as those of the group C(all).
    type: list
    elements: str
    required: true
  hostvars:
    description: Variables of each of them by its name.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show the hosts of a cluster
  ansible.builtin.debug:
    msg: "{{ 'alpha' | mink8s.kubernetes.hosts_of_cluster(groups['all'], hostvars) }}"
"""

RETURN = r"""
_value:
  description: Names of the hosts, that with the control plane first.
  type: list
  elements: str
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any


def hosts_of_cluster(
    control_plane: str, hosts: Iterable[str], hostvars: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """The host with the control plane, and those of hosts that join its cluster."""
    joining = [host for host in hosts if hostvars[host].get("cluster_control_plane") == control_plane]
    return [control_plane, *(host for host in joining if host != control_plane)]


class FilterModule:
    """The filter, as Ansible loads it."""

    def filters(self) -> dict[str, Callable[..., list[str]]]:
        """The filter by its name."""
        return {"hosts_of_cluster": hosts_of_cluster}
