# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What there is of containerd on a host, and what of it keeps the host from becoming a cluster."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import programs, systemd
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.programs import Run
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release import table
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import settings_file, settings_format
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    ContainerRuntimeError,
    Observed,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.containerd import config, daemon
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.containerd.engine import Containerd
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.finding import Problems, failure


@dataclass(frozen=True)
class ContainerdObserved(Observed):
    """The same of containerd.

    containers: those that a kubelet made; Docker's, which may be in it as well, are none of its CRI's.
    unreadable: why its configuration file can't be read. refusal: why the kubelet could not use it with what
    that is to have. wrong: what is wrong with the variables, and what to do about it. candidate: the version
    that would be installed, where there is none and apt knows one.
    """

    name: str = Containerd.name
    unit: str = Containerd.units[-1]
    bridge: str = Containerd.bridge
    data_root: str = Containerd.data_root
    keeps_containers: bool = True
    variable: str = daemon.PROGRAM.variable
    unreadable: str = ""
    refusal: str = ""
    wrong: str = ""
    candidate: str = ""

    def version_problems(self, desired: Mapping[str, Any]) -> Problems:
        """The versions of CRI, one of which the kubelet has to speak; this collection speaks the first."""
        if not self.version:
            return
        seen, speaks = f"containerd {self.version}", config.cri_versions(self.version)
        if "v1" not in speaks:
            yield failure(
                f"{seen} speaks CRI {' and '.join(speaks)}, and v1 is needed.",
                "Upgrade containerd to 1.6 or later.",
            )
        yield from _without_common_cri(seen, speaks, desired)

    def settings_problems(self, desired: Mapping[str, Any]) -> Problems:
        """What the configuration file is to have, with which containerd has to start with its CRI."""
        if self.unreadable:
            yield failure(f"{self.unreadable}.", daemon.PROGRAM.remedy)
        if self.refusal:
            yield failure(
                f"containerd does not start with what {Containerd.configuration} is to have: {self.refusal}.",
                f"Correct {daemon.PROGRAM.variable}, or the file.",
            )
        if self.wrong:
            message, _stop, remedy = self.wrong.partition(". ")
            yield failure(f"{message.rstrip('.')}.", remedy or "Correct it.")

    def packages_problems(self, desired: Mapping[str, Any]) -> Problems:
        """A containerd of the distribution's that the kubelet can't use."""
        if not self.candidate:
            return
        seen = "There is no containerd on this host, and the one that apt would install,"
        speaks = config.cri_versions(self.candidate)
        if "v1" not in speaks:
            yield failure(
                f"{seen} {self.candidate}, does not speak CRI v1.",
                "Install containerd 1.6 or later, such as Docker's containerd.io, or use a later system.",
            )
        yield from _without_common_cri(f"{seen} {self.candidate},", speaks, desired)


def _without_common_cri(seen: str, speaks: Sequence[str], desired: Mapping[str, Any]) -> Problems:
    """A containerd that has CRI v1, and the kubelet has not. seen: which. speaks: its versions of CRI."""
    kubelet = table.row(desired["releases"], desired["version"]).get("cri", speaks)
    if "v1" in speaks and not set(speaks) & set(kubelet):
        yield failure(
            f"{seen} speaks CRI {' and '.join(speaks)}, and the kubelet of {desired['version']}"
            f" {' and '.join(kubelet)} only.",
            "Choose a later cluster_version, or another cluster_container_runtime.",
        )


def observe(params: Mapping[str, Any], run: Run, cgroup_version: int) -> ContainerdObserved:
    """Look at what there is of containerd.

    params: the options of the module preflight. run: the module's run_command.
    """
    containerd = Containerd()
    version, driver = containerd.version_and_driver(run)
    unit = systemd.ask(run, daemon.PROGRAM.unit)
    path = Path(containerd.configuration)
    readable = settings_format.HAS_TOMLKIT or settings_format.HAS_TOMLLIB or not path.exists()
    seen: dict[str, Any] = {"unreadable": settings_file.unreadable(path) if readable else ""}
    # It is installed with containerd: without it a change of the file waits until then.
    if not seen["unreadable"] and (settings_format.HAS_TOMLKIT or not path.exists()):
        seen.update(_plan(params, run, version, unit, str(path)))
    planned_driver = seen.pop("cgroup_driver", driver)
    # It may run without its CRI, or without its unit.
    containers = _containers(containerd)
    running = unit.active or containers is not None
    return ContainerdObserved(
        **seen,
        version=version,
        running=running,
        cgroup_driver=driver if running else planned_driver,
        containers=containers or (),
        loaded=unit.loaded,
        masked=unit.masked,
        # Packages among the artifacts are others than apt's.
        candidate="" if version or params["artifacts"] else _candidate(run, params["runtime_packages"]),
    )


def _candidate(run: Run, packages: Sequence[str]) -> str:
    """The version of containerd that apt would install; empty if it knows none."""
    names = [name for name in packages if name.startswith("containerd")]
    if not names or not programs.find("apt-cache"):
        return ""
    found = re.search(
        r"^Version: (\S+)", run(["apt-cache", "show", "--no-all-versions", names[0]])[1], re.MULTILINE
    )
    return found[1] if found else ""


def _plan(params: Mapping[str, Any], run: Run, version: str, unit: systemd.Unit, path: str) -> dict[str, Any]:
    """What a run is going to do, from the options of the module preflight."""
    if params["runtime_settings"] is None:
        return {}
    desired = daemon.Desired(
        settings=params["runtime_settings"],
        proxy=params["runtime_proxy"],
        ledger=params["ledger"],
        path=path,
        pause_image=params["runtime_pause_image"],
        registries=params["runtime_registries"],
    )
    try:
        planned = daemon.prepare(desired, bool(version), unit)
        daemon.prepare_hosts(desired)
    except ValueError as error:
        return {"wrong": str(error)}
    except OSError:
        return {}
    asks = bool(version and (planned.change.plan.reasons or planned.restart_reasons))
    now = settings_file.observe(planned.path).settings
    return {
        "refusal": daemon.refusal(run, planned, desired.settings, version) if asks else "",
        "restarts": planned.restart_reasons if unit.active else (),
        "data_root": now.get("root") or Containerd.data_root,
        "data_root_wanted": planned.change.settings.get("root") or Containerd.data_root,
        "cgroup_driver": config.cgroup_driver(planned.change.settings),
    }


def _containers(containerd: Containerd) -> tuple[str, ...] | None:
    """The names of those that run; None if it does not answer."""
    try:
        return tuple(each.name for each in containerd.containers() if each.runs)
    except ContainerRuntimeError:
        return None
