# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a container runtime is asked for, whichever it is: the one interface that all others use."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.packet_filter import Filter
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.programs import Run
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.finding import Problems
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.image_reference import Reference

# The identity of a static pod is a hash, unlike that of a pod that came through the API.
STATIC = re.compile("[0-9a-f]{32}")
PAUSE = "POD"
# How long pods have to end, in seconds, and how many containers are seen to at once.
GRACE_SECONDS, AT_ONCE = 10, 50


class ContainerRuntimeError(Exception):
    """The container runtime did not do what was asked of it, or does not answer."""


@dataclass(frozen=True)
class Container:
    """A container as it is listed.

    identity: its ID. image: the ID of its image. state: running, exited and so on. volumes: their names.
    namespace, pod, uid, role: of one that a kubelet made, its pod's, and the name it has in the pod, which is
    POD for the one that holds the pod's network. All four are empty for one that no kubelet made.
    """

    identity: str
    name: str
    image: str = ""
    state: str = "running"
    namespace: str = ""
    pod: str = ""
    uid: str = ""
    role: str = ""
    volumes: frozenset[str] = frozenset()

    @property
    def runs(self) -> bool:
        """Whether it runs, be it paused or restarting."""
        return self.state in ("running", "paused", "restarting")

    @property
    def kubelets(self) -> bool:
        """Whether a kubelet made it."""
        return bool(self.uid)

    @property
    def short(self) -> str:
        """The ID as a person types it."""
        return self.identity[:12]

    def is_in_static_pod(self, component: str) -> bool:
        """Whether it is in the static pod of a component of the control plane."""
        place = f"{self.namespace}/{self.pod}"
        return place.startswith(f"kube-system/{component}-") and bool(STATIC.fullmatch(self.uid))

    def is_component(self, component: str) -> bool:
        """Whether it is the one that runs the component itself."""
        return self.role == component and self.is_in_static_pod(component)


@dataclass(frozen=True)
class Details:
    """What else there is to know of a container.

    pid: of its first process on the host, 0 if it does not run. started, finished: seconds since 1970, 0 if
    it has not. code: what it ended with. command: its whole command line.
    """

    runs: bool
    pid: int = 0
    started: float = 0.0
    finished: float = 0.0
    code: int = 0
    command: tuple[str, ...] = ()


@dataclass(frozen=True)
class Image:
    """An image that the runtime has.

    identity: its ID. digests: sha256:… by which registries know it. architecture, created, layers: what its
    configuration says.
    """

    identity: str
    digests: frozenset[str] = frozenset()
    architecture: str = ""
    created: str = ""
    layers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Observed:
    """What there is of a container runtime on a host, and what the run is going to do to it.

    bridge, bridge_address: the interface of the host that pods are connected to, and the host's address on it
    unless it is there with another; empty if there is none. version: empty if there is none. cgroup_driver:
    cgroupfs or systemd, the one it would have once started if it does not run. containers: names of those
    that run. data_root: where it keeps images and containers; data_root_wanted: where it is going to, empty
    if nothing moves it. restarts: why one that runs is going to be restarted. keeps_containers: whether they
    outlive that. loaded, masked: its unit. variable: of the role cluster, with its settings.
    """

    name: str
    unit: str
    bridge: str
    data_root: str
    bridge_address: str = ""
    version: str = ""
    running: bool = False
    cgroup_driver: str = "cgroupfs"
    containers: tuple[str, ...] = ()
    data_root_wanted: str = ""
    restarts: tuple[str, ...] = ()
    keeps_containers: bool = False
    loaded: bool = True
    masked: bool = False
    variable: str = ""

    @property
    def node_version(self) -> str:
        """The runtime as a Node object names it, such as docker://20.10.24; empty if there is none."""
        return f"{self.name.lower()}://{self.version}" if self.version else ""

    def __str__(self) -> str:
        """The runtime as a person reads it."""
        if not self.version:
            return f"no {self.name}"
        state = "" if self.running else "not running, "
        return f"{self.name} {self.version} ({state}cgroup driver {self.cgroup_driver})"

    def version_problems(self, desired: Mapping[str, Any]) -> Problems:
        """Why the kubelet can't use this version."""
        yield from ()

    def settings_problems(self, desired: Mapping[str, Any]) -> Problems:
        """Settings with which the runtime does not start, or pods do not get what they need."""
        yield from ()

    def defaults_problems(self, desired: Mapping[str, Any]) -> Problems:
        """What a runtime that was on the host before lacks, and is not given unasked."""
        yield from ()

    def packages_problems(self, desired: Mapping[str, Any]) -> Problems:
        """What is in the way of the runtime's installation."""
        yield from ()

    def cgroup_driver_problems(self, desired: Mapping[str, Any]) -> Problems:
        """A cgroup driver that the kubelet is not going to have."""
        yield from ()

    def rules_problems(self, seen: Filter) -> Problems:
        """Rules of the packet filter that the runtime wrote and that are gone."""
        yield from ()


