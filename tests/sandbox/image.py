# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The image of a node: a bare Debian with systemd, made by debootstrap, so that no registry is needed."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import capabilities
import host
from common import HERE, MIRROR, SandboxError, answers, locked, logged, output, recipe, say, scratch

SUITES = ("bookworm", "bullseye")
PACKAGES = (
    "ca-certificates",
    "dbus",
    "iproute2",
    "iptables",
    "procps",
    "python3",
    "sudo",
    "systemd",
    "systemd-sysv",
)
INIT = HERE / "inside/node-init"
RUNTIME = HERE / "inside/within_limits.py"
PROGRAMS = Path("/usr/local/sbin")


def name(suite: str) -> str:
    """The name of a suite's image."""
    return f"mink8s-node:{suite}"


def build(suite: str) -> None:
    """Make a suite's node image unless it is there, made by the same recipe."""
    host.prepare()
    with locked(f"image-{suite}"):
        made_by = recipe(suite, MIRROR, *capabilities.lacking(), Path(__file__), INIT, RUNTIME)
        reference = f"{name(suite)}-{made_by}"
        if not answers("docker", "image", "inspect", reference):
            say(f"making the node image {name(suite)} from {MIRROR} (two minutes or more)")
            with scratch() as root:
                _bootstrap(suite, root)
                _add_files(root)
                _import(root, reference)
        output("docker", "tag", reference, name(suite))


def _bootstrap(suite: str, root: Path) -> None:
    """Put a minimal Debian with the packages of a node in the directory root."""
    root.chmod(0o755)
    include = f"--include={','.join(PACKAGES)}"
    logged(f"debootstrap-{suite}", "debootstrap", "--variant=minbase", include, suite, str(root), MIRROR)
    for package in (root / "var/cache/apt/archives").glob("*.deb"):
        package.unlink()


def _add_files(root: Path) -> None:
    """Add what a node in a container needs and a real host does not."""
    programs = root / PROGRAMS.relative_to("/")
    shutil.copy(INIT, programs)
    (root / "etc/machine-id").write_text("")
    lacking = capabilities.lacking()
    if lacking:
        shutil.copy(RUNTIME, programs)
        limits = [f"CAP_{capability}" for capability in lacking]
        arguments = ["-IS", str(PROGRAMS / RUNTIME.name), *limits, "--"]
        runtime = {"path": "/usr/bin/python3", "runtimeArgs": arguments}
        settings = {"default-runtime": "within-limits", "runtimes": {"within-limits": runtime}}
        (root / "etc/docker").mkdir()
        (root / "etc/docker/daemon.json").write_text(json.dumps(settings, indent=2) + "\n")


def _import(root: Path, reference: str) -> None:
    """Hand the tree to Docker as an image."""
    command = ["docker", "import", f'--change=CMD ["{PROGRAMS / INIT.name}"]', "-", reference]
    with subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE) as tar:
        done = subprocess.run(command, stdin=tar.stdout, capture_output=True, text=True, check=False)
    if tar.returncode or done.returncode:
        raise SandboxError(f"`docker import` of {reference} failed: {done.stderr.strip()}")
