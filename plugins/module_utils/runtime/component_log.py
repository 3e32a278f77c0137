# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which of a host's components is not healthy, and why, in its own words."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import systemd
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import pod_containers
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import log_lines, timestamps

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


@dataclass(frozen=True)
class Container:
    """The container that tells why a static pod is not healthy. code: it ended with; None if it runs."""

    pod: str
    identity: str
    code: int | None


def choose(pod: str, containers: Sequence[Mapping[str, Any]], now: float) -> Container | None:
    """The container to ask, of those that `docker inspect` shows, the newest first; None if there is none.

    One that has just been started again has not said yet why the one before it ended.
    """
    if not containers:
        return None
    newest, before = containers[0], containers[1] if len(containers) > 1 else None
    if before and _runs(newest) and now - timestamps.seconds(newest["State"]["StartedAt"]) < systemd.SETTLED:
        newest = before
    return Container(pod, newest["Id"], None if _runs(newest) else newest["State"]["ExitCode"])


def explain(module: AnsibleModule, unit: str, pods: Sequence[str]) -> list[str]:
    """A line for each component that is not healthy.

    unit: the kubelet's. pods: names of the static pods, each that of its one container.
    """
    if not systemd.observe(module, unit).runs():
        return [systemd.why(module, unit, "")]
    try:
        found = {pod: choose(pod, pod_containers.newest(pod, 2), time.time()) for pod in pods}
        lines = _words_of([container for container in found.values() if container])
    except (OSError, HTTPException):
        return [systemd.why(module, unit, "")]
    without = [pod for pod, container in found.items() if container is None]
    lines += [f"{pod} has no container." for pod in without]
    return lines if lines and not without else [*lines, systemd.why(module, unit, "")]


def _words_of(containers: list[Container]) -> list[str]:
    """What the containers say; where one has ended, what those that run say is how they miss it."""
    ended = [container for container in containers if container.code is not None]
    return [line for container in ended or containers if (line := _words(container))]


def _runs(container: Mapping[str, Any]) -> bool:
    return bool(container["State"]["Running"])


def _words(container: Container) -> str:
    """What a container says; nothing of one that runs and has said nothing bad."""
    line = log_lines.most_relevant(pod_containers.log(container.identity))
    short = f"`docker logs {container.identity[:12]}`"
    if container.code is not None:
        said = f" and said: {line}" if line else ""
        return f"{container.pod} ended with code {container.code}{said} ({short})"
    return f"{container.pod} runs and says: {line} ({short})" if line else ""
