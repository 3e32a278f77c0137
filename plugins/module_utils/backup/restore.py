# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is stopped, renamed and started where etcd gets other data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import systemd
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release.components import ARTICLE, COMPONENTS
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import component_log

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule
    from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
        ContainerRuntime,
    )

UNIT = "kubelet.service"
GRACE_SECONDS = 5


class RestoreError(Exception):
    """The snapshot cannot be put in place."""


def rename(moves: Sequence[tuple[Path, Path]]) -> None:
    """Rename all of them, or none where one of them cannot be. Raises OSError."""
    done: list[tuple[Path, Path]] = []
    try:
        for source, target in moves:
            source.rename(target)
            done.append((source, target))
    except OSError:
        for source, target in reversed(done):
            target.rename(source)
        raise


class Host:
    """What is stopped and started on the host."""

    def __init__(self, module: AnsibleModule, runtime: ContainerRuntime) -> None:
        """module: with the module's parameters."""
        self._module, self._runtime = module, runtime

    def exchange(self, *moves: tuple[Path, Path]) -> None:
        """Stop etcd and what uses it, rename, and start them, whatever becomes of it."""
        self._systemctl("stop")
        try:
            for components in self._in_order():
                containers = [
                    container.identity
                    for container in self._runtime.containers()
                    if container.namespace == "kube-system" and container.role in components
                ]
                self._runtime.stop(containers, GRACE_SECONDS)
                self._runtime.remove(containers)
            rename(moves)
        finally:
            self._systemctl("start")

    def _in_order(self) -> Iterator[tuple[str, ...]]:
        """The components that are stopped, those first that use the others."""
        manifests = Path(self._module.params["manifest"]).parent
        clients = (
            name for name in COMPONENTS if name not in ARTICLE and (manifests / f"{name}.yaml").exists()
        )
        yield tuple(clients)
        yield from ((name,) for name in reversed(ARTICLE))

    def why(self) -> str:
        """Why etcd is not healthy, in its own words."""
        return " ".join(component_log.explain(self._module, UNIT, ["etcd"]))

    def _systemctl(self, verb: str) -> None:
        code, _out, error = self._module.run_command(["systemctl", verb, UNIT])
        if code != 0:
            raise RestoreError(f"`systemctl {verb} {UNIT}` failed. {systemd.why(self._module, UNIT, error)}")
