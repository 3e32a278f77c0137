# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether a component says that it will never start: it cannot read its own command line or configuration."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import nodes
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import pod_containers

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
        show = ["systemctl", "show", self._module.params["unit"], "--property", "NRestarts,InvocationID"]
        _code, out, _error = self._module.run_command(show)
        values = dict(line.split("=", 1) for line in out.splitlines() if "=" in line)
        # An earlier process may have ended as well; only what the last one said counts.
        if values.get("NRestarts", "0") == "0" or not values.get("InvocationID"):
            return False
        only = f"_SYSTEMD_INVOCATION_ID={values['InvocationID']}"
        _code, log, _error = self._module.run_command(["journalctl", only, "--no-pager", "--output", "cat"])
        return bool(UNREADABLE.search(log))

    def _container_cannot_start(self) -> bool:
        try:
            exited = pod_containers.exited()
            newest = [
                next((each["Id"] for each in exited if pod_containers.is_of(pod.name, each)), "")
                for pod in self._wanted
            ]
            return any(
                ended_with(pod, pod_containers.inspect(identity))
                and UNREADABLE.search(pod_containers.log(identity))
                for pod, identity in zip(self._wanted, newest)
                if identity
            )
        except (OSError, HTTPException, ValueError, KeyError):
            # An engine that does not answer is waited for as well.
            return False


def ended_with(pod: nodes.StaticPod, container: Mapping[str, Any]) -> bool:
    """Whether a container, as the engine shows it, ended with an error and with the present command line."""
    config, state = container["Config"], container["State"]
    command = [*(config.get("Entrypoint") or []), *(config.get("Cmd") or [])]
    # The kubelet makes $ of $$.
    present = [word.replace("$$", "$") for _image, words in pod.containers for word in words]
    return not state["Running"] and state["ExitCode"] != 0 and command == present
