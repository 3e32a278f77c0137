# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Virtual environments: one in which the collection is used from the checkout, with more in it to test it."""

from __future__ import annotations

import importlib.util
import re
import sys
import zipfile
from pathlib import Path

import host
from common import SandboxError, logged, say, scratch

# What connects to a node. PyPI has it only in `ansible`, of which it is a hundredth.
COLLECTION = "ansible_collections/community/docker/"
PIP = ("--disable-pip-version-check", "--progress-bar=off")


def make(directory: Path, requirements: Path) -> None:
    """Make a virtual environment, unless there is one, and have the requirements in it."""
    if not (directory / "bin/pip").exists():
        if not importlib.util.find_spec("ensurepip"):
            host.install({"no program of it is looked for": "python3-venv"})
        logged(f"venv-{directory.name.lstrip(chr(46))}", sys.executable, "-m", "venv", str(directory))
    say(f"installing {requirements.name} into {directory}")
    _pip(directory, "install", "--requirement", str(requirements))


def connect(directory: Path, pins: Path) -> None:
    """Have the collection that connects to nodes. pins: the file that pins `ansible`."""
    pinned = re.search(r"^ansible==.*", pins.read_text(), re.MULTILINE)
    if not pinned:
        raise SandboxError(f"{pins} has no line that begins with ansible==")
    packages = next(directory.glob("lib/python3*/site-packages"))
    if not (packages / COLLECTION).is_dir():
        with scratch() as work:
            _pip(directory, "download", "--no-deps", f"--dest={work}", pinned[0])
            with zipfile.ZipFile(next(work.glob("*.whl"))) as wheel:
                wheel.extractall(packages, [name for name in wheel.namelist() if name.startswith(COLLECTION)])


def _pip(directory: Path, command: str, *arguments: str) -> None:
    logged(f"pip-{directory.name.lstrip(chr(46))}", str(directory / "bin/pip"), command, *PIP, *arguments)
