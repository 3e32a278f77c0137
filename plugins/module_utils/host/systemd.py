# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What systemd says about a unit."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import log_lines

if TYPE_CHECKING:
    from collections.abc import Callable

    from ansible.module_utils.basic import AnsibleModule

PROPERTIES = (
    "LoadState",
    "UnitFileState",
    "ActiveState",
    "NeedDaemonReload",
    "ExecMainStartTimestampMonotonic",
    "MainPID",
    "NRestarts",
    "InvocationID",
    "ExecStart",
)
# Where systemd says that it has booted the host.
BOOTED = Path("/run/systemd/system")
# How long a process has run, in seconds, that has not ended at its start.
SETTLED = 20


def is_booted() -> bool:
    """Whether the host was booted with systemd."""
    return BOOTED.is_dir()


@dataclass(frozen=True)
class Unit:
    """A unit as it is now; started_at is in seconds since the epoch, 0 if it does not run, as is pid.

    command: what it starts, without variables. masked: whether systemd refuses to start it.
    restarts: how often systemd has started it again since it was told to start it. invocation: names this
    start in the journal.
    """

    loaded: bool
    enabled: bool
    active: bool
    needs_reload: bool
    started_at: float
    pid: int = 0
    command: tuple[str, ...] = ()
    masked: bool = False
    restarts: int = 0
    invocation: str = ""

    def runs(self) -> bool:
        """Whether its process runs, and has not just been started again after it ended."""
        return self.pid != 0 and not (self.restarts and time.time() - self.started_at < SETTLED)


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
        command=_command(values.get("ExecStart", "")),
        masked=values.get("LoadState") == "masked",
        restarts=int(values.get("NRestarts") or 0),
        invocation=values.get("InvocationID", ""),
    )


def _command(exec_start: str) -> tuple[str, ...]:
    found = re.search(r"argv\[\]=(.*?) ; ", exec_start)
    return tuple(word for word in found[1].split() if not word.startswith("$")) if found else ()


def observe(module: AnsibleModule, name: str) -> Unit:
    """The state of the unit on this host; a unit systemd does not know is not loaded."""
    return ask(module.run_command, name)


def ask(run: Callable[..., tuple[int, str, str]], name: str) -> Unit:
    """The same. run: the module's run_command."""
    _rc, show, _err = run(["systemctl", "show", name, "--property", ",".join(PROPERTIES)])
    return parse(show, time.time(), time.clock_gettime(time.CLOCK_MONOTONIC))


def last_error(module: AnsibleModule, name: str, since: float) -> str:
    """The line of the unit's journal that tells most of why it did not start. since: when it was told to."""
    command = ["journalctl", "--unit", name, "--since", f"@{int(since)}", "--no-pager", "--output", "cat"]
    journal = module.run_command(command)[1]
    # What some programs say as they end is not marked as an error, but has their name.
    said = [line for line in journal.splitlines() if line.startswith(f"{name.partition('.')[0]}: ")]
    return log_lines.most_relevant(said[-1] if said else journal)


def why(module: AnsibleModule, name: str, error: str) -> str:
    """Why a unit did not do what systemctl was told. error: what systemctl said."""
    # Of a unit that failed, systemctl says only where else to look.
    said = "" if error.startswith("Job for") else " ".join(error.split())
    return " ".join(filter(None, [said, last_line(module, name), f"See `journalctl -u {name}`."]))


def last_line(module: AnsibleModule, name: str) -> str:
    """The line of the unit's journal that tells most, as a sentence; empty if there is none."""
    unit = observe(module, name)
    command = ["journalctl", "--unit", name, "--lines", "2000", "--no-pager", "--output", "cat"]
    # What an earlier process ended of is past where this one has run on.
    if unit.started_at and time.time() - unit.started_at > SETTLED:
        command += ["--since", f"@{int(unit.started_at)}"]
    _rc, out, _err = module.run_command(command)
    line = log_lines.most_relevant(out)
    return f"The journal of {name} says: {line}" if line else ""
