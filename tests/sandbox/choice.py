# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which release a node gets from the internet: the collection's own, or the newest where that does not run.

A node in a container has the kernel and the cgroups of this machine.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from types import ModuleType

from common import HERE, say

ROOT = HERE.parents[1]
COLLECTIONS = ROOT / ".collections"
TABLE = ROOT / "roles/release/vars/main.yml"
DEFAULTS = ROOT / "roles/cluster/defaults/main.yml"


def here() -> str:
    """The version for this machine, after a line that says which and why."""
    default = own()
    version, why = choose(releases(), default, _cgroup().version(), _kernel_memory_error(default))
    say(f"Kubernetes {version}: {why}; VERSION=vX takes another")
    return version


def choose(
    known: Mapping[str, Collection[int]], default: str, cgroup_version: int, kernel_memory_error: str
) -> tuple[str, str]:
    """The version to take, and why.

    known: the versions there are, each with the versions of cgroup its kubelet can use.
    default: the collection's own, taken where it runs.
    kernel_memory_error: why its kubelet can't set the limits of kernel memory that it sets; empty if it can.
    """
    newest = max((each for each in known if cgroup_version in known[each]), key=_numbers)
    other = f"the newest for this machine, for the collection's own {default}"
    if cgroup_version not in known[default]:
        return newest, f"{other} can't use its cgroup v{cgroup_version}"
    if kernel_memory_error:
        return newest, f"{other} sets a limit that this kernel refuses ({kernel_memory_error})"
    return default, "the collection's own, which runs on this machine"


def releases() -> dict[str, set[int]]:
    """The versions whose sums the collection knows, each with the versions of cgroup its kubelet can use."""
    return {
        version: {int(number) for number in re.findall(r"\d+", cgroups)}
        for row in _rows()
        for cgroups in re.findall(r"^    cgroup_versions: (.*)$", row, re.MULTILINE)
        for version in re.findall(r"^      (v[0-9.]+):$", row, re.MULTILINE)
    }


def own() -> str:
    """The version that the collection takes by itself."""
    found = re.search(r"^cluster_version: (v[0-9.]+)$", DEFAULTS.read_text(), re.MULTILINE)
    assert found, f"{DEFAULTS} has no line with cluster_version"
    return found[1]


def needs_cgroup_v1_allowed(version: str) -> bool:
    """Whether the kubelet of a version would refuse this machine's cgroup v1 unless it is told not to."""
    minor = version.removeprefix("v").rpartition(".")[0]
    rows = [row for row in _rows() if row.startswith(f'  "{minor}":\n')]
    return any("\n    cgroup_versions: [2]\n" in row for row in rows) and _cgroup().version() == 1


def _kernel_memory_error(version: str) -> str:
    """Why this machine refuses the limits of kernel memory that a kubelet sets; empty if it does not."""
    (row,) = (row for row in _rows() if f"\n      {version}:\n" in row)
    mounts = Path("/proc/self/mounts").read_text()
    return _cgroup().kernel_memory_error(mounts) if "kernel_memory_limit_removed_in" in row else ""


def _cgroup() -> ModuleType:
    """The collection's own code that preflight finds out this machine's cgroups with."""
    link = COLLECTIONS / "ansible_collections/mink8s/kubernetes"
    if not link.exists():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(ROOT)
    sys.path.insert(0, str(COLLECTIONS))
    from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import cgroup

    return cgroup


def _rows() -> list[str]:
    """The rows of the table of releases. Python's own library can't read YAML."""
    return re.findall(r'^  "1[.]\d+":\n(?:    .*\n)+', TABLE.read_text(), re.MULTILINE)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.removeprefix("v").split("."))
