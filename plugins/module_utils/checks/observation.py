# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host is like, before anything is changed on it."""

from __future__ import annotations

import os
import platform
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import (
    cgroup,
    disk,
    home_kubeconfig,
    kernel_features,
    manifest_directory,
    network,
    other_kubernetes,
    own_cluster,
    packet_filter,
    pod_network,
    programs,
    systemd,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.procfs import (
    Listener,
    distribution,
    find_listeners,
    find_processes,
    memory_available,
    text,
    unreadable_mounts,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.programs import Run
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import selection
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import Observed
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import command_line, files, versions

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
GRUB_MENU = Path("/boot/grub/grub.cfg")


@dataclass(frozen=True)
class Host:
    """Everything the checks look at. Empty texts and zeros: not there, or not to be seen."""

    system: str = "Linux"
    kernel: str = ""
    distribution: str = ""
    machine: str = "x86_64"
    python: str = ""
    nodename: str = "node"
    hostname_error: str = ""
    address: str = ""
    euid: int = 0
    time: datetime = field(default_factory=lambda: datetime.now(timezone.utc))
    init: str = "systemd"
    systemd_booted: bool = True
    systemd_version: int = 0
    selinux: str = "disabled"
    apparmor: str = "disabled"
    has_grub: bool = False
    has_apt: bool = True
    has_iptables: bool = True
    filter: packet_filter.Filter = field(default_factory=packet_filter.Filter)
    nft_version: str = ""
    network: network.Network = field(default_factory=network.Network)
    cgroup_version: int = 1
    controllers: frozenset[str] = frozenset()
    kernel_memory_error: str = ""
    offers: kernel_features.Kernel = field(default_factory=kernel_features.Kernel)
    memory_available: int = 0
    swaps: tuple[str, ...] = ()
    unreadable_mounts: tuple[str, ...] = ()
    listeners: tuple[Listener, ...] = ()
    processes: frozenset[str] = frozenset()
    file_systems: tuple[disk.FileSystem, ...] = ()
    # What the kubelet of an earlier run uses. pod_subnet: as pod_network.subnet says.
    used_runtime: str = ""
    pod_subnet: str | None = None
    has_pod_network: bool = False
    runtime: Observed = field(default_factory=lambda: Observed("container runtime", "", "", ""))
    others: tuple[other_kubernetes.Other, ...] = ()
    duplicates: tuple[manifest_directory.Duplicate, ...] = ()
    missing_files: frozenset[str] = frozenset()
    installed: str = ""
    service_network: str = ""
    login_problems: tuple[str, ...] = ()
    authorities: Mapping[str, datetime] = field(default_factory=dict)
    has_ledger: bool = False
    cluster: own_cluster.Cluster = field(default_factory=own_cluster.Cluster)
    has_release: bool = False
    artifacts: frozenset[str] | None = None
    artifact_sums: Mapping[str, str] | None = None
    tarball_digest: str = ""
    mirror_error: str = ""

    @property
    def hostname(self) -> str:
        """The host's name as a node may have it."""
        return self.nodename.lower()

    @property
    def architecture(self) -> str:
        """Kubernetes' word for the machine; empty if there is no release for it."""
        return ARCHITECTURES.get(self.machine, "")

    @property
    def tarball(self) -> str:
        """Upstream's name of the release for this machine."""
        return versions.tarball(self.architecture or self.machine)

    @property
    def runs_our_cluster(self) -> bool:
        """Whether what the run is to bring takes its memory already."""
        return self.has_ledger and "kubelet" in self.processes

    @property
    def cgroup_v1_parameters(self) -> tuple[str, ...]:
        """The kernel parameters with which systemd mounts cgroup v1; none if it can't."""
        force = ("SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1",) if self.systemd_version >= 256 else ()
        return () if self.systemd_version >= 258 else (*force, "systemd.unified_cgroup_hierarchy=0")

    @property
    def can_switch_to_cgroup_v1(self) -> bool:
        """Whether this collection knows how to set these parameters here."""
        return self.has_grub and bool(self.cgroup_v1_parameters)

    def __str__(self) -> str:
        """The host as a person reads it."""
        return (
            f"{self.distribution or self.system}, kernel {self.kernel}, cgroup v{self.cgroup_version},"
            f" {self.runtime}, SELinux {self.selinux}, AppArmor {self.apparmor},"
            f" {self.memory_available} MB of memory available, Python {self.python}"
        )


def observe(params: Mapping[str, Any], run: Run) -> Host:
    """Look at the host. params: the options of the module preflight; run: the module's run_command.

    Reads only, but for a cgroup that is made and removed again. What this user may not see is left out.
    """
    kernel, mounts, proc = os.uname(), text("/proc/self/mounts"), Path("/proc")
    architecture = ARCHITECTURES.get(kernel.machine, "")
    has_ledger = Path(params["ledger"]).exists()
    has_release = Path(params["state_directory"], params["version"], "release.json").exists()
    cgroup_version = cgroup.version()
    processes = find_processes(proc)
    runtime = selection.observe(params, run, cgroup_version)
    data_root = runtime.data_root_wanted or runtime.data_root
    files = [path for path in params["files"] if os.path.lexists(path)]
    artifacts = params["artifacts"]
    tarball = f"{params['url']}/{params['version']}/{Host(machine=kernel.machine).tarball}"
    asks = params["url"] and not artifacts and not has_release and architecture
    return Host(
        system=kernel.sysname,
        kernel=kernel.release,
        distribution=distribution(),
        machine=kernel.machine,
        python=platform.python_version(),
        nodename=kernel.nodename,
        hostname_error=network.name_error(kernel.nodename),
        address=network.default_address(),
        euid=os.geteuid(),
        time=datetime.now(timezone.utc),
        init=text("/proc/1/comm").strip(),
        systemd_booted=systemd.is_booted(),
        # Only a host with cgroup v2 is told how to go back to v1.
        systemd_version=_systemd_version(run) if cgroup_version == 2 else 0,
        selinux={"1": "enforcing", "0": "permissive"}.get(text("/sys/fs/selinux/enforce"), "disabled"),
        apparmor="enabled" if _has_apparmor() else "disabled",
        has_grub=bool(programs.find("update-grub")) and GRUB_MENU.exists(),
        has_apt=bool(programs.find("apt-get")),
        has_iptables=bool(programs.find("iptables")),
        filter=packet_filter.Filter() if os.geteuid() else packet_filter.observe(run),
        nft_version=packet_filter.nft_version(run) if proxy_mode(params) == "nftables" else "",
        network=network.observe(runtime.bridge, pod_network.routes(run) if has_ledger else ()),
        cgroup_version=cgroup_version,
        controllers=cgroup.controllers(mounts),
        kernel_memory_error=cgroup.kernel_memory_error(mounts),
        offers=kernel_features.observe(mounts, kernel.release),
        memory_available=memory_available(text("/proc/meminfo")),
        swaps=tuple(line.split()[0] for line in text("/proc/swaps").splitlines()[1:]),
        unreadable_mounts=unreadable_mounts(mounts),
        listeners=tuple(find_listeners(proc, {entry["port"] for entry in params["ports"]})),
        processes=processes,
        file_systems=tuple(disk.measure(params["directories"], data_root)),
        used_runtime=selection.used() if has_ledger else "",
        pod_subnet=pod_network.subnet(text(own_cluster.UNIT)) if has_ledger else None,
        has_pod_network=has_ledger and pod_network.is_there(),
        runtime=runtime,
        others=tuple(other_kubernetes.find(processes, runtime.containers, files, has_ledger)),
        duplicates=manifest_directory.observe(params),
        missing_files=manifest_directory.missing(params["arguments"]),
        installed=_installed(files) if has_ledger else "",
        service_network=_service_network(files) if has_ledger else "",
        login_problems=tuple(filter(None, map(home_kubeconfig.problem, params["kubeconfig_users"]))),
        authorities=dict(_authorities(params["authorities"])),
        has_ledger=has_ledger,
        cluster=own_cluster.observe() if has_ledger else own_cluster.Cluster(),
        has_release=has_release,
        artifacts=_names(Path(artifacts)) if artifacts else None,
        artifact_sums=_artifact_sums(artifacts),
        tarball_digest=_digest(Path(artifacts, Path(tarball).name)) if artifacts and not has_release else "",
        mirror_error=_mirror_error(tarball) if asks else "",
    )


def proxy_mode(params: Mapping[str, Any]) -> str:
    """The mode of kube-proxy that a person asks for; empty for the collection's own.

    params: the options of the module preflight.
    """
    flags = params["arguments"].get("kube-proxy")
    return str(command_line.last(flags.get("proxy-mode")) or "") if isinstance(flags, Mapping) else ""


def _systemd_version(run: Run) -> int:
    """The first number systemctl prints; 0 without systemd."""
    if not systemd.is_booted():
        return 0
    match = re.match(r"systemd (\d+)", run(["systemctl", "--version"])[1])
    return int(match.group(1)) if match else 0


def _has_apparmor() -> bool:
    """Whether container runtimes take AppArmor for enabled, by the two files they look at."""
    enabled = text("/sys/module/apparmor/parameters/enabled").startswith("Y")
    return enabled and Path("/sys/kernel/security/apparmor").exists()


def _installed(files: list[str]) -> str:
    """The release that runs, from the manifest of kube-apiserver among the files."""
    return next(filter(None, (versions.of_manifest(text(path)) for path in files)), "")


def _service_network(files: list[str]) -> str:
    """The network of the Services, from the manifest of kube-apiserver among the files."""
    return next(filter(None, (other_kubernetes.service_network(text(path)) for path in files)), "")


def _authorities(paths: list[str]) -> Iterator[tuple[str, datetime]]:
    """From when on each authority's certificate that can be read is valid."""
    for path in paths:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        with suppress(OSError):
            context.load_verify_locations(path)
        for certificate in context.get_ca_certs():
            start = ssl.cert_time_to_seconds(str(certificate["notBefore"]))
            yield path, datetime.fromtimestamp(start, timezone.utc)


def _mirror_error(url: str) -> str:
    # Most runs find the release on the host, and this import takes longer than all else of the module.
    from ansible_collections.mink8s.kubernetes.plugins.module_utils.release import server

    return server.fetch_error(url)


def _names(directory: Path) -> frozenset[str] | None:
    """The names in a directory; None if there is no such directory."""
    return frozenset(path.name for path in directory.iterdir()) if directory.is_dir() else None


def _digest(tarball: Path) -> str:
    """The SHA-512 of a tarball; empty if it can't be read, which is another check's finding."""
    try:
        return files.digest(tarball, "sha512")
    except OSError:
        return ""


def _artifact_sums(artifacts: str) -> dict[str, str]:
    """None are known where the directory is missing or cannot be read, which is another check's finding."""
    try:
        return files.listed(artifacts) if artifacts else {}
    except OSError:
        return {}
