# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What systemd says about a unit."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

PROPERTIES = (
    "LoadState",
    "UnitFileState",
    "ActiveState",
    "NeedDaemonReload",
    "ExecMainStartTimestampMonotonic",
    "MainPID",
)
# A line of a Go program's stack trace, or of the usage text that comes before or after an error.
NOISE = re.compile(r"goroutine \d+|created by |[\w./*()-]+\(.*\)$|Usage:|(.+ f|F)lags:$|\s|$")


@dataclass(frozen=True)
class Unit:
    """A unit as it is now; started_at is in seconds since the epoch, 0 if it does not run, as is pid."""

    loaded: bool
    enabled: bool
    active: bool
    needs_reload: bool
    started_at: float
    pid: int = 0


def parse(show: str, now: float, monotonic: float) -> Unit:
    """Read the output of `systemctl show`.

    now, monotonic: the same moment in seconds since the epoch and since boot; systemd gives the
    start of a process in the latter, files have the former.
    """
    values = dict(line.split("=", 1) for line in show.splitlines() if "=" in line)
    active = values.get("ActiveState") in ("active", "activating", "reloading")
    started = int(values.get("ExecMainStartTimestampMonotonic") or 0) / 1e6
    return Unit(
        loaded=values.get("LoadState") == "loaded",
        enabled=values.get("UnitFileState") == "enabled",
        active=active,
        needs_reload=values.get("NeedDaemonReload") == "yes",
        started_at=now - (monotonic - started) if active and started else 0.0,
        pid=int(values.get("MainPID") or 0),
    )


def observe(module: AnsibleModule, name: str) -> Unit:
    """The state of the unit on this host; a unit systemd does not know is not loaded."""
    _rc, show, _err = module.run_command(["systemctl", "show", name, "--property", ",".join(PROPERTIES)])
    return parse(show, time.time(), time.clock_gettime(time.CLOCK_MONOTONIC))


def last_lines(module: AnsibleModule, name: str) -> str:
    """The end of the unit's journal."""
    command = ["journalctl", "--unit", name, "--lines", "2000", "--no-pager", "--output", "cat"]
    _rc, out, _err = module.run_command(command)
    return telling(out)


def telling(log: str, lines: int = 15) -> str:
    """The last lines of a log that say something.

    A Kubernetes component says the same thing over and over while it waits, and prints its whole
    usage text, or where each of its goroutines was, next to the error that ended it.
    """
    latest: dict[str, str] = {}
    for line in log.splitlines():
        message = line.partition("] ")[2] or line
        latest.pop(message, None)
        if not NOISE.match(line):
            latest[message] = line
    return "\n".join(list(latest.values())[-lines:])
