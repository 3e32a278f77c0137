# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What Kubernetes calls its releases: their versions, to be compared with each other, and their tarballs."""

from __future__ import annotations

import re

FORM = r"v1\.\d+\.\d+"
IMAGE = re.compile(rf"^\s*(?:- )?image:\s*[\"']?\S*kube-apiserver(?:-\w+)?:({FORM})[\"'@\s]", re.MULTILINE)


def parse(version: str) -> tuple[int, ...]:
    """The numbers of a version, those it lacks as 0. What is no version at all counts as v1.18.0."""
    numbers = re.match(r"v1\.(\d+)(?:\.(\d+))?", version)
    return (1, int(numbers[1]), int(numbers[2] or 0)) if numbers else (1, 18, 0)


def minor(version: str) -> int:
    """The second number of a version."""
    return parse(version)[1]


def tarball(architecture: str) -> str:
    """Upstream's name of a release for an architecture."""
    return f"kubernetes-server-linux-{architecture}.tar.gz"


def is_release(reported: str, wanted: str) -> bool:
    """Whether a component that reports this version is of the wanted release.

    Whoever builds a release may add what they call their build, such as v1.18.6-k3s1.
    """
    return reported == wanted or reported.startswith((f"{wanted}-", f"{wanted}+"))


def of_manifest(manifest: str) -> str:
    """The release that a kube-apiserver manifest runs; empty if its image's tag is no version."""
    found = IMAGE.search(f"{manifest}\n")
    return found[1] if found else ""
