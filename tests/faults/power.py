"""A host that is off for a while, and has its address again afterwards, as a machine has."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from bare_node import Node

NOTHING = ("--rm", "--entrypoint=sleep", "mink8s-node:bookworm", "infinity")
# Containers that have ended may leave addresses that Docker gives away before the host's.
MOST = 20


@contextmanager
def off(node: Node) -> Iterator[None]:
    """Turn the host off, and on again at the end.

    Docker gives the address of a stopped container to the next that starts, whoever starts it. So one that
    does nothing has it meanwhile.
    """
    address = node.address
    placeholders: dict[str, str] = {}
    _docker("stop", node.name)
    try:
        while address not in placeholders:
            assert len(placeholders) < MOST, f"{node.name} is off, and its {address} is another container's"
            placeholder = _docker("run", "--detach", *NOTHING)
            placeholders[_docker("inspect", "--format={{.NetworkSettings.IPAddress}}", placeholder)] = (
                placeholder
            )
        yield
    finally:
        _docker("rm", "--force", *placeholders.values())
        _docker("start", node.name)
    assert node.address == address, f"{node.name} had {address} before it was turned off"


def _docker(*command: str) -> str:
    """The output of a docker command."""
    return subprocess.run(["docker", *command], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
