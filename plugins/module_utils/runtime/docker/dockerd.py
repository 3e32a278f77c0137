# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""dockerd as it has to be: its settings, its environment and its unit, and what a change of them takes."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import programs, systemd
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.programs import Run
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import daemon
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker import dockerd_flags
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.settings_format import JSON
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import (
    ledger_file,
    log_lines,
    nested_settings,
    waiting,
)

PROGRAM = daemon.Program("Docker", "dockerd", "docker.service", "cluster_docker_settings")
DAEMON_JSON = "/etc/docker/daemon.json"
PROXY_FILE = "/etc/systemd/system/docker.service.d/mink8s-proxy.conf"
# The major version that asks for API 1.44, while kubelets speak 1.40 at most.
LOWERED_FROM = 29
LOWEST_API = {"min-api-version": "1.24"}
# As the kubelet bounds the logs of other container runtimes.
LOG_BOUND = {"max-size": "10m", "max-file": "5"}
# Without it Docker sets no hairpin mode, and a pod does not reach itself through its Service's address.
HAIRPIN = {"userland-proxy": False}
# From this major version on dockerd can be asked whether it takes a file.
VALIDATES_FROM = 23
VALIDATION_SECONDS = 20
PACKAGE_LISTS = Path("/var/lib/dpkg/info")

_PID_FILE_FOUND = re.compile(r"pid file found|process with PID \d+ is still running", re.IGNORECASE)


@dataclass(frozen=True)
class Desired(daemon.Desired):
    """What dockerd is to have. defaults: whether the collection's own settings are among it."""

    path: str = DAEMON_JSON
    proxy_file: str = PROXY_FILE
    defaults: bool = True


def wanted_settings(
    desired: Desired, theirs: Mapping[str, Any], flags: Mapping[str, str], version: str, ours: bool
) -> dict[str, Any]:
    """The settings that daemon.json has to have from the collection.

    theirs: those that are in it without us. version: the engine's, empty if unknown. ours: whether the engine
    is the collection's, which then has its settings unless somebody has chosen others.
    """
    chosen = {**flags, **theirs, **desired.settings}
    wanted: dict[str, Any] = {}
    if _major(version) >= LOWERED_FROM:
        wanted.update(LOWEST_API)
    if desired.defaults and ours:
        options = [settings.get("log-opts", {}) for settings in (theirs, desired.settings)]
        if "log-driver" not in chosen and "log-opts" not in flags and _all_dictionaries(options):
            missing = {
                key: value for key, value in LOG_BOUND.items() if not any(key in each for each in options)
            }
            wanted.update({"log-opts": missing} if missing else {})
        if "userland-proxy" not in chosen:
            wanted.update(HAIRPIN)
    return nested_settings.merge(wanted, desired.settings)


def _all_dictionaries(values: Iterable[object]) -> bool:
    return all(isinstance(value, dict) for value in values)


def is_ours(ledger: str, dockerd: str) -> bool:
    """Whether the program comes from a package that the ledger has; also where there is none yet."""
    if not dockerd:
        return True
    # /bin is /usr/bin on most hosts, and packages say the latter.
    places = {dockerd, str(Path(dockerd).parent.resolve() / Path(dockerd).name)}
    known = ledger_file.read(ledger)
    # The one that has it is most likely named after it.
    for package in sorted(known.packages if known else (), key=lambda name: "docker" not in name):
        name = package.partition(":")[0]
        for listing in (PACKAGE_LISTS / f"{name}.list", *PACKAGE_LISTS.glob(f"{name}:*.list")):
            if listing.exists() and places & set(listing.read_text().splitlines()):
                return True
    return False


def prepare(desired: Desired, version: str, installed: bool, unit: systemd.Unit) -> daemon.Daemon:
    """Compare dockerd's files and its unit with what is wanted. Raises ValueError and OSError.

    version: the engine's; empty if it is unknown. installed: whether there is one, or is going to be.
    """
    ours = is_ours(desired.ledger, programs.find("dockerd"))
    flags = dockerd_flags.flagged(dockerd_flags.command(unit))

    def want(theirs: dict[str, Any]) -> dict[str, Any]:
        return wanted_settings(desired, theirs, flags, version, ours)

    return daemon.prepare(PROGRAM, desired, want, installed, unit)


def refusal(run: Run, planned: daemon.Daemon, version: str) -> str:
    """What dockerd says of the settings if it would not start with them; empty if it would, or is not there.

    Docker runs on meanwhile, whatever its version.
    """
    dockerd = programs.find("dockerd")
    if not dockerd:
        return ""
    flags = [flag for flag in dockerd_flags.command(planned.unit)[1:] if not flag.startswith("--config-file")]
    with tempfile.TemporaryDirectory() as directory:
        candidate, pid_file = Path(directory, "daemon.json"), Path(directory, "docker.pid")
        settings = harmless(planned.change.settings, dockerd_flags.flagged(["", *flags]), directory)
        candidate.write_text(JSON.render(settings, ""))
        # Before 23 dockerd reads its settings, and ends if its PID file has a process that runs: this one.
        pid_file.write_text(str(os.getpid()))
        trial = "--validate" if _major(version) >= VALIDATES_FROM else f"--pidfile={pid_file}"
        asked = waiting.limited(VALIDATION_SECONDS, dockerd, *flags, trial, f"--config-file={candidate}")
        code, out, error = run(asked)
    if code == 0 or _PID_FILE_FOUND.search(error):
        return ""
    said = log_lines.most_relevant(error) or log_lines.most_relevant(out)
    said = re.sub(r"^unable to configure the Docker daemon with file [^:]+: ", "", said)
    return f"{said}{hint(said, planned.wanted)}"


def harmless(settings: Mapping[str, Any], flags: Mapping[str, str], directory: str) -> dict[str, Any]:
    """The settings without what dockerd would do on the host before it ends.

    directory: one of ours, in which it may make what is not there.
    """
    found = {key: value for key, value in settings.items() if key not in ("pidfile", "userns-remap")}
    for key, usual in (("data-root", "/var/lib/docker"), ("exec-root", "/var/run/docker")):
        path = settings.get(key, usual)
        if key not in flags and isinstance(path, str) and not Path(path).exists():
            found[key] = f"{directory}/{key}"
    return found


def hint(said: str, settings: Mapping[str, Any]) -> str:
    """What else to say of values that are no text where dockerd takes nothing else."""
    options = settings.get("log-opts")
    values = options.items() if "cannot unmarshal" in said and isinstance(options, dict) else ()
    wrong = [f'{key}: "{value}"' for key, value in values if not isinstance(value, str)]
    return f" (log-opts takes text alone: {', '.join(wrong)})" if wrong else ""


def _major(version: str) -> int:
    found = re.match(r"\d+", version)
    return int(found[0]) if found else 0
