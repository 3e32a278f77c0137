# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which containers and images reset removes from the engine, and whether the engine itself can go."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.reset.steps import Findings, Step
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker_cli import Engine

# A kubelet labels what it makes, pause containers too.
LABELS = ("io.kubernetes.docker.type", "io.kubernetes.pod.uid")
GRACE_SECONDS = 10
# What dockerd says of what a reset that was killed had asked it for.
GONE = "[Nn]o such (container|image)|is already in progress"
NETWORKS = {"bridge", "host", "none"}


@dataclass(frozen=True)
class Container:
    """A container. image: the ID of its image."""

    identity: str
    name: str
    image: str
    running: bool
    kubelets: bool
    volumes: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Observed:
    """What is in the engine: containers, the names of each image by its ID, volumes and networks."""

    containers: tuple[Container, ...] = ()
    images: Mapping[str, tuple[str, ...]] | None = None
    volumes: frozenset[str] = frozenset()
    networks: frozenset[str] = frozenset()

    def identity(self, name: str) -> str:
        """The ID of the image of that name; empty if there is none."""
        return next((key for key, names in (self.images or {}).items() if name in names), "")


def observe(engine: Engine) -> Observed:
    """Ask the engine. Raises EngineError if it does not answer."""
    identities = engine.run("ps", "--all", "--quiet", "--no-trunc").split()
    containers = json.loads(engine.run("inspect", *identities)) if identities else []
    form = "{{.ID}}\t{{.Repository}}:{{.Tag}}"
    images: dict[str, tuple[str, ...]] = {}
    for line in engine.run("images", "--no-trunc", "--format", form).splitlines():
        identity, _tab, name = line.partition("\t")
        images[identity] = images.get(identity, ()) + ((name,) if "<none>" not in name else ())
    return Observed(
        tuple(_container(each) for each in containers),
        images,
        frozenset(engine.run("volume", "ls", "--quiet").split()),
        frozenset(engine.run("network", "ls", "--format", "{{.Name}}").split()),
    )


def _container(inspected: dict[str, Any]) -> Container:
    labels = inspected["Config"].get("Labels") or {}
    return Container(
        inspected["Id"],
        inspected["Name"].lstrip("/"),
        inspected["Image"],
        inspected["State"]["Running"],
        all(label in labels for label in LABELS),
        frozenset(mount["Name"] for mount in inspected.get("Mounts") or () if mount.get("Name")),
    )


def remove_containers(docker: str, observed: Observed) -> Findings:
    """What the kubelet made: stopped all together, as etcd and workloads want it, then removed."""
    ours = [container for container in observed.containers if container.kubelets]
    found = Findings()
    running = [container.identity for container in ours if container.running]
    if running:
        command = (docker, "stop", "--time", str(GRACE_SECONDS), *running)
        found.steps.append(Step(f"{len(running)} containers of the kubelet's run", command, done=GONE))
    if ours:
        command = (docker, "rm", "--force", "--volumes", *(container.identity for container in ours))
        reason = f"{len(ours)} containers of the kubelet's are in the engine"
        found.steps.append(Step(reason, command, done=GONE))
    return found


def remove_images(docker: str, observed: Observed, loaded: Mapping[str, str]) -> Findings:
    """Take back names and give them to the images that had them before.

    loaded: by the name of an image, the ID of the one that had it before; empty if none had.
    """
    found = Findings()
    others = [container for container in observed.containers if not container.kubelets]
    for name, before in loaded.items():
        now = observed.identity(name)
        users = [container.name for container in others if now and container.image == now != before]
        back = before if before in (observed.images or {}) else ""
        if users:
            found.kept.append(f"Image {name} is left: the container {users[0]} is made from it.")
            continue
        if now and now != before:
            found.steps.append(Step(f"image {name} is the collection's", (docker, "rmi", name), done=GONE))
        if back and now != before:
            found.steps.append(Step(f"{name} was another image before", (docker, "tag", back, name)))
    return found


def foreign(observed: Observed, loaded: Mapping[str, str]) -> list[str]:
    """What is in the engine that the cluster did not bring."""
    ours = [container for container in observed.containers if container.kubelets]
    images = {container.image for container in ours} | {observed.identity(name) for name in loaded}
    none: frozenset[str] = frozenset()
    volumes = none.union(*(container.volumes for container in ours))
    left = {key: names for key, names in (observed.images or {}).items() if key not in images}
    return [
        *(f"container {each.name}" for each in observed.containers if not each.kubelets),
        *(f"image {names[0] if names else key[7:19]}" for key, names in left.items()),
        *(f"volume {name}" for name in sorted(observed.volumes - volumes)),
        *(f"network {name}" for name in sorted(observed.networks - NETWORKS)),
    ]


def brought(observed: Observed) -> dict[str, str]:
    """The names of images that the kubelet's containers are made from, as a ledger notes them."""
    images = {container.image for container in observed.containers if container.kubelets}
    return {name: "" for key, names in (observed.images or {}).items() if key in images for name in names}
