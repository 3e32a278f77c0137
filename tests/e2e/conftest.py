"""A bare node, and the collection's playbooks run on it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
SANDBOX = ["python3", str(ROOT / "tests" / "sandbox")]
VARIABLES = Path(os.environ["MINK8S_INVENTORY"]) / "group_vars" / "mink8s.yml"


@dataclass(frozen=True)
class Node:
    """A node and the inventory that has it alone."""

    name: str
    inventory: Path

    def run(self, *command: str, check: bool = True) -> str:
        """The output of a command on the node."""
        done = subprocess.run(
            ["docker", "exec", self.name, *command], check=check, capture_output=True, text=True
        )
        return done.stdout

    def playbook(self, name: str, *options: str, **variables: Any) -> subprocess.CompletedProcess[str]:
        """Run one of the collection's playbooks, whatever comes of it."""
        command = ["ansible-playbook", "-i", str(self.inventory), "-e", json.dumps(variables), *options]
        return subprocess.run(
            [*command, str(ROOT / "playbooks" / name)], cwd=ROOT, capture_output=True, text=True, check=False
        )


def said(run: subprocess.CompletedProcess[str]) -> str:
    """What a playbook printed, as a person reads it."""
    return (run.stdout + run.stderr).replace("\\n", "\n").replace('\\"', '"')


def changed(run: subprocess.CompletedProcess[str]) -> list[str]:
    """The tasks that a run, which has to have succeeded, reports as changed."""
    assert run.returncode == 0, run.stdout + run.stderr
    tasks: list[str] = []
    task = ""
    for line in run.stdout.splitlines():
        if line.startswith("TASK ["):
            task = line[len("TASK [") : line.rindex("]")]
        elif line.startswith("changed: [") and task not in tasks:
            tasks.append(task)
    return tasks


@pytest.fixture(scope="session")
def given() -> dict[str, Any]:
    """The variables of the release that the sandbox offers."""
    return dict(yaml.safe_load(VARIABLES.read_text()))


@pytest.fixture(scope="session")
def offline(given: dict[str, Any]) -> dict[str, Any]:
    """The variables of a release that comes from a directory of artifacts."""
    if "cluster_artifacts" in given:
        return given
    directory = Path(_sandbox("release"))
    return dict(json.loads(_sandbox("vars", "--artifacts", str(directory), "--version", directory.name)))


def _sandbox(*command: str) -> str:
    done = subprocess.run([*SANDBOX, *command], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def make(name: str, variables: dict[str, Any], directory: Path, *options: str) -> Node:
    """A bare Debian 12 node in the place of any before, made with options of the sandbox.

    directory: where its inventory is put.
    """
    inventory = directory / "hosts.yml"
    connection = {
        "ansible_connection": "community.docker.docker",
        "ansible_user": "root",
        "ansible_python_interpreter": "/usr/bin/python3",
    }
    inventory.write_text(
        yaml.safe_dump({"mink8s": {"hosts": {name: {}}, "vars": {**variables, **connection}}})
    )
    _sandbox("node-rm", name)
    _sandbox("node", name, *options)
    return Node(name, inventory)


@contextlib.contextmanager
def bare(name: str, variables: dict[str, Any], directory: Path, *options: str) -> Iterator[Node]:
    """A bare node as make makes it, for as long as it is needed."""
    try:
        yield make(name, variables, directory, *options)
    finally:
        _sandbox("node-rm", name)


@pytest.fixture(scope="module")
def node(
    request: pytest.FixtureRequest, given: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Node]:
    """A bare node, one for each file of tests and named after it."""
    name = f"mink8s-{Path(request.path).stem.removeprefix('test_')}"
    with bare(name, given, tmp_path_factory.mktemp("inventory")) as node:
        yield node
