"""Outside of its own files nothing depends on which container runtime a host has."""

from __future__ import annotations

import re
from pathlib import Path

PROJECT = Path(__file__).parents[2]
OWN = (
    "plugins/module_utils/runtime/containerd/",
    "plugins/module_utils/runtime/containerd/",
    "plugins/module_utils/runtime/docker/",
    "plugins/module_utils/runtime/selection.py",
    "plugins/modules/containerd.py",
    "plugins/modules/docker_engine.py",
    "roles/containerd/",
    "roles/docker/",
    # What it is made of, and what differs from one release to another.
    "roles/cluster/",
    "roles/release/",
)
# The registry, the format of archives, a flag of the kubelet, values, and what a rendered file says.
WORDS = re.compile(
    r"docker\.io|docker save|docker-endpoint|dockershim|docker://|sample: Docker|Docker's bridge"
    r"|container_runtime: docker|choices: \[docker, containerd\]|default: docker|docker_(artifacts|images):"
    r'|kubernetes\.docker$|"default": "docker"|are in Docker|Empty for Docker'
)


def test_only_its_own_files_name_a_container_runtime() -> None:
    files = [path for kind in ("plugins", "roles", "playbooks") for path in (PROJECT / kind).rglob("*.*")]
    wrong = [
        f"{place}: {line.strip()}"
        for path in sorted(files)
        if path.suffix in (".py", ".yml", ".j2")
        and not (place := str(path.relative_to(PROJECT))).startswith(OWN)
        for line in path.read_text().splitlines()
        if re.search("docker|containerd", WORDS.sub("", line), re.IGNORECASE)
    ]
    assert wrong == []
