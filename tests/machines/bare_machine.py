"""A machine with a kernel of its own, and the collection's playbooks run on it over SSH."""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from bare_node import Node, sandbox

# An emulated machine has a fifth of the speed of a node.
SLOW = {"cluster_timeout": 600, "ansible_timeout": 60}


@dataclass(frozen=True)
class Machine(Node):
    """A machine and the inventory that has it alone.

    ssh: what comes before a command so that root runs it there.
    """

    ssh: tuple[str, ...]

    def command(self, *command: str) -> list[str]:
        return [*self.ssh, shlex.join(command)]

    def power_off(self) -> None:
        """Take its power away."""
        subprocess.run(["docker", "kill", self.name], check=True, capture_output=True)

    def power_on(self) -> None:
        """Start it again, and wait until it is up."""
        sandbox("machine", self.name)


def given() -> dict[str, Any]:
    """The variables of the release that the sandbox offers to machines."""
    return {**json.loads(sandbox("vars", "--machines")), **SLOW}


@contextlib.contextmanager
def bare(name: str, variables: dict[str, Any], directory: Path, suite: str) -> Iterator[Machine]:
    """A stock Debian, for as long as it is needed. directory: where its inventory is put."""
    sandbox("machine-rm", name)
    try:
        access = json.loads(sandbox("machine", name, suite))
        inventory = directory / "hosts.yml"
        group = {"hosts": {name: access}, "vars": {**variables, "ansible_become": True}}
        inventory.write_text(yaml.safe_dump({"mink8s": group}))
        options = shlex.split(access["ansible_ssh_common_args"])
        login = ("-i", access["ansible_ssh_private_key_file"], f"root@{access['ansible_host']}")
        yield Machine(name, inventory, ("ssh", *options, *login))
    finally:
        sandbox("machine-rm", name)
