# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one way in which modules wait."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

LONGEST_PAUSE = 2


def limited(seconds: int, *command: str) -> list[str]:
    """The command, ended after that long: a server that hangs would keep its client waiting for ever."""
    return ["timeout", "--kill-after=5", str(seconds), *command]


def never() -> bool:
    """Nothing says that waiting is in vain."""
    return False


def until_none(
    missing: Callable[[], Sequence[str]],
    timeout: float,
    interval: float = 0.25,
    give_up: Callable[[], bool] = never,
) -> Sequence[str]:
    """Call missing() until it names nothing that is still missing, or until time is up.

    timeout, interval: seconds. After a long look the pause is as long, up to LONGEST_PAUSE.
    give_up: whether no wait will help, asked while something is missing.
    Returns what was missing at the last look: empty if the wait came to its end.
    """
    deadline = time.monotonic() + timeout
    while True:
        began = time.monotonic()
        seen = missing()
        if not seen or time.monotonic() >= deadline or give_up():
            return seen
        # A slow host would do nothing but answer; one that hangs may be well the next moment.
        time.sleep(max(interval, min(time.monotonic() - began, LONGEST_PAUSE)))
