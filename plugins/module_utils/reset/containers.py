# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which containers and images reset removes, and whether the container runtime itself can go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.mink8s.kubernetes.plugins.module_utils.reset.steps import Findings, Step
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    Container,
    ContainerRuntime,
)


@dataclass(frozen=True)
class Observed:
    """What is in the container runtime: containers, the names of each image by its ID, and what else."""

    containers: tuple[Container, ...] = ()
    images: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    others: tuple[str, ...] = ()

    def identity(self, name: str) -> str:
        """The ID of the image of that name; empty if there is none."""
        return next((key for key, names in self.images.items() if name in names), "")


def observe(runtime: ContainerRuntime) -> Observed:
    """Ask the container runtime. Raises ContainerRuntimeError if it does not answer."""
    containers = tuple(runtime.containers())
    volumes = frozenset(name for each in containers if each.kubelets for name in each.volumes)
    return Observed(containers, runtime.images(), tuple(runtime.others(volumes)))


def remove_containers(observed: Observed) -> Findings:
    """What the kubelet made: stopped all together, as etcd and workloads want it, then removed."""
    ours = [container for container in observed.containers if container.kubelets]
    found = Findings()
    running = tuple(container.identity for container in ours if container.runs)
    if running:
        reason = f"{len(running)} containers of the kubelet's run"
        found.steps.append(Step(reason, action="stop", names=running))
    if ours:
        reason = f"{len(ours)} containers of the kubelet's are in the container runtime"
        names = tuple(container.identity for container in ours)
        found.steps.append(Step(reason, action="remove_containers", names=names))
    return found


def remove_images(observed: Observed, loaded: Mapping[str, str]) -> Findings:
    """Take back names and give them to the images that had them before.

    loaded: by the name of an image, the ID of the one that had it before; empty if none had.
    """
    found = Findings()
    others = [container for container in observed.containers if not container.kubelets]
    for name, before in loaded.items():
        now = observed.identity(name)
        users = [container.name for container in others if now and container.image == now != before]
        back = before if before in observed.images else ""
        if users:
            found.kept.append(f"Image {name} is left: the container {users[0]} is made from it.")
            continue
        if now and now != before:
            found.steps.append(Step(f"image {name} is the collection's", action="untag", names=(name,)))
        if back and now != before:
            found.steps.append(Step(f"{name} was another image before", action="tag", names=(back, name)))
    return found


def foreign(observed: Observed, loaded: Mapping[str, str]) -> list[str]:
    """What is in the container runtime that the cluster did not bring."""
    images = {container.image for container in observed.containers if container.kubelets}
    images |= {observed.identity(name) for name in loaded}
    left = {key: names for key, names in observed.images.items() if key not in images}
    return [
        *(f"container {each.name}" for each in observed.containers if not each.kubelets),
        *(f"image {names[0] if names else key[7:19]}" for key, names in left.items()),
        *observed.others,
    ]


def brought(observed: Observed) -> dict[str, str]:
    """The names of images that the kubelet's containers are made from, as a ledger notes them."""
    images = {container.image for container in observed.containers if container.kubelets}
    return {name: "" for key, names in observed.images.items() if key in images for name in names}
