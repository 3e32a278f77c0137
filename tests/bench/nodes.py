# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The nodes on which everything runs, new for every run, and the images they are made from."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import image
import node
from common import SandboxError, answers, logged, output, recipe, say

SUITE = image.SUITES[0]
NAME = "mink8s-bench"
MOST = 8
# What the article and kubeadm need of the distribution beside a container runtime.
PACKAGES = ("conntrack", "ebtables", "ethtool", "iptables", "openssl", "socat")
STATES = {
    "bare": (),
    "docker": ("docker.io", *PACKAGES),
    "packages": ("docker.io", *PACKAGES, "python3-cryptography", "python3-kubernetes"),
    "containerd": ("containerd", "containernetworking-plugins", *PACKAGES),
}
# By container runtime what it answers once it runs, and what loads an archive.
ANSWERS = {"docker": ("docker", "info"), "containerd": ("ctr", "version")}
LOAD = {
    "docker": ("docker", "load", "--quiet"),
    "containerd": ("ctr", "--namespace", "k8s.io", "images", "import", "-"),
}
IDLE_SECONDS = 2
START_SECONDS = REMOVE_SECONDS = 60
INSTALL = "apt-get update -qq && apt-get install -qq --yes --no-install-recommends $0 $@"
# Each node makes these for itself.
FORGET = "apt-get clean && : >/etc/machine-id && rm -f /etc/docker/key.json"


def names(count: int) -> list[str]:
    """The names of that many nodes."""
    return [NAME] if count == 1 else [f"{NAME}-{number + 1}" for number in range(count)]


def create(name: str, state: str, runtime: str, *options: str) -> None:
    """A new node in that state, started, and with its container runtime, if any. options: of `docker run`."""
    node.create(name, SUITE, "bridge", _image(state), *options)
    if STATES[state]:
        await_runtime(name, runtime)


def load(name: str, runtime: str, archive: Path) -> None:
    """Load an image into the container runtime of a node."""
    command = ["docker", "exec", "--interactive", name, *LOAD[runtime]]
    with archive.open("rb") as stream:
        subprocess.run(command, stdin=stream, check=True, stdout=subprocess.DEVNULL)


def settle() -> None:
    """Let the machine come to rest."""
    os.sync()
    time.sleep(IDLE_SECONDS)


def await_runtime(name: str, runtime: str) -> None:
    """Wait until the container runtime in a node answers."""
    deadline = time.monotonic() + START_SECONDS
    while not answers("docker", "exec", name, *ANSWERS[runtime]):
        if time.monotonic() > deadline:
            raise SandboxError(f"{runtime} in {name} does not answer after {START_SECONDS} s")
        time.sleep(0.2)


def build() -> None:
    """Make the images that are not there."""
    image.build(SUITE)
    for state, packages in STATES.items():
        if not answers("docker", "image", "inspect", _image(state)):
            say(f"making the image {_image(state)} (half a minute)")
            node.create(NAME, SUITE)
            logged(NAME, "docker", "exec", NAME, "sh", "-euc", INSTALL, *packages)
            output("docker", "exec", NAME, "sh", "-euc", FORGET)
            output("docker", "stop", NAME)
            output("docker", "commit", NAME, _image(state))
            node.remove(NAME)


def remove_all() -> None:
    """Remove every node that was made here."""
    for name in (*names(1), *names(MOST)):
        deadline = time.monotonic() + REMOVE_SECONDS
        # An interrupted removal goes on in the engine, which refuses a second one.
        while answers("docker", "container", "inspect", name):
            try:
                node.remove(name)
            except SandboxError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(1)


def _image(state: str) -> str:
    """The image of a node in that state."""
    if not STATES[state]:
        return image.name(SUITE)
    base = output("docker", "image", "inspect", "--format", "{{.Id}}", image.name(SUITE))
    return f"{NAME}:{state}-{recipe(base, FORGET, *STATES[state])}"
