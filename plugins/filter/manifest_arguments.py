# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A static pod's manifest with further command-line arguments."""

from __future__ import annotations

DOCUMENTATION = r"""
name: manifest_arguments
short_description: Merge command-line arguments into a static pod's manifest
version_added: 0.1.0
author: The mink8s authors (@mink8s)
description:
  - An argument replaces the one with the same flag where it stands. The others come after those that are
    there.
  - Files that the arguments name are mounted read-only at the same path, and the directory of an audit log
    for writing.
options:
  _input:
    description: The manifest, as the templates of the role control_plane write it.
    type: str
    required: true
  arguments:
    description: Values by flag, without its dashes; a list for a flag that is repeated.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Write etcd's manifest with two more arguments
  ansible.builtin.copy:
    content: >-
      {{ lookup('ansible.builtin.template', 'etcd.yaml.j2')
         | mink8s.kubernetes.manifest_arguments({'snapshot-count': 5000, 'log-level': 'debug'}) }}
    dest: /etc/kubernetes/manifests/etcd.yaml
    mode: "0600"
"""

RETURN = r"""
_value:
  description: The manifest with the arguments.
  type: str
"""

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import command_line


class FilterModule:
    """The filter, as Ansible loads it."""

    def filters(self) -> dict[str, Callable[[str, Mapping[str, Any]], str]]:
        """The filter by its name."""
        return {"manifest_arguments": command_line.manifest}
