# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What reset does to a host: steps as data, decided beforehand, and their carrying out.

Each step may find its work already done, so that a reset that was killed is completed by the next.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import (
    dpkg,
    filter_chains,
    home_kubeconfig,
    mounts,
    programs,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    ContainerRuntime,
    ContainerRuntimeError,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import files, ledger_file, waiting

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

CGROUP_SECONDS = 10
# The actions after which nothing is at the path any more.
REMOVALS = ("remove", "kubeconfig", "tree")


@dataclass(frozen=True)
class Step:
    """One thing to do: a command, or something to do to a path, containers or an image.

    reason: what the person is told; empty for a mere consequence of another step.
    action: what to do. To the path, remove: a file. kubeconfig: one in a login's home. tree: a directory with
    all in it. contents: all in a directory. directory: one that is empty by then. unmount: what is mounted in
    a directory. text: write data. cgroup: a cgroup without processes. To the names, stop and
    remove_containers: the containers of these IDs. untag: the image of this name. tag: the image of the
    first, which gets the second. chains: those of the packet filter that fit the pattern in data by then, for
    some go with their pod.
    data: the text to write, or the pattern.
    vital: whether the rest must not be done if this fails.
    """

    reason: str
    command: tuple[str, ...] = ()
    path: str = ""
    action: str = ""
    names: tuple[str, ...] = ()
    data: str = ""
    vital: bool = False


@dataclass
class Findings:
    """What reset decided.

    kept: what is left, and why. problems: what reset cannot see to now.
    """

    steps: list[Step] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def add(self, other: Findings) -> None:
        """Append what another part of reset decided."""
        self.steps += other.steps
        self.kept += other.kept
        self.problems += other.problems

    def divided(self, later: Callable[[str], bool]) -> tuple[Findings, Findings]:
        """These, and with them apart those steps whose path is to be seen to later."""
        first = [step for step in self.steps if not later(step.path)]
        second = [step for step in self.steps if later(step.path)]
        return Findings(first, self.kept, self.problems), Findings(second)


def carry_out(module: AnsibleModule, runtime: ContainerRuntime, steps: Iterable[Step]) -> list[str]:
    """Take the steps. Returns what failed, which keeps no other step from being taken unless it is vital."""
    failures = []
    for step in steps:
        if step.command:
            failure = _run(module, step.command)
        elif step.action == "chains":
            removals = filter_chains.observe(module, re.compile(step.data))
            failure = "; ".join(filter(None, (_run(module, each.command, each.data) for each in removals)))
        elif step.names:
            failure = ask(runtime, step)
        elif step.action == "unmount":
            unmounts = (_run(module, ("umount", target)) for target in _mounted(Path(step.path)))
            failure = "; ".join(filter(None, unmounts))
        else:
            failure = touch(step)
        if failure:
            failures.append(failure)
            if step.vital:
                break
    return failures


def _run(module: AnsibleModule, command: tuple[str, ...], data: str = "") -> str:
    code, out, error = dpkg.patiently(module, command, data=data or None)
    return "" if code == 0 else programs.complaint(command, code, error.strip() or out.strip())


def ask(runtime: ContainerRuntime, step: Step) -> str:
    """Have the container runtime do what the step does to its names. Returns what failed."""
    try:
        # Before it was stopped, the kubelet may have made others than those that were seen.
        if step.action == "stop":
            runtime.stop_pods()
        elif step.action == "remove_containers":
            runtime.remove_pods()
        elif step.action == "untag":
            runtime.untag(step.names[0])
        else:
            runtime.tag(*step.names)
    except ContainerRuntimeError as error:
        return str(error)
    return ""


def touch(step: Step) -> str:
    """Do what the step does to its path. Returns what failed."""
    path = Path(step.path)
    try:
        if step.action == "remove":
            path.unlink(missing_ok=True)
        elif step.action == "kubeconfig":
            home_kubeconfig.remove(path)
        elif step.action == "text":
            files.write(path, step.data.encode(), path.stat().st_mode & 0o7777 if path.exists() else 0o644)
        elif step.action == "cgroup":
            return _remove_cgroup(path)
        elif step.action == "directory":
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()
        elif path.is_dir():
            _empty(path, spared=ledger_file.EMPTY if step.action == "contents" else set())
            if step.action == "tree":
                path.rmdir()
    except OSError as error:
        return f"{step.path}: {error.strerror or error}"
    return ""


def _empty(directory: Path, spared: set[str]) -> None:
    """Remove all in a directory. Raises OSError before anything if a file system is mounted in it."""
    mounted = _mounted(directory)
    if mounted:
        raise OSError(f"{mounted[0]} is still mounted, so nothing was removed")
    for child in directory.iterdir():
        if child.name in spared:
            continue
        if child.is_dir() and not child.is_symlink():
            shutil.rmtree(child)
        else:
            child.unlink()


def _mounted(tree: Path) -> list[str]:
    return mounts.inside([str(tree)], Path("/proc/self/mountinfo").read_text())


def _remove_cgroup(top: Path) -> str:
    """Remove a cgroup with those in it, once the last process in them has ended."""

    def busy() -> list[str]:
        left = []
        for directory, _inner, _files_in_it in os.walk(top, topdown=False):
            try:
                Path(directory).rmdir()
            except OSError as error:
                left.append(f"{directory}: {error.strerror}")
        return left

    return "; ".join(waiting.until_none(busy, CGROUP_SECONDS))
