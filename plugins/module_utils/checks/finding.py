# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the checks of a host find, and the table of all checks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks import observation
    from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.finding import Problems


@dataclass(frozen=True)
class Finding:
    """A problem and the name of the check that found it."""

    name: str
    message: str
    remedy: str

    def __str__(self) -> str:
        """The finding as a person reads it."""
        return f"{self.name}: {self.message} {self.remedy}"


Check: TypeAlias = "Callable[[Mapping[str, Any], observation.Host], Problems]"
CHECKS: dict[str, Check] = {}
# Who runs a kubelet on its own has no variables of the role cluster.
ALONE = {"cluster_version": "release_version"}


def check(function: Check) -> Check:
    """Add a check, whose name is what O(skip) takes, and whose docstring says what it looks at."""
    CHECKS[function.__name__] = function
    return function


def variable(desired: Mapping[str, Any], name: str) -> str:
    """The variable of the role cluster, or the one that stands for it where a kubelet runs on its own."""
    return name if desired["components"] else ALONE[name]
