# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Signs of another Kubernetes on a host."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

# From which kube-apiserver gives Services addresses where it is told nothing.
NETWORK = "10.0.0.0/24"


@dataclass(frozen=True)
class Distribution:
    """What a distribution of Kubernetes leaves on a host, none of which this collection makes.

    paths: files, directories and units. processes: their names. containers: the names of those it has
    in the container runtime. Paths and containers have * for anything.
    """

    name: str
    paths: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()
    containers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Other:
    """A Kubernetes that was found, and by which signs. apart: whether it is all in containers of its own."""

    name: str
    signs: tuple[str, ...]
    apart: bool = False


DISTRIBUTIONS = (
    Distribution(
        "kubeadm",
        (
            "/var/lib/kubelet/kubeadm-flags.env",
            "/etc/systemd/system/kubelet.service.d/*kubeadm*.conf",
            "/lib/systemd/system/kubelet.service.d/*kubeadm*.conf",
        ),
    ),
    Distribution(
        "k3s",
        ("/etc/rancher/k3s", "/var/lib/rancher/k3s", "/etc/systemd/system/k3s*.service"),
        ("k3s", "k3s-server", "k3s-agent"),
    ),
    Distribution(
        "RKE2",
        ("/etc/rancher/rke2", "/var/lib/rancher/rke2", "/usr/local/lib/systemd/system/rke2-*.service"),
        ("rke2",),
    ),
    Distribution("MicroK8s", ("/var/snap/microk8s", "/snap/microk8s"), ("kubelite",)),
    Distribution("k0s", ("/etc/k0s", "/var/lib/k0s", "/etc/systemd/system/k0s*.service"), ("k0s",)),
    Distribution("minikube", ("/var/lib/minikube",)),
)
# These have processes, addresses and ports of their own, in containers.
APART = (
    Distribution("minikube", containers=("minikube*",)),
    Distribution("kind", containers=("*-control-plane",)),
    Distribution("k3d", containers=("k3d-*",)),
)
# What a Kubernetes made by hand, or with a tool not named above, is known by; this collection's own, too.
BY_HAND = Distribution(
    "Another Kubernetes", processes=("kubelet", "kube-apiserver", "hyperkube"), containers=("k8s_*",)
)


def find(
    processes: Collection[str], containers: Collection[str], files: Collection[str], ours: bool
) -> Iterator[Other]:
    """Each Kubernetes on the host that is not this collection's.

    processes, containers: the names of those that run. files: those that a run writes, and that are there.
    ours: whether this collection has worked on the host.
    """
    found = False
    for distribution in DISTRIBUTIONS:
        signs = tuple(_signs(distribution, processes, containers))
        if signs:
            found = True
            yield Other(distribution.name, signs)
    signs = (*files, *_signs(BY_HAND, processes, containers))
    if signs and not (ours or found):
        yield Other(BY_HAND.name, signs)
    for distribution in APART:
        signs = tuple(_signs(distribution, (), containers))
        if signs:
            yield Other(distribution.name, signs, apart=True)


def service_network(manifest: str) -> str:
    """The network of the Services, from the text of kube-apiserver's manifest; empty if it is none."""
    if not re.search(r"^\s*- kube-apiserver$", manifest, re.MULTILINE):
        return ""
    given = re.search(r"^\s*- --service-cluster-ip-range=(\S+)$", manifest, re.MULTILINE)
    return given[1] if given else NETWORK


def _signs(
    distribution: Distribution, processes: Collection[str], containers: Collection[str]
) -> Iterator[str]:
    for pattern in distribution.paths:
        yield from sorted(str(path) for path in Path("/").glob(pattern.lstrip("/")))
    yield from (f"the process {name}" for name in distribution.processes if name in processes)
    yield from (
        f"the container {name}"
        for name in sorted(containers)
        if any(fnmatch(name, pattern) for pattern in distribution.containers)
    )
