# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The image of a node: a bare Debian with systemd, made by debootstrap, so that no registry is needed."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import capabilities
import host
from common import HERE, MIRROR, SandboxError, answers, cache, locked, logged, output, say

SUITES = ("bookworm", "bullseye")
PACKAGES = (
    "ca-certificates",
    "dbus",
    "iproute2",
    "iptables",
    "procps",
    "python3",
    "python3-apt",
    "sudo",
    "systemd",
    "systemd-sysv",
)
INIT = "usr/local/sbin/mink8s-init"
RUNTIME = "usr/local/sbin/runc-within-limits"


def name(suite: str) -> str:
    """The name of a suite's image."""
    return f"mink8s-node:{suite}"


def build(suite: str) -> None:
    """Make a suite's node image unless it is there, made by the same recipe."""
    host.prepare()
    with locked(f"image-{suite}"):
        recipe = _recipe(suite)
        label = '{{index .Config.Labels "mink8s.recipe"}}'
        if answers("docker", "image", "inspect", name(suite)) and recipe == output(
            "docker", "image", "inspect", "--format", label, name(suite)
        ):
            return
        say(f"making the node image {name(suite)} from {MIRROR} (one to three minutes)")
        with tempfile.TemporaryDirectory(dir=cache("tmp").parent, prefix="debootstrap-") as directory:
            root = Path(directory)
            bootstrap(suite, root, PACKAGES)
            _add_files(root)
            _import(root, suite, recipe)


def bootstrap(suite: str, root: Path, packages: tuple[str, ...]) -> None:
    """Put a minimal Debian with some packages in the directory root."""
    root.chmod(0o755)
    include = f"--include={','.join(packages)}"
    logged(f"debootstrap-{suite}", "debootstrap", "--variant=minbase", include, suite, str(root), MIRROR)
    shutil.rmtree(root / "var/cache/apt/archives")


def _recipe(suite: str) -> str:
    """A hash of everything that decides what is in the image."""
    parts = [suite, MIRROR, *PACKAGES, *capabilities.lacking()]
    parts += [path.read_text() for path in (Path(__file__), HERE / "node/init", HERE / "node/runc-within-limits")]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _add_files(root: Path) -> None:
    """Add what a node in a container needs and a real host does not."""
    _install("init", root / INIT)
    (root / "etc/machine-id").write_text("")
    lacking = capabilities.lacking()
    if lacking:
        _install("runc-within-limits", root / RUNTIME)
        runtime = {"path": f"/{RUNTIME}", "runtimeArgs": [*(f"CAP_{name}" for name in lacking), "--"]}
        daemon = {"default-runtime": "within-limits", "runtimes": {"within-limits": runtime}}
        (root / "etc/docker").mkdir()
        (root / "etc/docker/daemon.json").write_text(json.dumps(daemon, indent=2) + "\n")


def _install(source: str, target: Path) -> None:
    shutil.copyfile(HERE / "node" / source, target)
    target.chmod(0o755)


def _import(root: Path, suite: str, recipe: str) -> None:
    """Hand the tree to Docker as an image."""
    changes = [f'CMD ["/{INIT}"]', f"LABEL mink8s.recipe={recipe}"]
    options = [word for change in changes for word in ("--change", change)]
    with subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE) as tar:
        done = subprocess.run(
            ["docker", "import", *options, "-", name(suite)], stdin=tar.stdout, capture_output=True, text=True
        )
    if tar.returncode or done.returncode:
        raise SandboxError(f"`docker import` of {name(suite)} failed: {done.stderr.strip()}")
