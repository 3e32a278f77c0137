# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Machines with a kernel of their own: a stock Debian in QEMU, in a container whose name and address it has.

Emulated where this machine has no working KVM, and then about five times slower than a node.
"""

from __future__ import annotations

import time
from pathlib import Path

import host
import image
import node
from common import (
    HERE,
    MIRROR,
    TELL_SECONDS,
    SandboxError,
    answers,
    cache,
    locked,
    logged,
    output,
    recipe,
    say,
)

SUITES = ("bookworm",)
BASE = "mink8s-machine"
LABEL = "mink8s.machine"
FILES = HERE / "machine"
USER = "admin"
# A machine that is made anew has another key.
OPTIONS = (
    "-oStrictHostKeyChecking=no",
    "-oUserKnownHostsFile=/dev/null",
    "-oLogLevel=ERROR",
    "-oConnectTimeout=10",
)
START_SECONDS = 600


def create(name: str, suite: str) -> None:
    """Make sure a machine of that name runs and its systemd has finished starting."""
    if not name.startswith("mink8s"):
        raise SandboxError(f"the machine's name {name!r} does not start with mink8s, as all names here do")
    disk = build(suite)
    if _exists(name):
        output("docker", "start", name)
    else:
        say(f"creating the machine {name} ({suite}; half a minute, or two where it has to be emulated)")
        output("docker", "run", "--detach", "--name", name, *_options(name, suite, disk), BASE)
    wait(name)
    _give_name(name)


def remove(name: str) -> None:
    """Remove a machine with its disk, if there is one."""
    if _exists(name):
        say(f"removing the machine {name}")
        output("docker", "rm", "--force", "--volumes", name)


def build(suite: str) -> Path:
    """The directory of a suite's disk, made unless it is there, made by the same recipe."""
    image.build("bookworm")
    host.install({"ssh": "openssh-client"})
    with locked(f"machine-{suite}"):
        logged(BASE, "docker", "build", "--tag", BASE, str(FILES))
        public = key().with_suffix(".pub").read_text().strip()
        directory = cache("machines", f"{recipe(suite, MIRROR, public, FILES / 'make-disk')}-{suite}")
        if not directory.exists():
            say(f"making the disk of a machine with {suite} from {MIRROR} (three minutes or more)")
            partial = directory.with_suffix(".part")
            partial.mkdir(exist_ok=True)
            options = (
                "--rm",
                *node.privileges(),
                f"--volume={partial}:/out",
                "--tmpfs=/build:exec,dev",
                BASE,
            )
            logged(f"disk-{suite}", "docker", "run", *options, "make-disk", suite, MIRROR, public)
            partial.rename(directory)
    return directory


def key() -> Path:
    """The private key with which the user admin signs in, made unless it is there."""
    path = cache("machines", "id_ed25519")
    if not path.exists():
        output("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "mink8s", "-f", str(path))
    return path


def access(name: str) -> dict[str, str]:
    """The variables with which Ansible signs in on a machine, and becomes root there."""
    return {
        "ansible_host": node.address(name),
        "ansible_user": USER,
        "ansible_ssh_private_key_file": str(key()),
        "ansible_ssh_common_args": " ".join(OPTIONS),
        "ansible_become_password": USER,
    }


def wait(name: str) -> None:
    """Wait until systemd on the machine says that it has started everything."""
    began = told = time.monotonic()
    while not answers(*_ssh(name), "systemctl", "is-system-running"):
        if time.monotonic() > began + START_SECONDS or not _is_on(name):
            end = output("docker", "logs", "--tail", "20", name)
            raise SandboxError(f"{name} is not up after {time.monotonic() - began:.0f} s; its console: {end}")
        if time.monotonic() > told + TELL_SECONDS:
            told = time.monotonic()
            say(f"{name} is starting")
        time.sleep(1)


def _ssh(name: str) -> list[str]:
    """What comes before a command so that root runs it on a machine."""
    return ["ssh", *OPTIONS, "-i", str(key()), f"root@{node.address(name)}"]


def _exists(name: str) -> bool:
    """Whether there is a machine of that name; SandboxError if something else has it."""
    return node.exists(name) and bool(node.labelled_suite(name, LABEL, SUITES, "machine"))


def _is_on(name: str) -> bool:
    return output("docker", "inspect", "--format", "{{.State.Running}}", name) == "true"


def _give_name(name: str) -> None:
    """Give a machine its name, as an installer does."""
    hosts = f"grep -q {name} /etc/hosts || echo 127.0.1.1 {name} >>/etc/hosts"
    output(*_ssh(name), f"hostnamectl set-hostname {name}; {hosts}")


def _options(name: str, suite: str, disk: Path) -> list[str]:
    """The options of `docker run`."""
    kvm = ["--device=/dev/kvm"] if Path("/dev/kvm").exists() else []
    return [
        f"--hostname={name}",
        f"--label={LABEL}={suite}",
        "--cap-add=NET_ADMIN",
        "--device=/dev/net/tun",
        *kvm,
        f"--volume={disk}:/base:ro",
        "--volume=/disk",
    ]
