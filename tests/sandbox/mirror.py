# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A release server and an image registry, in one container next to the nodes."""

from __future__ import annotations

import http.client
import time
from pathlib import Path
from typing import Any

import archive
import image
import node
import registry
import release
from common import HERE, SandboxError, answers, cache, locked, logged, output, say

NAME = "mink8s-mirror"
REGISTRY_PORT = 5000
START_SECONDS = 30


def serve(version: str, programs: str) -> dict[str, Any]:
    """Serve a release, made first if need be, and return what a playbook needs to use it."""
    directory = release.build(version, programs, meanwhile=_run)
    images = image_registry()
    with locked("mirror"):
        url = f"http://{node.address(NAME)}/{directory.parent.name}"
        _wait(f"{url}/{version}/{release.SUMS}")
        tags = {}
        for component in ("etcd", "pause"):
            path = directory / f"{component}.tar"
            tag = archive.manifests(path)[0]["RepoTags"][0].rpartition(":")[2]
            tags[component] = f"{tag}@{registry.push(path, f'http://{images}', component, tag)}"
    return {
        "cluster_version": version,
        "cluster_release_url": url,
        "cluster_release_checksum": _sum(directory / release.SUMS, release.TARBALL),
        "cluster_image_registry": images,
        "cluster_image_tags": tags,
        "cluster_docker_settings": {"insecure-registries": [images]},
        "cluster_containerd_registries": {images: [f"http://{images}"]},
    }


def image_registry() -> str:
    """Host and port of the image registry, which is made to answer."""
    _run()
    with locked("mirror"):
        images = f"{node.address(NAME)}:{REGISTRY_PORT}"
        _wait(f"http://{images}/v2/")
    return images


def remove() -> None:
    """Remove the container, if there is one; the releases stay in the cache."""
    if answers("docker", "container", "inspect", NAME):
        say(f"removing {NAME}")
        output("docker", "rm", "--force", "--volumes", NAME)


def _run() -> None:
    """Make sure that the container runs and is made from the image as it is now."""
    image.build(release.SUITE)
    with locked("mirror"):
        say(f"making sure that {NAME} runs (half a minute the first time)")
        logged(NAME, "docker", "build", "--tag", NAME, str(HERE / "mirror"))
        _start(cache("releases"))


def _start(releases: Path) -> None:
    """Make sure that the container runs."""
    wanted = f"{output('docker', 'image', 'inspect', '--format', '{{.Id}}', NAME)} {releases}"
    made_from = "{{.Image}} {{range .Mounts}}{{.Source}}{{end}}"
    if answers("docker", "container", "inspect", NAME):
        if output("docker", "inspect", "--format", made_from, NAME) == wanted:
            output("docker", "start", NAME)
            return
        remove()
    output("docker", "run", "--detach", "--name", NAME, f"--volume={releases}:/srv/releases:ro", NAME)


def _wait(url: str) -> None:
    """Wait until a URL answers."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with registry.DIRECT.open(url, timeout=5):
                return
        except (OSError, http.client.HTTPException) as problem:
            if time.monotonic() > deadline:
                raise SandboxError(f"{url} does not answer ({problem}): see `docker logs {NAME}`") from None
            time.sleep(0.2)


def _sum(sums: Path, name: str) -> str:
    """The digest that a file of sums has for a name."""
    for line in sums.read_text().splitlines():
        digest, _spaces, path = line.partition("  ")
        if path == name:
            return digest
    raise SandboxError(f"{sums} has no line for {name}")
