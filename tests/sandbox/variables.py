# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The variables with which a playbook uses the release there is: given, from the internet, or made here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import archive
import choice
import equipment
import mirror
import release
from common import SandboxError, say

COMPONENTS = ("etcd", "pause", "coredns")
WEB_SERVERS = ("nginx", "httpd", "web")
# Each run has the one that its environment names; empty for the release's own.
CONTAINER_RUNTIME = "{{ lookup('ansible.builtin.env', 'CONTAINER_RUNTIME') }}"


def choose(artifacts: Path | None, version: str | None, programs: str, machines: bool) -> dict[str, Any]:
    """The variables for a directory of artifacts, else for the release server, else for a release made here.

    version: of the artifacts, or the one to be had; None for what runs here, or the sandbox's own.
    programs: what a release made here has to have, one of release.SETS.
    machines: for machines with a kernel of their own, which need nothing that nodes in containers do.
    """
    found = _release(artifacts, version, programs)
    needed = {} if machines else _in_a_container(found["cluster_version"])
    return {**found, **needed, "cluster_container_runtime": CONTAINER_RUNTIME}


def _release(artifacts: Path | None, version: str | None, programs: str) -> dict[str, Any]:
    """The variables that say where the release and its images come from."""
    if artifacts:
        if not version:
            raise SandboxError(f"ARTIFACTS={artifacts} is given without VERSION, such as VERSION=v1.18.20")
        return from_artifacts(artifacts.resolve(), version)
    if release.reachable():
        say(f"{release.SERVER} answers: the release comes from there")
        return {"cluster_version": version or choice.here(), **_verify({})}
    say(f"{release.SERVER} does not answer: the release is made here, from Debian's source package")
    return {**mirror.serve(version or release.VERSION, programs), **_verify({})}


def from_artifacts(artifacts: Path, version: str) -> dict[str, Any]:
    """The variables for a directory of artifacts on this machine, with the tags that its archives have."""
    tags = _tags(artifacts)
    images = {}
    for component in COMPONENTS:
        found = {tag for name, tag, _path in tags if _component(name) == component}
        if len(found) > 1:
            raise SandboxError(f"{artifacts} has {component} tagged {' and '.join(sorted(found))}: keep one")
        if found:
            images[component] = found.pop()
    return {
        "cluster_version": version,
        "cluster_artifacts": str(artifacts),
        **({"cluster_image_tags": images} if images else {}),
        **_verify({_component(name): (f"{name}:{tag}", path) for name, tag, path in tags}),
    }


def _in_a_container(version: str) -> dict[str, Any]:
    """The variables that a release needs on nodes with the capabilities and the cgroups of this machine."""
    # Not every machine lets a container have what Kubernetes' own processes are given.
    settings = {"plugins": {"io.containerd.grpc.v1.cri": {"restrict_oom_score_adj": True}}}
    variables: dict[str, Any] = {"cluster_containerd_settings": settings}
    if choice.needs_cgroup_v1_allowed(version):
        say(f"this machine has cgroup v1: the kubelet {version} is told to start nevertheless (failCgroupV1)")
        variables["cluster_arguments"] = {"KubeletConfiguration": {"failCgroupV1": False}}
    return variables


def _verify(images: dict[str, tuple[str, Path]]) -> dict[str, Any]:
    """The images the proofs use, and the archives they are in: of those given, else the sandbox's own."""
    archives = equipment.archives()
    own = {
        name: (image, archives[image])
        for name, image in (("web", equipment.WEB), ("busybox", equipment.BUSYBOX))
    }
    given = {
        "web": next((found for name, found in images.items() if name.endswith(WEB_SERVERS)), own["web"]),
        "busybox": images.get("busybox", own["busybox"]),
    }
    return {
        "verify_images": {name: image for name, (image, _path) in given.items()},
        "verify_archives": list(dict.fromkeys(str(path) for _image, path in given.values())),
    }


def _tags(artifacts: Path) -> list[tuple[str, str, Path]]:
    """Name and tag of every image in the archives of a directory, and its archive."""
    archives = sorted(artifacts.glob("*.tar"))
    if not archives:
        raise SandboxError(f"{artifacts} has no image archives (*.tar)")
    entries = [(entry, path) for path in archives for entry in archive.manifests(path)]
    split = [
        (reference.rpartition(":"), path) for entry, path in entries for reference in entry["RepoTags"] or []
    ]
    return [(name, tag, path) for (name, _colon, tag), path in split]


def _component(name: str) -> str:
    """What an image name says it is, without registry and architecture."""
    return name.rpartition("/")[2].removesuffix(f"-{archive.ARCHITECTURE}")
