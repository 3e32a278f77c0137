# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a component says that it will never start: it cannot read its own command line or configuration."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import nodes
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import systemd
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import selection
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    ContainerRuntimeError,
    Details,
)

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

# What Go's packages for flags, and the kubelet of its configuration, say.
UNREADABLE = re.compile(
    r"unknown (shorthand )?flag: |flag provided but not defined: |flag needs an argument: "
    r"|invalid argument .* for .*flag|invalid value .* for flag |unrecognized feature gate: "
    r"|cannot set feature gate |failed to parse kubelet flag|failed to load Kubelet config file"
    r"|failed to validate kubelet configuration|invalid configuration: "
)
# A first look is for what comes up by itself; each costs more than one at the API.
FIRST, INTERVAL = 2.0, 2.0


class FatalErrors:
    """Looks now and then for errors with which no further start can succeed."""

    def __init__(self, module: AnsibleModule, wanted: Sequence[nodes.StaticPod]) -> None:
        """wanted: the manifests on the host."""
        self._module, self._wanted = module, wanted
        self._next = time.monotonic() + FIRST

    def are_there(self) -> bool:
        """Whether a component that ended will do so again, because of what is written on the host."""
        if time.monotonic() < self._next:
            return False
        self._next = time.monotonic() + INTERVAL
        return self._kubelet_cannot_start() or self._container_cannot_start()

    def _kubelet_cannot_start(self) -> bool:
        unit = systemd.observe(self._module, self._module.params["unit"])
        # An earlier process may have ended as well; only what the last one said counts.
        if not (unit.restarts and unit.invocation):
            return False
        only = f"_SYSTEMD_INVOCATION_ID={unit.invocation}"
        _code, log, _error = self._module.run_command(["journalctl", only, "--no-pager", "--output", "cat"])
        return bool(UNREADABLE.search(log))

    def _container_cannot_start(self) -> bool:
        runtime = selection.of_host()
        try:
            exited = [each for each in runtime.containers() if each.state == "exited"]
            newest = [
                (pod, next((each.identity for each in exited if each.is_component(pod.name)), ""))
                for pod in self._wanted
            ]
            return any(
                ended_with(pod, runtime.details(identity)) and UNREADABLE.search(runtime.log(identity))
                for pod, identity in newest
                if identity
            )
        except ContainerRuntimeError:
            # A container runtime that does not answer is waited for as well.
            return False


def ended_with(pod: nodes.StaticPod, container: Details) -> bool:
    """Whether a container ended with an error and with the present command line."""
    # The kubelet makes $ of $$.
    present = tuple(word.replace("$$", "$") for _image, words in pod.containers for word in words)
    return not container.runs and container.code != 0 and container.command == present
