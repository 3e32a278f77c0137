# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The Docker engine, seen through its own command line, and the names images have in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import programs

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


class EngineError(Exception):
    """The engine, or the docker command, did not do what was asked of it."""


class Engine:
    """The engine that the docker command talks to."""

    def __init__(self, module: AnsibleModule) -> None:
        """module: what runs the commands."""
        self._module = module
        self.docker: str | None = module.get_bin_path("docker", opt_dirs=programs.DIRECTORIES)

    def run(self, *arguments: str) -> str:
        """The output of a docker command. Raises EngineError with the last lines it had to say."""
        code, out, error = self._execute(*arguments)
        if code != 0:
            raise EngineError(_failure(arguments, code, error))
        return out

    def image(self, reference: str) -> dict[str, Any] | None:
        """The image as `docker image inspect` shows it, or None if the engine has no such image."""
        arguments = ("image", "inspect", reference)
        code, out, error = self._execute(*arguments)
        if code == 0:
            image: dict[str, Any] = json.loads(out)[0]
            return image
        if "no such image" in error.lower():
            return None
        raise EngineError(_failure(arguments, code, error))

    def images(self, references: Sequence[str]) -> list[dict[str, Any] | None]:
        """The images in the order of their references, asked for in one call where all are there."""
        code, out, _error = self._execute("image", "inspect", *references) if references else (0, "[]", "")
        if code == 0:
            images: list[dict[str, Any] | None] = json.loads(out)
            return images
        return [self.image(reference) for reference in references]

    def _execute(self, *arguments: str) -> tuple[int, str, str]:
        if not self.docker:
            raise EngineError("There is no docker command on this host. The docker role installs it.")
        result: tuple[int, str, str] = self._module.run_command([self.docker, *arguments])
        return result


def _failure(arguments: tuple[str, ...], code: int, error: str) -> str:
    last = "\n".join(error.strip().splitlines()[-5:])
    return f"`docker {' '.join(arguments)}` ended with code {code}: {last}"
