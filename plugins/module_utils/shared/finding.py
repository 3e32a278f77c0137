# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a check of a host sees: a problem that makes the run fail, or that a person should know of."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TypeAlias


class Problem(NamedTuple):
    """What was seen and what to do. fatal: whether the run would fail because of it."""

    fatal: bool
    message: str
    remedy: str


Problems: TypeAlias = "Iterator[Problem]"


def failure(message: str, remedy: str) -> Problem:
    """Something that would make the run fail."""
    return Problem(True, message, remedy)


def warning(message: str, remedy: str) -> Problem:
    """Something a person should know of before going on."""
    return Problem(False, message, remedy)