class ContainerRuntime(ABC):
    """A container runtime of a host, which need not run or be there.

    All methods raise ContainerRuntimeError if it does not answer or does not do what is asked.
    """

    name: ClassVar[str]
    # Those of the runtime, each after those it needs, and its own, which is the last.
    units: ClassVar[tuple[str, ...]]
    # The interface of the host that it connects pods to by itself, and the host's address on it by default;
    # empty if it does not.
    bridge: ClassVar[str]
    bridge_address: ClassVar[str]
    # Its programs; the first is there if the runtime is.
    programs: ClassVar[tuple[str, ...]]
    # Packages, directories and the group that come with it and are needed as long as it stays.
    packages: ClassVar[frozenset[str]]
    directories: ClassVar[tuple[str, ...]]
    # Packages with which it is asked; reset, too, needs them as long as ours stays.
    libraries: ClassVar[frozenset[str]] = frozenset()
    group: ClassVar[str]
    data_root: ClassVar[str]
    # A socket of the kubelet's for it, which outlives the kubelet.
    kubelet_socket: ClassVar[str]
    configuration: ClassVar[str]
    # Whether an image's digest is forgotten with the last of its tags.
    forgets_digests: ClassVar[bool]
    # Commands that show a person what there is: the versions of its programs, and what is in it.
    version_commands: ClassVar[tuple[tuple[str, ...], ...]]
    content_commands: ClassVar[tuple[tuple[str, ...], ...]]

    @property
    def unit(self) -> str:
        """The unit of systemd that runs it."""
        return self.units[-1]

    def stop_pods(self) -> None:
        """Stop all that the kubelet has made, at once, as etcd and workloads want it."""
        self.stop([each.identity for each in self.containers() if each.kubelets and each.runs], GRACE_SECONDS)

    def remove_pods(self) -> None:
        """Remove all that the kubelet has made."""
        self.remove([each.identity for each in self.containers() if each.kubelets])

    @abstractmethod
    def is_installed(self) -> bool:
        """Whether it is on the host."""

    @abstractmethod
    def version(self) -> str:
        """The version of one that runs."""

    @abstractmethod
    def version_and_driver(self, run: Run) -> tuple[str, str]:
        """The version (empty if there is none) and the cgroup driver of one that need not run.

        run: the module's run_command.
        """

    @abstractmethod
    def host_address(self) -> str:
        """The host's IPv4 address on the runtime's own network; empty if it has none, or does not answer."""

    @abstractmethod
    def containers(self) -> list[Container]:
        """All containers, the newest first."""

    @abstractmethod
    def details(self, identity: str) -> Details:
        """What else there is to know of a container."""

    @abstractmethod
    def log(self, identity: str) -> str:
        """The last lines of a container's log, those on standard output and standard error in their order."""

    @abstractmethod
    def stop(self, identities: Sequence[str], seconds: int) -> None:
        """Stop containers, all at once; those that have gone are none the worse. seconds: until killed."""

    @abstractmethod
    def remove(self, identities: Sequence[str]) -> None:
        """Remove containers with their volumes, whether they run or not; some may have gone already."""

    @abstractmethod
    def run(self, image: str, command: Sequence[str], mounts: Mapping[Path, str]) -> None:
        """Run a command in a container without a network, and remove that. Raises what the command says.

        mounts: directories and files of the host, and where the container has them; it can't write to files.
        """

    @abstractmethod
    def image(self, name: str) -> Image | None:
        """The image of a name, NAME:TAG or NAME@DIGEST; None if there is none."""

    @abstractmethod
    def images(self) -> dict[str, tuple[str, ...]]:
        """The names, NAME:TAG each, of every image, by its ID."""

    @abstractmethod
    def load(self, archive: str) -> None:
        """Bring in all images of an archive under the names they have in it."""

    @abstractmethod
    def pull(self, reference: Reference, architecture: str = "") -> None:
        """Pull an image by its digest. architecture: the host's own if it is empty."""

    @abstractmethod
    def save(self, name: str, path: str, architecture: str = "") -> None:
        """Write the image of a name into an archive. architecture: the host's own if it is empty."""

    @abstractmethod
    def tag(self, image: str, name: str) -> None:
        """Give an image, by its name or ID, a further name."""

    @abstractmethod
    def untag(self, name: str, prune: bool = True) -> None:
        """Take a name from its image. prune: whether an image without a name and its layers go."""

    @abstractmethod
    def others(self, ours: frozenset[str]) -> list[str]:
        """What is in the runtime besides containers and images, such as `volume x`. ours: volumes to omit."""

    @abstractmethod
    def list_command(self) -> str:
        """What a person types to see all containers."""

    @abstractmethod
    def log_command(self, container: str) -> str:
        """What a person types to see a container's log. container: its ID, or the beginning of it."""

    @abstractmethod
    def lost_rules(self, saved: str) -> str:
        """What to say of rules of the runtime's that are gone; empty if none are. saved: by iptables-save."""

    @abstractmethod
    def unused_settings(self) -> str:
        """What to say of a runtime that still runs with settings that were taken out of its files."""


def for_each(
    identities: Sequence[str], do: Callable[[str], object], is_done: Callable[[ContainerRuntimeError], bool]
) -> None:
    """Do something to containers at once. Raises the first ContainerRuntimeError.

    is_done: whether an error says that there is nothing left to do to that container.
    """

    def one(identity: str) -> None:
        try:
            do(identity)
        except ContainerRuntimeError as error:
            if not is_done(error):
                raise

    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(one, identities))
