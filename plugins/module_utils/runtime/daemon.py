# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A daemon as it has to be: its settings, its environment and its unit, and what a change of them takes."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import file_set, service, systemd
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import (
    images,
    proxy,
    settings_file,
    settings_format,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    ContainerRuntimeError,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import files, ledger_file
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import (
    Plan,
    redacted,
    together,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.redact import redact

if TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule


# The options that the modules of all daemons have.
ARGUMENTS: dict[str, Any] = {
    "settings": {"type": "dict", "default": {}},
    "state": {"type": "str", "choices": ["configured", "running"], "default": "running"},
    # A proxy may have a password.
    "proxy": {"type": "str", "default": "", "no_log": True},
    "images": {"type": "list", "elements": "str", "default": []},
    **images.ARGUMENTS,
    **ledger_file.ARGUMENTS,
}


class RefusedError(Exception):
    """The daemon does not take what it is asked to."""


@dataclass(frozen=True)
class Program:
    """What a daemon is called: by a person, as a command, by systemd.

    variable: of the role cluster, with its settings.
    """

    name: str
    command: str
    unit: str
    variable: str

    @property
    def remedy(self) -> str:
        """What to do about a configuration file that can't be read."""
        return f"Correct it, or move it away, and run again: {self.command} can't read it either."


@dataclass(frozen=True)
class Desired:
    """What a daemon is to have.

    path: of its configuration file. proxy: variables of its environment, each NAME=VALUE on a line.
    """

    settings: dict[str, Any]
    proxy: str
    ledger: str
    path: str
    proxy_file: str


@dataclass(frozen=True)
class Daemon:
    """The whole plan, and what carries it out.

    files_plan: the part of the plan that needs no daemon. wanted: the settings that are the collection's.
    change: what it does to the configuration file, which is at path; noted: what the ledger has on that;
    mode: the file's.
    drop_in: the file with the proxy, as a set of files; files: what has to change of it. unit: as it was.
    restart_reasons: why the unit has to be started, or restarted if it runs.
    """

    program: Program
    path: Path
    ledger: str
    plan: Plan
    files_plan: Plan
    wanted: dict[str, Any]
    change: settings_file.Change
    noted: settings_file.Noted
    mode: int
    drop_in: dict[str, Any]
    files: file_set.Changes
    unit: systemd.Unit
    unit_desired: service.Desired
    restart_reasons: tuple[str, ...]


def prepare(
    program: Program,
    desired: Desired,
    want: Callable[[dict[str, Any]], dict[str, Any]],
    installed: bool,
    unit: systemd.Unit,
) -> Daemon:
    """Compare a daemon's files and its unit with what is wanted. Raises ValueError and OSError.

    want: the settings that its file has to have from the collection, from those in it that are not ours.
    installed: whether there is a daemon, or is going to be.
    """
    path = Path(desired.path)
    seen, known = settings_file.observe(path), settings_file.noted(desired.ledger, path)
    wanted = want(settings_file.theirs(seen, known))
    change = settings_file.plan(wanted, seen, known)
    drop_in = proxy.drop_in(desired.proxy_file, desired.proxy, desired.ledger)
    with_proxy, changes = file_set.prepare(drop_in)
    changed = bool(change.plan.reasons or with_proxy.reasons)
    inputs = service.written_at([desired.path, desired.proxy_file])
    unit_desired = service.Desired(program.unit, inputs, changed)
    # A package that check mode does not install would have started the daemon.
    running = service.plan(unit_desired, unit) if installed or changed else Plan()
    written = together(change.plan, redacted(with_proxy))
    return Daemon(
        program=program,
        path=path,
        ledger=desired.ledger,
        plan=together(written, running),
        files_plan=written,
        wanted=wanted,
        change=change,
        noted=known,
        mode=seen.mode,
        drop_in=drop_in,
        files=changes,
        unit=unit,
        unit_desired=unit_desired,
        restart_reasons=service.restart_reasons(unit_desired, unit),
    )


def write(daemon: Daemon, installed: bool) -> None:
    """Write the files, noted in the ledger. Raises LedgerError and OSError.

    installed: whether the daemon is.
    """
    if daemon.change.plan.reasons:
        settings_file.note(daemon.ledger, daemon.path, daemon.wanted, installed)
        settings_file.apply(daemon.path, daemon.change.text, daemon.mode)
    file_set.note(daemon.drop_in)
    file_set.apply(daemon.files)


def apply(
    module: AnsibleModule,
    daemon: Daemon,
    refused: str,
    meanwhile: AbstractContextManager[None],
    answers: Callable[[], None] = lambda: None,
) -> None:
    """Write the files and (re)start the daemon. Raises RefusedError, UnitError, LedgerError and OSError.

    refused: why it would not start. meanwhile: what holds while it is restarted. answers: raises UnitError if
    it runs and does not do what it is for.
    """
    program, changed = daemon.program, bool(daemon.change.plan.reasons)
    if refused and daemon.noted.tried_from and not (changed or daemon.unit.active):
        # Installed since with settings that were there first.
        go_back(module, daemon, {}, service.UnitError(f"{program.unit} does not start: {refused}"))
    if refused:
        raise RefusedError(
            f"{program.command} does not start with the settings that {daemon.path} is to have: {refused}."
            f" Nothing was changed. Correct {program.variable}, or the file, and run again."
        )
    before = {path: files.read(path) for path in daemon.files.paths}
    write(daemon, installed=True)
    with meanwhile:
        try:
            service.bring(module, daemon.unit_desired, daemon.unit)
            answers()
        except service.UnitError as error:
            go_back(module, daemon, before, error)


def go_back(
    module: AnsibleModule, daemon: Daemon, before: dict[str, bytes | None], error: service.UnitError
) -> None:
    """Run the daemon as it ran before. Raises RefusedError.

    before: what was in the files with the proxy that have changed.
    """
    program = daemon.program
    tried_from = settings_file.noted(daemon.ledger, daemon.path).tried_from
    if not tried_from and not before:
        raise error
    if tried_from:
        settings_file.apply(daemon.path, tried_from["text"], daemon.mode)
    for path, content in before.items():
        if content is None:
            Path(path).unlink(missing_ok=True)
        else:
            files.write(path, content, 0o600)
    module.run_command(["systemctl", "daemon-reload"])
    tried = " and ".join([*([str(daemon.path)] if tried_from else []), *before])
    try:
        service.restart(module, program.unit)
    except service.UnitError as still:
        raise RefusedError(
            f"{error}. What the run had changed in {tried} is taken back, but it does not start with that"
            f" either: {still}. See `journalctl --unit {program.unit.partition('.')[0]}`, correct what it"
            " names, and run again."
        ) from still
    if tried_from:
        settings_file.settle(daemon.ledger, daemon.path, tried_from["ours"])
    raise RefusedError(
        f"{error}. What the run had changed in {tried} is taken back, and {program.name} runs as it did"
        f" before. Correct what it names, {program.variable} or cluster_proxy, and run again."
    )


def run_module(module: AnsibleModule, program: Program, run: Callable[[AnsibleModule], None]) -> None:
    """Run what a daemon's module does, and end the module with what went wrong."""
    try:
        run(module)
    except settings_format.UnreadableError as error:
        module.fail_json(msg=f"{error}. {program.remedy}")
    except (
        RefusedError,
        service.UnitError,
        images.SourceError,
        ContainerRuntimeError,
        ValueError,
        OSError,
    ) as error:
        module.fail_json(msg=redact(str(error)))
