"""A bare node, and the collection's playbooks run on it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import container_runtime
import yaml
from container_runtime import ContainerRuntime

ROOT = Path(__file__).resolve().parent.parent.parent
# A proxy for the internet can't reach a node.
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
SANDBOX = ["python3", str(ROOT / "tests" / "sandbox")]
CONNECTION = {
    "ansible_connection": "community.docker.docker",
    "ansible_user": "root",
    "ansible_python_interpreter": "/usr/bin/python3",
}
TELL = """
docker ps --all
ctr --namespace k8s.io containers list
ctr --namespace k8s.io tasks list
journalctl --no-pager --lines 60 --unit kubelet --unit docker --unit containerd
for log in $(ls -tr /var/log/pods/*/*/*.log | tail -6); do echo "== $log"; tail -n 25 "$log"; done
kubectl get nodes,pods --all-namespaces --output wide
"""


@dataclass(frozen=True)
class Node:
    """A node and the inventory that has it alone."""

    name: str
    inventory: Path

    def command(self, *command: str) -> list[str]:
        """What runs a command on the node as root, with standard input for it."""
        return ["docker", "exec", "--interactive", self.name, *command]

    def run(self, *command: str, given: str = "", check: bool = True) -> str:
        """The output of a command on the node, given that standard input."""
        done = subprocess.run(
            self.command(*command), input=given, check=check, capture_output=True, text=True
        )
        return done.stdout

    @property
    def address(self) -> str:
        """Its IPv4 address."""
        return self.run("hostname", "--ip-address").split()[0]

    def playbook(self, name: str, *options: str, **variables: Any) -> subprocess.CompletedProcess[str]:
        """Run one of the collection's playbooks, whatever comes of it."""
        if "cluster_arguments" in variables:
            variables["cluster_arguments"] = with_given_arguments(variables["cluster_arguments"])
        command = ["ansible-playbook", "-i", str(self.inventory), "-e", json.dumps(variables), *options]
        return subprocess.run(
            [*command, str(ROOT / "playbooks" / name)],
            cwd=ROOT,
            # Molecule asks for colours, which nothing here expects.
            env={**os.environ, "ANSIBLE_FORCE_COLOR": "0"},
            capture_output=True,
            text=True,
            check=False,
        )

    def tell(self) -> str:
        """What a person would look at where something went wrong."""
        return self.run("sh", "-c", f"exec 2>&1; {TELL}", check=False)


def shell(node: Node, script: str) -> str:
    """Run a script on the node, with kubectl as an administrator has it."""
    return node.run("sh", "-ec", f"export KUBECONFIG=/etc/kubernetes/admin.conf; {script}")


def load(node: Node, name: str) -> None:
    """Have an image of a web server in the container runtime of this name on the node."""
    for archive in sandbox("images").split():
        container_runtime.RUNTIMES[name].load(node, archive)


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
    assert bool(tasks) == bool(re.search(r"changed=[1-9]", run.stdout)), run.stdout
    return tasks


def given() -> dict[str, Any]:
    """The variables of the release that the sandbox offers."""
    path = Path(os.environ["MINK8S_INVENTORY"]) / "group_vars" / "mink8s.yml"
    return dict(yaml.safe_load(path.read_text()))


def has_coredns(given: dict[str, Any]) -> bool:
    """Whether coredns's image, which is not in a release, comes with the artifacts, or from the internet."""
    from_here = {"cluster_artifacts", "cluster_image_registry"} & given.keys()
    return not from_here or "coredns" in given.get("cluster_image_tags", {})


def with_given_arguments(arguments: dict[str, Any]) -> dict[str, Any]:
    """A test's cluster_arguments with those that the release needs on this machine."""
    needed = given().get("cluster_arguments", {})
    return {name: {**needed.get(name, {}), **arguments.get(name, {})} for name in {**needed, **arguments}}


def runtime() -> ContainerRuntime:
    """The container runtime that clusters of that release have here."""
    return container_runtime.of(given()["cluster_version"])


def runtimes() -> list[str]:
    """The names of those that clusters of that release can have."""
    return container_runtime.known(given()["cluster_version"])


def offline() -> dict[str, Any]:
    """The variables of a release that comes from a directory of artifacts."""
    variables = given()
    if "cluster_artifacts" in variables:
        return variables
    directory = Path(sandbox("release"))
    return dict(json.loads(sandbox("vars", "--artifacts", str(directory), "--version", directory.name)))


def sandbox(*command: str) -> str:
    """What a command of the sandbox prints."""
    done = subprocess.run([*SANDBOX, *command], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.strip()


def make(name: str, variables: dict[str, Any], directory: Path, *options: str) -> Node:
    """A bare Debian 12 node in the place of any before, made with options of the sandbox.

    directory: where its inventory is put.
    """
    inventory = directory / "hosts.yml"
    inventory.write_text(
        yaml.safe_dump({"mink8s": {"hosts": {name: {}}, "vars": {**variables, **CONNECTION}}})
    )
    sandbox("node-rm", name)
    sandbox("node", name, *options)
    return Node(name, inventory)


@contextlib.contextmanager
def bare(name: str, variables: dict[str, Any], directory: Path, *options: str) -> Iterator[Node]:
    """A bare node as make makes it, for as long as it is needed."""
    try:
        yield make(name, variables, directory, *options)
    finally:
        sandbox("node-rm", name)
