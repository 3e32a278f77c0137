# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Nodes: containers with systemd as PID 1 in which Docker and a kubelet run as on a machine of their own."""

from __future__ import annotations

import time

import capabilities
import image
from common import SandboxError, answers, output, say

LABEL = "mink8s.node"
START_SECONDS = 60


def create(name: str, suite: str, network: str = "bridge", variant: str = "", *more: str) -> None:
    """Make sure a node of that name runs and its systemd has finished starting.

    variant: an image made from the suite's, to be used in its place.
    more: further options of `docker run`.

    It is on Docker's default network, unless another is named: there Docker would put its own name server
    at 127.0.0.11 in the node's resolv.conf, an address that no pod on the node can reach.
    """
    if not name.startswith("mink8s"):
        raise SandboxError(f"the node name {name!r} does not start with mink8s, as all names here do")
    image.build(suite)
    if exists(name):
        if _suite(name) != suite:
            raise SandboxError(f"the node {name} is there with {_suite(name)}, not {suite}: remove it first")
        output("docker", "start", name)
    else:
        say(f"creating the node {name} ({suite}; a few seconds)")
        options = (f"--network={network}", *_options(name, suite), *more)
        output("docker", "run", "--detach", "--name", name, *options, variant or image.name(suite))
    _wait(name)


def remove(name: str) -> None:
    """Remove a node with its volumes, if there is one."""
    if exists(name):
        say(f"removing the node {name} ({_suite(name)})")
        output("docker", "rm", "--force", "--volumes", name)


def address(name: str) -> str:
    """The IPv4 address of a container."""
    form = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
    return output("docker", "inspect", "--format", form, name)


def _options(name: str, suite: str) -> list[str]:
    """The options of `docker run`.

    A cgroup namespace of its own keeps the kubelets of two nodes from cleaning up each other's pods.
    """
    return [
        f"--hostname={name}",
        f"--label={LABEL}={suite}",
        "--cgroupns=private",
        "--tmpfs=/run",
        "--tmpfs=/tmp:exec",
        "--volume=/var/lib/docker",
        "--volume=/var/lib/containerd",
        "--volume=/var/lib/kubelet",
        "--device=/dev/kmsg",
        "--stop-signal=SIGRTMIN+3",
        *privileges(),
    ]


def privileges() -> list[str]:
    """The options of `docker run` that let a container do whatever this machine can.

    Instead of --privileged, which fails on a machine that lacks any capability itself.
    """
    return [
        "--device-cgroup-rule=a *:* rwm",
        "--security-opt=seccomp=unconfined",
        "--security-opt=apparmor=unconfined",
        "--security-opt=systempaths=unconfined",
        *(f"--cap-add={capability}" for capability in capabilities.here()),
    ]


def exists(name: str) -> bool:
    """Whether there is a container of that name."""
    return answers("docker", "container", "inspect", name)


def labelled_suite(name: str, label: str, suites: tuple[str, ...], kind: str) -> str:
    """The suite in the label of a container; SandboxError if it is none of that kind."""
    suite = output("docker", "inspect", "--format", f'{{{{index .Config.Labels "{label}"}}}}', name)
    if suite not in suites:
        raise SandboxError(f"the container {name} is not a {kind} of the sandbox: choose another name")
    return suite


def _suite(name: str) -> str:
    return labelled_suite(name, LABEL, image.SUITES, "node")


def _wait(name: str) -> None:
    """Wait until systemd in the node says that it has started everything."""
    deadline = time.monotonic() + START_SECONDS
    while not answers("docker", "exec", name, "systemctl", "is-system-running"):
        if time.monotonic() > deadline:
            failed = output("docker", "exec", name, "systemctl", "--failed", "--no-legend")
            raise SandboxError(
                f"systemd in {name} is not done after {START_SECONDS} s; failed units: {failed}"
            )
        time.sleep(0.2)
