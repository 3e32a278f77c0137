"""Bundles that are made on a node, and nodes without a route out."""

from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bare_node import Node, bare, changed

DIRECTORY = "/root/bundle"
RELEASE, IMAGES, PACKAGES = (
    f"mink8s.kubernetes.cluster : Add the {what} to the bundle" for what in ("release", "images", "packages")
)


def docker(*command: str) -> str:
    """The output of a docker command."""
    return subprocess.run(["docker", *command], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


def address(node: Node) -> str:
    """The node's address."""
    return docker(
        "inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", node.name
    )


def bundle(node: Node, *options: str, **variables: Any) -> list[str]:
    """Make the bundle on a node, and return what changed."""
    place = {"bundle_host": node.name, "bundle_dir": DIRECTORY}
    return changed(node.playbook("bundle.yml", *options, **{**place, **variables}))


@contextlib.contextmanager
def node(name: str, variables: dict[str, Any], directory: Path) -> Iterator[Node]:
    """A bare node without a route out, which has to be told its own address. name: its network's, too."""
    if not docker("network", "ls", "--quiet", "--filter", f"name=^{name}$"):
        docker("network", "create", "--internal", name)
    try:
        with bare(name, variables, directory, "--network", name) as made:
            made.run("ip", "route", "delete", "default", check=False)
            yield made
    finally:
        docker("network", "rm", name)
