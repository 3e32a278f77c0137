# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The table of releases, of roles/release/vars/main.yml, which has a row for each minor release."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import versions


def row(table: Mapping[str, Mapping[str, Any]], version: str) -> Mapping[str, Any]:
    """The row of a version; of a minor release that is not in the table, that of the one before it.

    Of one before all others, the first.
    """
    minors = sorted(table, key=_number)
    earlier = [minor for minor in minors if _number(minor) <= versions.minor(version)]
    return table[earlier[-1] if earlier else minors[0]]


def has(table: Mapping[str, Mapping[str, Any]], version: str) -> bool:
    """Whether the minor release of a version is in the table."""
    return any(_number(minor) == versions.minor(version) for minor in table)


def minors(
    table: Mapping[str, Mapping[str, Any]], fits: Callable[[Mapping[str, Any]], bool] = bool
) -> list[str]:
    """The minor releases whose rows fit, the oldest first, such as C(1.18)."""
    return sorted((minor for minor in table if fits(table[minor])), key=_number)


def checksums(
    table: Mapping[str, Mapping[str, Any]], fits: Callable[[Mapping[str, Any]], bool] = bool
) -> dict[str, dict[str, str]]:
    """The SHA-512 by architecture of each release that is known, by version, of the rows that fit."""
    return {
        version: sums for minor in minors(table, fits) for version, sums in table[minor]["checksums"].items()
    }


def sets_kernel_memory(row: Mapping[str, Any], version: str) -> bool:
    """Whether the kubelet of that version sets limits of kernel memory. row: its own."""
    first: str = row.get("kernel_memory_limit_removed_in", "")
    return first != "" and versions.parse(version) < versions.parse(first)


def _number(minor: str) -> int:
    return versions.minor(f"v{minor}")
