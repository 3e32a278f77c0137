# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which container runtime a host has: the one place where they are named."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.programs import Run
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    ContainerRuntime,
    Observed,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker import observed
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker.engine import Docker


def of_host() -> ContainerRuntime:
    """The container runtime of this host."""
    return Docker()


def observe(params: Mapping[str, Any], run: Run, cgroup_version: int) -> Observed:
    """What there is of it, and what the run is going to do to it.

    params: the options of the module preflight. run: its run_command.
    """
    return observed.observe(params, run, cgroup_version)
