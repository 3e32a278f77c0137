# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The containers of pods as the container runtime has them, and what they have written to their logs.

All functions raise OSError or HTTPException if the runtime does not answer.
"""

from __future__ import annotations

import json
import struct
from typing import Any
from urllib.parse import urlencode

from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import docker_info

LINES = 500
# Before each piece of a log: where it was written to, three zeros and its length.
HEADER = struct.Struct(">BxxxI")


def newest(pod: str, count: int) -> list[dict[str, Any]]:
    """The last containers of a static pod with one container, the newest first, with all there is to know."""
    return [inspect(each["Id"]) for each in _listed(_prefix(pod), limit=count)]


def exited() -> list[dict[str, Any]]:
    """The containers of all pods that have ended, the newest first, in short."""
    return _listed("k8s_", status="exited")


def is_of(pod: str, listed: dict[str, Any]) -> bool:
    """Whether a container that is listed is one of a static pod with one container."""
    return any(name.startswith(f"/{_prefix(pod)}") for name in listed["Names"])


def inspect(identity: str) -> dict[str, Any]:
    """All there is to know of a container."""
    shown: dict[str, Any]
    (shown,) = docker_info.ask(f"/containers/{identity}/json")
    return shown


def log(identity: str) -> str:
    """The last lines of a container's log, those on standard output and standard error in their order."""
    return text(docker_info.read(f"/containers/{identity}/logs?stdout=1&stderr=1&tail={LINES}"))


def text(stream: bytes) -> str:
    """A log without the header of each piece. That of a container with a terminal has none."""
    pieces, rest = [], stream
    while len(rest) >= HEADER.size and rest[0] < 3 and rest[1:4] == bytes(3):
        _place, length = HEADER.unpack_from(rest)
        pieces.append(rest[HEADER.size : HEADER.size + length])
        rest = rest[HEADER.size + length :]
    return b"".join([*pieces, rest]).decode(errors="replace")


def _prefix(pod: str) -> str:
    """How the kubelet begins the names of such a pod's containers."""
    return f"k8s_{pod}_{pod}-"


def _listed(name: str, limit: int = 0, **filters: str) -> list[dict[str, Any]]:
    chosen = json.dumps({"name": [name], **{key: [value] for key, value in filters.items()}})
    listed: list[dict[str, Any]]
    (listed,) = docker_info.ask(
        f"/containers/json?{urlencode({'all': 1, 'limit': limit, 'filters': chosen})}"
    )
    return listed
