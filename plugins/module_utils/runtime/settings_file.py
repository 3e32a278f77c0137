# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings merged into the configuration file of a daemon, none of them lost."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import settings_format
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.settings_format import (
    UnreadableError,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import (
    files,
    ledger_file,
    nested_settings,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.redact import redact

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.settings_format import Format


@dataclass(frozen=True)
class Observed:
    """The file. text: empty if it is missing; mode: its own, or that of a new one."""

    format: Format
    text: str
    settings: dict[str, Any]
    mode: int = 0o644


def observe(path: Path) -> Observed:
    """Read the file. Raises UnreadableError if the daemon could not read it."""
    kind, content = settings_format.of(str(path)), files.read(path)
    if content is None:
        return Observed(kind, "", {})
    settings = kind.parse(str(path), content)
    return Observed(kind, content.decode(), settings, path.stat().st_mode & 0o7777)


def unreadable(path: Path) -> str:
    """Why the file can't be read; empty if it can."""
    try:
        observe(path)
    except OSError as error:
        return f"{path} can't be read: {error.strerror}"
    except UnreadableError as error:
        return str(error)
    return ""


@dataclass(frozen=True)
class Noted:
    """What the ledger has on the file.

    before: its text before the first of our changes, None if there was no file; empty without a note.
    settings: those there were before. tried_from: what to go back to, where a change was begun and the daemon
    has not started with it yet.
    """

    before: str | None = ""
    ours: dict[str, Any] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    tried_from: dict[str, Any] | None = None


@dataclass(frozen=True)
class Change:
    """What has to change, and the whole file afterwards; None if there is none."""

    plan: Plan
    text: str | None
    settings: dict[str, Any]


def noted(ledger: str | Path, path: Path) -> Noted:
    """Read the ledger. Raises LedgerError."""
    known = ledger_file.read(ledger)
    state = known.settings.get(str(path.resolve())) if known else None
    if not state:
        return Noted()
    try:
        settings = settings_format.of(str(path)).parse("", (state["before"] or "").encode())
    except UnreadableError:
        settings = {}
    return Noted(state["before"], state["ours"], settings, state.get("tried_from"))


def theirs(observed: Observed, known: Noted) -> dict[str, Any]:
    """The settings in the file that are not ours."""
    return nested_settings.undo(observed.settings, known.settings, known.ours)


def plan(wanted: dict[str, Any], observed: Observed, known: Noted | None = None) -> Change:
    """What has to change: what is wanted goes in, and what was ours and is not wanted any more comes out.

    Raises ValueError for a setting that the file's format has no way to say.
    """
    known = known or Noted()
    kept, like = known.settings, known.before or ""
    if not known.ours or observed.settings != nested_settings.merge(known.settings, known.ours):
        # Somebody else has changed the file since.
        stale = nested_settings.stale(known.ours, wanted)
        kept, like = nested_settings.undo(observed.settings, known.settings, stale), observed.text
    settings = nested_settings.merge(kept, wanted)
    reasons = tuple(_differences(observed.settings, settings))
    text: str | None = observed.text
    if reasons:
        text = observed.format.render(settings, like)
        if known.ours and settings == known.settings:
            text = known.before
    before, after = (redact(shown or "") for shown in (observed.text, text))
    return Change(Plan(reasons, before, after), text, settings)


def _differences(old: dict[str, Any], new: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in new.items():
        was = old.get(key, {})
        if isinstance(value, dict) and isinstance(was, dict) and (value or was):
            yield from _differences(was, value, f"{prefix}{key}.")
        elif key not in old or old[key] != value:
            yield f"{prefix}{key}: now {_shown(old, key)}, wanted {_shown(new, key)}"
    for key in old:
        if key not in new:
            yield f"{prefix}{key}: now {_shown(old, key)}, not wanted any more"


def _shown(settings: dict[str, Any], key: str) -> str:
    return redact(json.dumps(settings[key], default=str)) if key in settings else "not set"


def apply(path: Path, text: str | None, mode: int) -> None:
    """Put the file in place, where a symbolic link leads if it is one, or remove it."""
    target = path.resolve()
    if text is None:
        target.unlink(missing_ok=True)
        return
    files.make_directory(target.parent, 0o755)
    files.write(target, text.encode(), mode)


def note(ledger: str | Path, path: Path, wanted: dict[str, Any], installed: bool = True) -> None:
    """Note what the file was before the first of our changes and is now, and the settings that are ours.

    installed: whether the daemon is; what comes into the directory before its first start comes with it.
    """
    target = path.resolve()
    content, known = files.read(target), noted(ledger, path)
    text = None if content is None else content.decode()
    state = {
        "before": text,
        "ours": nested_settings.merge(known.ours, wanted),
        "tried_from": {"text": text, "ours": known.ours},
    }
    directories, trees = ([target.parent], []) if installed else ([], [target.parent])
    ledger_file.note(ledger, directories=directories, trees=trees, settings={str(target): state})


def settle(ledger: str | Path, path: Path, ours: dict[str, Any]) -> None:
    """Note that the daemon runs with the file, and the settings in it that are ours."""
    ledger_file.settle(ledger, str(path.resolve()), ours)
