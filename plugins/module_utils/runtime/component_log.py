# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which of a host's components is not healthy, and why, in its own words."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import systemd
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import selection
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    Container,
    ContainerRuntime,
    ContainerRuntimeError,
    Details,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import log_lines

if TYPE_CHECKING:
    from typing import TypeAlias

    from ansible.module_utils.basic import AnsibleModule

Known: TypeAlias = "tuple[Container, Details]"


def choose(containers: Sequence[Known], now: float) -> Known | None:
    """The one of a static pod's containers, the newest first, that tells why the pod is not healthy, if any.

    One that has just been started again has not said yet why the one before it ended.
    """
    if not containers:
        return None
    _container, newest = containers[0]
    is_new = newest.runs and now - newest.started < systemd.SETTLED
    return containers[1] if is_new and len(containers) > 1 else containers[0]


def explain(module: AnsibleModule, unit: str, pods: Sequence[str]) -> list[str]:
    """A line for each component that is not healthy.

    unit: the kubelet's. pods: names of the static pods, each that of its one container.
    """
    if not systemd.observe(module, unit).runs():
        return [systemd.why(module, unit, "")]
    runtime = selection.of_host()
    try:
        listed = runtime.containers()
        found = {pod: choose(_newest(runtime, listed, pod), time.time()) for pod in pods}
        lines = _words_of(runtime, [known for known in found.values() if known])
    except ContainerRuntimeError:
        return [systemd.why(module, unit, "")]
    without = [pod for pod, known in found.items() if known is None]
    lines += [f"{pod} has no container." for pod in without]
    return lines if lines and not without else [*lines, systemd.why(module, unit, "")]


def _newest(runtime: ContainerRuntime, listed: Sequence[Container], pod: str) -> list[Known]:
    """The last two containers of a static pod, the newest first."""
    own = [container for container in listed if container.is_component(pod)]
    return [(container, runtime.details(container.identity)) for container in own[:2]]


def _words_of(runtime: ContainerRuntime, chosen: Sequence[Known]) -> list[str]:
    """What the containers say; where one has ended, what those that run say is how they miss it."""
    ended = [known for known in chosen if not known[1].runs]
    return [line for known in ended or chosen if (line := _words(runtime, *known))]


def _words(runtime: ContainerRuntime, container: Container, details: Details) -> str:
    """What a container says; nothing of one that runs and has said nothing bad."""
    line = log_lines.most_relevant(runtime.log(container.identity))
    short = f"`{runtime.log_command(container.short)}`"
    if not details.runs:
        said = f" and said: {line}" if line else ""
        return f"{container.role} ended with code {details.code}{said} ({short})"
    return f"{container.role} runs and says: {line} ({short})" if line else ""
