# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which container runtime a host has: the one place where they are named."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import network, pod_network
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.programs import Run
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    ContainerRuntime,
    Observed,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.containerd import cri
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.containerd import (
    observed as containerd_observed,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.containerd.engine import Containerd
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker import (
    observed as docker_observed,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker.engine import Docker
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import ledger_file, library, subnets

RUNTIMES: dict[str, type[ContainerRuntime]] = {"docker": Docker, "containerd": Containerd}
# Its unit says after which container runtime it starts.
KUBELET = Path("/etc/systemd/system/kubelet.service")


def of_host() -> ContainerRuntime:
    """The container runtime that the kubelet of this host uses, or used. Raises LedgerError and OSError."""
    return named(_used())


def host_address(runtime: ContainerRuntime) -> str:
    """The host's IPv4 address on the network of pods; empty if it has none, or that can't be asked."""
    made = pod_network.CONFIGURATION.exists()
    return network.address(pod_network.BRIDGE) if made else runtime.host_address()


def others(runtime: ContainerRuntime) -> list[ContainerRuntime]:
    """Those that are on this host besides, such as the one that the kubelet used before."""
    known = [kind() for kind in RUNTIMES.values() if not isinstance(runtime, kind)]
    return [other for other in known if other.is_installed()]


def used() -> str:
    """The name of the one that the kubelet of this host uses; empty if there is no kubelet."""
    return _used() if KUBELET.exists() else ""


def named(name: str) -> ContainerRuntime:
    """The container runtime of this name.

    The library that it is asked with may be one of another Python, with which the module is started anew.
    """
    if name == "containerd" and not cri.HAS_GRPC:
        library.respawn("grpc")
    return RUNTIMES[name]()


def _used() -> str:
    if KUBELET.exists():
        return "containerd" if cri.SOCKET in KUBELET.read_text() else "docker"
    # A reset that was killed has removed the unit before it comes to the containers.
    known = ledger_file.read(ledger_file.PATH)
    if known and known.settings:
        return "containerd" if Containerd.configuration in known.settings else "docker"
    return "docker" if Docker().is_installed() or not Containerd().is_installed() else "containerd"


def observe(params: Mapping[str, Any], run: Run, cgroup_version: int) -> Observed:
    """What there is of the one that the cluster is to have, and what the run is going to do to it.

    params: the options of the module preflight. run: its run_command.
    """
    kind = docker_observed if params["container_runtime"] == "docker" else containerd_observed
    seen: Observed = kind.observe(params, run, cgroup_version)
    if not params["pod_network"]:
        return seen
    address = subnets.first_address(params["pod_network"])
    return replace(seen, bridge=pod_network.BRIDGE, bridge_address=address)
