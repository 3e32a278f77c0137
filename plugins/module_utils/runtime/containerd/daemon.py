# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""containerd as it has to be: its settings, its environment, its registries and its unit."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import (
    file_set,
    programs,
    systemd,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.programs import Run
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.service import UnitError
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import daemon
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    ContainerRuntimeError,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.containerd import config, cri
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.containerd.engine import (
    Containerd,
    default_driver,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.settings_format import TOML
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import (
    ledger_file,
    log_lines,
    waiting,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan, redacted
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.redact import redact

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

PROGRAM = daemon.Program("containerd", "containerd", Containerd.units[-1], "cluster_containerd_settings")
PROXY_FILE = "/etc/systemd/system/containerd.service.d/mink8s-proxy.conf"
# How long containerd may take to say what it reads in a file, and its CRI to answer once it runs.
DUMP_SECONDS, CRI_SECONDS = 20, 30
# What its journal has of a plugin that does not start.
NOT_LOADED = re.compile(rf"failed to load plugin.*({'|'.join(map(re.escape, sorted(config.DISABLING)))})")

# With many containers on the host, what root may have of these is used up.
NO_INOTIFY = re.compile(r"fsnotify.*too many open files")
INOTIFY_REMEDY = (
    "No inotify instance is left on the host: raise their number, as with"
    " `sysctl -w fs.inotify.max_user_instances=1024`"
)


@dataclass(frozen=True)
class Desired(daemon.Desired):
    """What containerd is to have.

    pause_image: of the containers that hold pods' networks; empty for its own. registries: for a registry's
    HOST or HOST:PORT, the URLs at which its images are asked for instead.
    """

    path: str = Containerd.configuration
    proxy_file: str = PROXY_FILE
    pause_image: str = ""
    registries: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def registries_directory(self) -> str:
        """Where the registries' files are."""
        return str(Path(self.path).with_name("certs.d"))


def prepare(desired: Desired, installed: bool, unit: systemd.Unit) -> daemon.Daemon:
    """Compare containerd's files and its unit with what is wanted. Raises ValueError and OSError.

    installed: whether there is one, or is going to be.
    """
    registries = desired.registries_directory if desired.registries else ""
    systemd_has_cgroups = default_driver() == "systemd"

    def want(theirs: dict[str, Any]) -> dict[str, Any]:
        return config.wanted_settings(
            desired.settings, theirs, desired.pause_image, registries, systemd_has_cgroups
        )

    return daemon.prepare(PROGRAM, desired, want, installed, unit)


def hosts_files(desired: Desired) -> dict[str, Any]:
    """The registries' files, as a set of files. Raises ValueError and OSError."""
    contents = config.hosts_files(desired.registries_directory, desired.registries)
    there = sorted(Path(desired.registries_directory).glob("*/hosts.toml"))
    return {
        "directories": [],
        "files": [
            # A URL may have a password.
            {
                "path": path,
                "content": content,
                "mode": "0644" if redact(content) == content else "0600",
                "marker": config.MARKER,
            }
            for path, content in contents.items()
        ],
        "absent": [str(path) for path in there if str(path) not in contents and config.is_ours(path)],
        "ledger": desired.ledger,
    }


def prepare_hosts(desired: Desired) -> tuple[Plan, file_set.Changes, dict[str, Any]]:
    """The plan for the registries' files, what it changes, and the set. Raises ValueError and OSError."""
    wanted = hosts_files(desired)
    foreign = config.foreign([file["path"] for file in wanted["files"]])
    if foreign:
        raise ValueError(
            f"{' and '.join(foreign)} is not the collection's: its first line does not say so. Move it away,"
            " or take its registry out of cluster_containerd_registries."
        )
    plan, changes = file_set.prepare(wanted)
    return redacted(plan), changes, wanted


def apply_hosts(changes: file_set.Changes, wanted: dict[str, Any]) -> None:
    """Write and remove registries' files, with the directories of ours that are empty then.

    changes, wanted: as prepare_hosts returns them. Raises LedgerError and OSError.
    """
    file_set.note(wanted)
    file_set.apply(changes)
    ledger = ledger_file.read(wanted["ledger"]) or ledger_file.Ledger()
    for path in changes.absent:
        # That of the registry, and that of all of them.
        for directory in list(path.parents)[:2]:
            if ledger.paths.get(str(directory)) == "directory" and not any(directory.iterdir()):
                directory.rmdir()


def refusal(run: Run, planned: daemon.Daemon, asked: Mapping[str, Any], version: str) -> str:
    """Why the kubelet could not use containerd with the settings; empty if it could, or there is none.

    containerd itself is asked, and runs on meanwhile. run: the module's run_command. asked: the settings that
    a person asks for.
    """
    settings, program = planned.change.settings, programs.find(PROGRAM.command)
    said = config.complaint(settings, asked, version)
    if said or not program:
        return said
    imports = [str(each) for each in settings.get("imports") or []]
    # A path without a leading slash starts at the file that names it.
    absolute = [str(Path(planned.path.parent, each)) for each in imports]
    text = planned.change.text or ""
    with tempfile.TemporaryDirectory() as directory:
        candidate = Path(directory, "config.toml")
        candidate.write_text(
            text if imports == absolute else TOML.render({**settings, "imports": absolute}, text)
        )
        command = (program, "--config", str(candidate), "config", "dump")
        code, out, error = run(waiting.limited(DUMP_SECONDS, *command))
    if code != 0:
        own = [line for line in error.splitlines() if line.startswith("containerd: ")]
        said = own[-1] if own else log_lines.most_relevant(error) or log_lines.most_relevant(out)
        place = re.search(r"\((\d+), \d+\): ", said)
        seen = "".join(text.splitlines()[int(place[1]) - 1 : int(place[1])]).strip() if place else ""
        said = re.sub(rf"^containerd: |{re.escape(directory)}/", "", said)
        return redact(f"{said}, seen: {seen}" if seen else said)
    # Up to 1.7 what is imported takes the place of a plugin's settings as a whole.
    if imports and version and config.numbers(version) < config.SECOND_FROM:
        effective = TOML.parse("", out.encode())
        lost = [*config.overridden({"plugins": planned.wanted.get("plugins", {})}, effective)]
        if lost:
            return f"what it imports ({', '.join(imports)}) takes the place of {', '.join(lost)}"
    return ""


def answers(module: AnsibleModule) -> None:
    """Wait for the CRI of a containerd that runs. Raises UnitError with why it has none."""
    said: list[str] = []

    def missing() -> list[str]:
        try:
            cri.call("ListImages")
        except ContainerRuntimeError as error:
            said.append(str(error))
            return [str(error)]
        return []

    # It starts its plugins before it answers.
    left = waiting.until_none(missing, CRI_SECONDS, give_up=lambda: " has no CRI " in said[-1])
    if left:
        started = systemd.observe(module, PROGRAM.unit).started_at
        command = ["journalctl", "--unit", PROGRAM.unit, "--since", f"@{int(started)}", "--no-pager"]
        _code, journal, _error = module.run_command([*command, "--output", "cat"])
        lines = "\n".join(line for line in journal.splitlines() if NOT_LOADED.search(line))
        why = log_lines.most_relevant(lines)
        remedy = INOTIFY_REMEDY if NO_INOTIFY.search(why) else ""
        raise UnitError(". ".join(filter(None, [left[-1].rstrip("."), why, remedy])))
