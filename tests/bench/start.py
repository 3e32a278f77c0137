# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The state in which every run starts: new nodes, bare or with packages, and the artifacts on their disk."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import archive
import artifacts
import equipment
import methods
import nodes
import yaml
from machine import ROOT

INVENTORY = Path(os.environ.get("MINK8S_INVENTORY", ROOT / ".sandbox"))
INSIDE = Path(__file__).parent / "inside"
# Which release it is, of the variables that the sandbox gives.
RELEASE = ("cluster_version", "cluster_release_checksum", "cluster_image_registry", "cluster_image_tags")
# And what a node in a container takes with containerd.
ALSO = ("cluster_containerd_settings",)


@dataclass(frozen=True)
class Setting:
    """What all runs share.

    fetching: the variables with which everything is fetched.
    variables: those with which nothing is.
    artifacts: the directory of them, by container runtime.
    """

    version: str
    fetching: dict[str, Any]
    variables: dict[str, Any]
    artifacts: dict[str, Path]

    def create(self, method: methods.Method, count: int) -> list[str]:
        """New nodes for a method, idle, each with the image of the first pod if it has a runtime for it."""
        directory = self.artifacts[method.runtime]
        mounts = {directory: artifacts.ON_HOST, INSIDE: artifacts.SCRIPTS}
        volumes = [f"--volume={path}:{place}:ro" for path, place in mounts.items()]
        for name in nodes.names(count):
            nodes.create(name, method.state, method.runtime, *volumes)
            if nodes.STATES[method.state]:
                nodes.load(name, method.runtime, equipment.archives()[equipment.WEB])
        # So that the first run does not wait for the disk where the others do not.
        for path in directory.iterdir():
            archive.file_digest(path, "sha1")
        nodes.settle()
        return nodes.names(count)


def prepare(runtimes: Collection[str]) -> Setting:
    """Make what is not in the cache: the images of the nodes, and the artifacts with those runtimes."""
    given = yaml.safe_load((INVENTORY / "group_vars/mink8s.yml").read_text())
    defaults = yaml.safe_load((ROOT / "roles/cluster/defaults/main.yml").read_text())
    version = given.get("cluster_version", defaults["cluster_version"])
    fetching = {name: value for name, value in given.items() if name.startswith("cluster_")}
    # Each method says which one it has.
    fetching.pop("cluster_container_runtime", None)
    nodes.remove_all()
    nodes.build()
    playbook = ROOT / "playbooks/bundle.yml"
    bundles = {
        runtime: artifacts.bundle({**fetching, "cluster_container_runtime": runtime}, playbook)
        for runtime in sorted(runtimes)
    }
    offline = {"cluster_artifacts": artifacts.ON_HOST, "cluster_artifacts_remote_src": True}
    release = {name: given[name] for name in (*RELEASE, *ALSO) if name in given}
    return Setting(version, fetching, {**release, **offline}, bundles)
