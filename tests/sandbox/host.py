# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Make this machine able to run the sandbox: Docker, debootstrap and a running engine."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

from common import SandboxError, answers, cache, locked, logged, say

# By the program or the file that is looked for. Ubuntu's debootstrap comes without Debian's keys.
KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"
PACKAGES = {
    "dockerd": "docker.io",
    "docker": "docker.io",
    "debootstrap": "debootstrap",
    KEYS: "debian-archive-keyring",
}
# What ansible-test calls, and what the status page is looked at with.
TEST_PACKAGES = {"shellcheck": "shellcheck", "chromium": "chromium"}
START_SECONDS = 60


def prepare() -> None:
    """Install what is missing and start Docker if it does not answer."""
    install(PACKAGES)
    with locked("host"):
        if not answers("docker", "info"):
            _start_docker()


def prepare_tests() -> None:
    """Install what nothing but the tests needs."""
    install(TEST_PACKAGES)


def install(packages: dict[str, str]) -> None:
    """Install the packages of those programs and files that are missing."""
    if os.geteuid():
        raise SandboxError("the sandbox installs packages and runs containers: run this as root")
    with locked("host"):
        missing = sorted(
            {
                package
                for name, package in packages.items()
                if not (shutil.which(name) or Path("/usr/bin", name).exists())
            }
        )
        if missing:
            say(f"installing {' and '.join(missing)} on this machine (half a minute)")
            logged("apt", "apt-get", "update")
            logged("apt", "apt-get", "install", "--yes", "--no-install-recommends", *missing)


def _start_docker() -> None:
    """Start the engine and wait until it answers."""
    if Path("/run/systemd/system").is_dir():
        say("starting Docker with systemd")
        logged("dockerd", "systemctl", "start", "docker")
        log = "journalctl -u docker"
    else:
        path = cache("logs", "dockerd.log")
        say(f"starting dockerd; its log is {path}")
        with path.open("ab") as stream:
            subprocess.Popen(
                ["dockerd"], stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True
            )
        log = str(path)
    deadline = time.monotonic() + START_SECONDS
    while not answers("docker", "info"):
        if time.monotonic() > deadline:
            raise SandboxError(f"`docker info` does not answer {START_SECONDS} s after the start: see {log}")
        time.sleep(0.5)
