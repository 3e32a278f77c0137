"""The container runtimes as a person on a node sees them: what runs, and which images there are.

CONTAINER_RUNTIME in the environment says which one the clusters have; empty for the release's own.
"""

from __future__ import annotations

import functools
import json
import os
import subprocess
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import yaml

if TYPE_CHECKING:
    from bare_node import Node

TABLE = Path(__file__).resolve().parents[2] / "roles" / "release" / "vars" / "main.yml"
CTR = ("ctr", "--namespace", "k8s.io")
# Of each container of a running task its process and what containerd knows of it, in JSON.
RUNNING = """
ctr --namespace k8s.io tasks list | awk '$3 == "RUNNING" {print $1, $2}' | while read -r id process; do
    if info=$(ctr --namespace k8s.io containers info "$id" 2>/dev/null); then
        printf '{"process": %s, "info": %s}\\n' "$process" "$info"
    fi
done
"""


@dataclass(frozen=True)
class Container:
    """A running container of a pod; name: POD for the one that holds the pod's network."""

    key: str
    process: str
    name: str
    pod: str
    image: str


class ContainerRuntime(ABC):
    """A container runtime of a node.

    name: the variables' and the API's word for it, which is that of its unit, too.
    title: as a sentence has it.
    program: its process.
    units: what is stopped so that it does not run.
    package: of Debian, that has it.
    role_task: the task that starts it.
    bridge: of its pods.
    data: where its images and containers are.
    configuration: the file of its settings.
    settings: the variable for its settings. debug: one of them, to say more than it does.
    keeps_containers: whether containers outlive a restart of it.
    """

    name: str
    title: str
    program: str
    package: str
    units: tuple[str, ...]
    role_task: str
    bridge: str
    data: str
    configuration: str
    settings: str
    debug: ClassVar[dict[str, Any]]
    keeps_containers: bool

    @abstractmethod
    def containers(self, node: Node) -> list[Container]:
        """The running containers of pods, the oldest first."""

    @abstractmethod
    def images(self, node: Node) -> list[str]:
        """All that is known of the images, a line for each."""

    @abstractmethod
    def tags(self, node: Node) -> list[str]:
        """The names that images have."""

    @abstractmethod
    def tag(self, node: Node, image: str, name: str) -> None:
        """Give an image another name."""

    @abstractmethod
    def untag(self, node: Node, name: str) -> None:
        """Take a name from an image."""

    @abstractmethod
    def kill(self, node: Node, key: str) -> None:
        """Kill a container, which may have ended by itself already."""

    @abstractmethod
    def logs(self, key: str) -> str:
        """What is typed to see a container's log."""

    @abstractmethod
    def load_command(self) -> tuple[str, ...]:
        """What loads images from an archive on standard input."""

    def load(self, node: Node, archive: str) -> None:
        """Load the images of an archive on this machine."""
        command = node.command(*self.load_command())
        with Path(archive).open("rb") as stream:
            subprocess.run(command, check=True, stdin=stream, stdout=subprocess.DEVNULL)

    def host_address(self, node: Node) -> str:
        """The host's address on the bridge of its pods."""
        return node.run("ip", "-4", "-oneline", "address", "show", self.bridge).split()[3].partition("/")[0]

    def running(self, node: Node, name: str) -> list[Container]:
        """The running containers of a name."""
        return [each for each in self.containers(node) if each.name == name]


