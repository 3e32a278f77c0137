# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A command with further arguments as a systemd unit has it."""

from __future__ import annotations

DOCUMENTATION = r"""
name: unit_command
short_description: Merge command-line arguments into a command for a systemd unit
version_added: 0.1.0
author: The mink8s authors (@mink8s)
description:
  - An argument replaces the one with the same flag where it stands. The others come after those that are
    there.
  - What systemd would read as a specifier, a variable or a separator is escaped.
options:
  _input:
    description: The command, a word each.
    type: list
    elements: str
    required: true
  arguments:
    description: Values by flag, without its dashes; a list for a flag that is repeated.
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Show a line of a unit
  ansible.builtin.debug:
    msg: "ExecStart={{ ['/usr/local/bin/kubelet'] | mink8s.kubernetes.unit_command({'v': 4}) }}"
"""

RETURN = r"""
_value:
  description: The value of C(ExecStart), a word on each line.
  type: str
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import command_line


def unit_command(command: Iterable[str], arguments: Mapping[str, Any]) -> str:
    """The command with the arguments, as ExecStart has it."""
    return command_line.unit_command(command_line.merge(command, arguments))


class FilterModule:
    """The filter, as Ansible loads it."""

    def filters(self) -> dict[str, Callable[[Iterable[str], Mapping[str, Any]], str]]:
        """The filter by its name."""
        return {"unit_command": unit_command}
