# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The kubelet's configuration with further fields."""

from __future__ import annotations

DOCUMENTATION = r"""
name: kubelet_fields
short_description: Merge fields into a KubeletConfiguration
version_added: 0.1.0
author: The mink8s authors (@mink8s)
description:
  - A field replaces the one with the same name where it stands; of a dictionary, only the keys given. The
    others come after those that are there.
options:
  _input:
    description: The KubeletConfiguration as YAML, whose comments are kept.
    type: str
    required: true
  fields:
    description: Values by field.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Write a configuration with a lower limit of pods
  ansible.builtin.copy:
    content: >-
      {{ lookup('ansible.builtin.template', 'kubelet.yaml.j2')
         | mink8s.kubernetes.kubelet_fields({'maxPods': 50}) }}
    dest: /etc/kubernetes/kubelet.yaml
    mode: "0644"
"""

RETURN = r"""
_value:
  description: The KubeletConfiguration with the fields, as YAML.
  type: str
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from ansible.module_utils.common.yaml import yaml_dump, yaml_load


def kubelet_fields(text: str, fields: Mapping[str, Any]) -> str:
    """The text with the fields in the place of those that are there, and the others after it."""
    if not fields:
        return text
    # Plain values, without what Ansible knows of where they come from.
    text, wanted = json.loads(json.dumps([text, fields]))
    ours, lines = yaml_load(text), text.splitlines()
    for name, value in wanted.items():
        merged = {name: combine(ours.get(name), value)}
        block = yaml_dump(merged, default_flow_style=False, sort_keys=False, allow_unicode=True, width=1000)
        start = next((at for at, line in enumerate(lines) if line.startswith(f"{name}:")), len(lines))
        end = start + 1
        while end < len(lines) and lines[end].startswith((" ", "- ")):
            end += 1
        lines[start:end] = block.splitlines()
    return "".join(f"{line}\n" for line in lines)


def combine(old: Any, new: Any) -> Any:
    """The new value, or with what the old dictionary has besides."""
    if isinstance(old, dict) and isinstance(new, dict):
        return {**old, **{key: combine(old.get(key), value) for key, value in new.items()}}
    return new


class FilterModule:
    """The filter, as Ansible loads it."""

    def filters(self) -> dict[str, Callable[[str, Mapping[str, Any]], str]]:
        """The filter by its name."""
        return {"kubelet_fields": kubelet_fields}