class Docker(ContainerRuntime):
    """Docker, which the kubelet talks to by itself."""

    name, title, program = "docker", "Docker", "dockerd"
    package = "docker.io"
    units = ("docker.socket", "docker.service")
    role_task = "mink8s.kubernetes.docker : Start Docker with its settings and load the images"
    bridge, data, settings = "docker0", "/var/lib/docker", "cluster_docker_settings"
    configuration = "/etc/docker/daemon.json"
    debug: ClassVar = {"debug": True}
    keeps_containers = False

    def containers(self, node: Node) -> list[Container]:
        keys = node.run("docker", "ps", "--quiet", "--no-trunc", check=False).split()
        # One that ends meanwhile is not among the answers.
        found = json.loads(node.run("docker", "inspect", *keys, check=False) or "[]") if keys else []
        made = [(each["Created"], _of_docker(each)) for each in found if each["State"]["Running"]]
        return [each for _time, each in sorted(made, key=lambda pair: pair[0]) if each.pod]

    def images(self, node: Node) -> list[str]:
        form = "{{.Repository}}:{{.Tag}}@{{.Digest}} {{.ID}}"
        listed = node.run("docker", "images", "--all", "--no-trunc", "--format", form)
        return sorted(listed.splitlines())

    def tags(self, node: Node) -> list[str]:
        return sorted(node.run("docker", "images", "--format", "{{.Repository}}:{{.Tag}}").split())

    def tag(self, node: Node, image: str, name: str) -> None:
        node.run("docker", "tag", image, name)

    def untag(self, node: Node, name: str) -> None:
        node.run("docker", "rmi", "--force", name)

    def kill(self, node: Node, key: str) -> None:
        node.run("docker", "kill", key, check=False)

    def logs(self, key: str) -> str:
        return f"`docker logs {key[:12]}`"

    def load_command(self) -> tuple[str, ...]:
        return ("docker", "load", "--quiet")


class Containerd(ContainerRuntime):
    """containerd, which the kubelet talks to by the Container Runtime Interface."""

    name, title, program = "containerd", "containerd", "containerd"
    package = "containerd"
    units = ("containerd.service",)
    role_task = "mink8s.kubernetes.containerd : Start containerd with its settings and load the images"
    bridge, data, settings = "cni0", "/var/lib/containerd", "cluster_containerd_settings"
    configuration = "/etc/containerd/config.toml"
    debug: ClassVar = {"debug": {"level": "debug"}}
    keeps_containers = True

    def containers(self, node: Node) -> list[Container]:
        decoder, text = json.JSONDecoder(), node.run("sh", "-c", RUNNING, check=False).lstrip()
        found = []
        while text:
            each, end = decoder.raw_decode(text)
            found.append(each)
            text = text[end:].lstrip()
        found.sort(key=lambda each: each["info"]["CreatedAt"])
        return [_of_containerd(each) for each in found]

    def images(self, node: Node) -> list[str]:
        rows = node.run(*CTR, "images", "list").splitlines()[1:]
        return sorted(" ".join(row.split()[:3]) for row in rows)

    def tags(self, node: Node) -> list[str]:
        names = node.run(*CTR, "images", "list", "--quiet").split()
        return sorted(name for name in names if "@" not in name and not name.startswith("sha256:"))

    def tag(self, node: Node, image: str, name: str) -> None:
        node.run(*CTR, "images", "tag", image, name)

    def untag(self, node: Node, name: str) -> None:
        node.run(*CTR, "images", "remove", name)

    def kill(self, node: Node, key: str) -> None:
        node.run(*CTR, "tasks", "kill", "--signal", "SIGKILL", key, check=False)

    def logs(self, key: str) -> str:
        return f"`cat /var/log/containers/*{key[:12]}*.log`"

    def load_command(self) -> tuple[str, ...]:
        return (*CTR, "images", "import", "-")


def _of_docker(found: dict[str, Any]) -> Container:
    labels = found["Config"]["Labels"] or {}
    kind = labels.get("io.kubernetes.docker.type")
    name = "POD" if kind == "podsandbox" else labels.get("io.kubernetes.container.name", "")
    pod = labels.get("io.kubernetes.pod.name", "")
    return Container(found["Id"], str(found["State"]["Pid"]), name, pod, found["Config"]["Image"])


def _of_containerd(found: dict[str, Any]) -> Container:
    info = found["info"]
    labels = info["Labels"]
    name = labels.get("io.kubernetes.container.name", "POD")
    return Container(
        info["ID"], str(found["process"]), name, labels.get("io.kubernetes.pod.name", ""), info["Image"]
    )


RUNTIMES: dict[str, ContainerRuntime] = {each.name: each for each in (Docker(), Containerd())}


@functools.cache
def known(version: str) -> list[str]:
    """The container runtimes that a cluster of a version can have, first the one that it has by itself."""
    minor = version.removeprefix("v").rpartition(".")[0]
    return list(yaml.safe_load(TABLE.read_text())["release_table"][minor]["container_runtimes"])


def of(version: str) -> ContainerRuntime:
    """The container runtime that a cluster of a version has here."""
    return RUNTIMES[os.environ.get("CONTAINER_RUNTIME") or known(version)[0]]
