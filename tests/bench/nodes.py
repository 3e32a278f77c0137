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
# What Docker, the article and kubeadm need of the distribution, then what `site.yml` needs besides.
PACKAGES = ("docker.io", "conntrack", "ebtables", "ethtool", "iptables", "openssl", "socat")
STATES = {
    "bare": (),
    "docker": PACKAGES,
    "packages": (*PACKAGES, "python3-cryptography", "python3-kubernetes"),
}
IDLE_SECONDS = 2
START_SECONDS = REMOVE_SECONDS = 60
INSTALL = "apt-get update -qq && apt-get install -qq --yes --no-install-recommends $0 $@"
# Each node makes these for itself.
FORGET = "apt-get clean && : >/etc/machine-id && rm -f /etc/docker/key.json"


def names(count: int) -> list[str]:
    """The names of that many nodes."""
    return [NAME] if count == 1 else [f"{NAME}-{number + 1}" for number in range(count)]


def create(name: str, state: str, *options: str) -> None:
    """A new node in that state, started. options: of `docker run`."""
    node.create(name, SUITE, "bridge", _image(state), *options)
    if STATES[state]:
        await_docker(name)


def load(name: str, archive: Path) -> None:
    """Load an image into the engine of a node."""
    command = ["docker", "exec", "--interactive", name, "docker", "load", "--quiet"]
    with archive.open("rb") as stream:
        subprocess.run(command, stdin=stream, check=True, stdout=subprocess.DEVNULL)


def settle() -> None:
    """Let the machine come to rest."""
    os.sync()
    time.sleep(IDLE_SECONDS)


def await_docker(name: str) -> None:
    """Wait until dockerd in a node answers."""
    deadline = time.monotonic() + START_SECONDS
    while not answers("docker", "exec", name, "docker", "info"):
        if time.monotonic() > deadline:
            raise SandboxError(f"dockerd in {name} does not answer after {START_SECONDS} s")
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
