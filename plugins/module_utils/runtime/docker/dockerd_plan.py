# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a run is going to do to dockerd, known before anything is changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import programs, systemd
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.programs import Run
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker import (
    dockerd,
    dockerd_flags,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.settings_format import (
    UnreadableError,
)


@dataclass(frozen=True)
class DockerdPlan:
    """What a run is going to do to dockerd, and what is to be said of it before.

    restarts: why a dockerd that runs is going to be restarted. settings: those that daemon.json is going to
    have. flags: those that its unit passes. refusal: why it would not start with them. loaded, masked: its
    unit. ours: whether the collection has installed it, or is going to.
    """

    restarts: tuple[str, ...] = ()
    settings: Mapping[str, Any] = field(default_factory=dict)
    flags: Mapping[str, str] = field(default_factory=dict)
    refusal: str = ""
    loaded: bool = True
    masked: bool = False
    ours: bool = True

    def get(self, key: str) -> Any:
        """What dockerd is going to have of a setting; None if it has its own default."""
        value = self.settings.get(key, self.flags.get(key))
        return {"true": True, "false": False}.get(value, value) if isinstance(value, str) else value


def look(desired: dockerd.Desired, run: Run, version: str) -> DockerdPlan:
    """What is going to be done. run: the module's run_command. Raises ValueError and OSError."""
    unit = systemd.ask(run, dockerd.PROGRAM.unit)
    daemon = dockerd.prepare(desired, version, bool(version), unit)
    flags = dockerd_flags.flagged(dockerd_flags.command(unit) if version else dockerd_flags.USUAL_COMMAND)
    changed = bool(daemon.change.plan.reasons or (daemon.restart_reasons and version))
    return DockerdPlan(
        restarts=daemon.restart_reasons if unit.active else (),
        settings=daemon.change.settings,
        flags=flags,
        refusal=dockerd.refusal(run, daemon, version) if changed and version else "",
        loaded=unit.loaded,
        masked=unit.masked,
        ours=dockerd.is_ours(desired.ledger, programs.find("dockerd")),
    )


def of_preflight(params: Mapping[str, Any], run: Run, version: str) -> DockerdPlan:
    """The same, from the options of the module preflight; nothing is known where a file cannot be read."""
    if params["runtime_settings"] is None:
        return DockerdPlan()
    names = ("settings", "defaults", "proxy")
    desired = dockerd.Desired(**{name: params[f"runtime_{name}"] for name in names}, ledger=params["ledger"])
    try:
        return look(desired, run, version)
    except (UnreadableError, OSError):
        return DockerdPlan()
    except ValueError as error:
        return DockerdPlan(refusal=str(error).rstrip("."))
