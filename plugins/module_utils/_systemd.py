# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What systemd says about a unit."""

from __future__ import annotations

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
)


@dataclass(frozen=True)
class Unit:
    """A unit as it is now; started_at is in seconds since the epoch, 0 if it does not run."""

    loaded: bool
    enabled: bool
    active: bool
    needs_reload: bool
    started_at: float


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
    )


def observe(module: AnsibleModule, name: str) -> Unit:
    """The state of the unit on this host; a unit systemd does not know is not loaded."""
    _rc, show, _err = module.run_command(["systemctl", "show", name, "--property", ",".join(PROPERTIES)])
    return parse(show, time.time(), time.clock_gettime(time.CLOCK_MONOTONIC))


def last_lines(module: AnsibleModule, name: str, lines: int = 15) -> str:
    """The end of the unit's journal."""
    _rc, out, _err = module.run_command(
        ["journalctl", "--unit", name, "--lines", str(lines), "--no-pager", "--output", "cat"]
    )
    return out.strip()
