# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which release a node gets from the internet: the collection's own, or the newest where that does not run.

A node in a container has the kernel and the cgroups of this machine.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Collection
from pathlib import Path

from common import HERE, say

ROOT = HERE.parents[1]
COLLECTIONS = ROOT / ".collections"
TABLE = ROOT / "roles/release/vars/main.yml"
DEFAULTS = ROOT / "roles/cluster/defaults/main.yml"
# Kubelets before it can't use cgroup v2.
CGROUP_V2_SINCE = (1, 19)


def here() -> str:
    """The version for this machine, after a line that says which and why."""
    default = own()
    version, why = choose(releases(), default, *_limits(default))
    say(f"Kubernetes {version}: {why}; VERSION=vX takes another")
    return version


def choose(
    known: Collection[str], default: str, cgroup_version: int, kernel_memory_error: str
) -> tuple[str, str]:
    """The version to take, and why.

    known: the versions there are. default: the collection's own, taken where it runs.
    kernel_memory_error: why its kubelet can't set the limits of kernel memory that it sets; empty if it can.
    """
    newest = max(known, key=_numbers)
    other = f"the newest that the collection knows, for its own {default}"
    if cgroup_version == 2 and _numbers(default) < CGROUP_V2_SINCE:
        return newest, f"{other} needs cgroup v1, and this machine has cgroup v2"
    if kernel_memory_error:
        return newest, f"{other} sets a limit that this kernel refuses ({kernel_memory_error})"
    return default, "the collection's own, which runs on this machine"


def releases() -> list[str]:
    """The versions whose sums the collection knows. Python's own library can't read YAML."""
    sums = TABLE.read_text().partition("__release_checksums:\n")[2].partition("\n\n")[0]
    return re.findall(r"^  (v[0-9.]+):$", sums, re.MULTILINE)


def own() -> str:
    """The version that the collection takes by itself."""
    found = re.search(r"^cluster_version: (v[0-9.]+)$", DEFAULTS.read_text(), re.MULTILINE)
    assert found, f"{DEFAULTS} has no line with cluster_version"
    return found[1]


def _limits(default: str) -> tuple[int, str]:
    """What the collection's own preflight finds out of this machine, of the like that choose() is given."""
    link = COLLECTIONS / "ansible_collections/mink8s/kubernetes"
    if not link.exists():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(ROOT)
    sys.path.insert(0, str(COLLECTIONS))
    from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import cgroup

    mounts = Path("/proc/self/mounts").read_text()
    return cgroup.version(), cgroup.kernel_memory_error(mounts, default)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in version.removeprefix("v").split("."))
