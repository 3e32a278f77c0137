# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings merged into the configuration file of dockerd, none of them lost."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import (
    files,
    json_settings,
    ledger_file,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.redact import redact

if TYPE_CHECKING:
    from collections.abc import Iterator


REMEDY = "Correct it, or move it away, and run again: dockerd can't read it either."


class UnreadableError(ValueError):
    """dockerd could not read its configuration file either."""


@dataclass(frozen=True)
class Observed:
    """The file. text: empty if it is missing; mode: its own, or that of a new one."""

    text: str
    settings: dict[str, Any]
    mode: int


def parse(path: str, content: bytes) -> dict[str, Any]:
    """The engine's settings; none for an empty file. Raises UnreadableError, saying where it is wrong."""
    try:
        decoded = content.decode()
        settings = json.loads(decoded) if decoded.strip() else {}
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        raise UnreadableError(f"{path}, line {line}, column {column}: not UTF-8") from error
    except json.JSONDecodeError as error:
        seen = "".join(decoded.split("\n")[error.lineno - 1 : error.lineno]).strip()
        where = f"{path}, line {error.lineno}, column {error.colno}"
        raise UnreadableError(f"{where}: {error.msg}, seen: {seen}") from error
    if not isinstance(settings, dict):
        raise UnreadableError(f"{path}, line 1, column 1: not an object {{…}}, seen: {decoded.strip()[:40]}")
    return settings


def observe(path: Path) -> Observed:
    """Read the file. Raises UnreadableError if dockerd could not read it."""
    content = files.read(path)
    if content is None:
        return Observed("", {}, 0o644)
    settings = parse(str(path), content)
    return Observed(content.decode(), settings, path.stat().st_mode & 0o7777)


@dataclass(frozen=True)
class Noted:
    """What the ledger has on the file.

    before: its text before the first of our changes, None if there was no file; empty without a note.
    tried_from: what to go back to, where a change was begun and dockerd has not started with it yet.
    """

    before: str | None = ""
    ours: dict[str, Any] = field(default_factory=dict)
    tried_from: dict[str, Any] | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """The settings there were before."""
        try:
            return parse("", (self.before or "").encode())
        except UnreadableError:
            return {}


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
    return Noted(state["before"], state["ours"], state.get("tried_from")) if state else Noted()


def theirs(observed: Observed, known: Noted) -> dict[str, Any]:
    """The settings in the file that are not ours."""
    return json_settings.undo(observed.settings, known.settings, known.ours)


def plan(wanted: dict[str, Any], observed: Observed, known: Noted | None = None) -> Change:
    """What has to change: what is wanted goes in, and what was ours and is not wanted any more comes out."""
    known = known or Noted()
    kept = known.settings
    if observed.settings != json_settings.merge(known.settings, known.ours):
        # Somebody else has changed the file since.
        kept = json_settings.undo(observed.settings, known.settings, json_settings.stale(known.ours, wanted))
    settings = json_settings.merge(kept, wanted)
    reasons = tuple(_differences(observed.settings, settings))
    text: str | None = observed.text
    if reasons:
        text = json_settings.render(settings, like=observed.text)
        if known.ours and settings == known.settings:
            text = known.before
    before, after = (redact(shown or "") for shown in (observed.text, text))
    return Change(Plan(reasons, before, after), text, settings)


def _differences(old: dict[str, Any], new: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in new.items():
        if isinstance(value, dict) and isinstance(old.get(key), dict):
            yield from _differences(old[key], value, f"{prefix}{key}.")
        elif key not in old or old[key] != value:
            yield f"{prefix}{key}: now {_shown(old, key)}, wanted {_shown(new, key)}"
    for key in old:
        if key not in new:
            yield f"{prefix}{key}: now {_shown(old, key)}, not wanted any more"


def _shown(settings: dict[str, Any], key: str) -> str:
    return redact(json.dumps(settings[key])) if key in settings else "not set"


def render(settings: dict[str, Any]) -> str:
    """The settings as a file of their own."""
    return json_settings.render(settings, like="")


def apply(path: Path, text: str | None, mode: int) -> None:
    """Put the file in place, where a symbolic link leads if it is one, or remove it."""
    target = path.resolve()
    if text is None:
        target.unlink(missing_ok=True)
        return
    files.make_directory(target.parent, 0o755)
    files.write(target, text.encode(), mode)


def note(ledger: str | Path, path: Path, wanted: dict[str, Any], engine: bool = True) -> None:
    """Note what the file was before the first of our changes and is now, and the settings that are ours.

    engine: whether there is one; what comes into the directory before its first start comes with it.
    """
    target = path.resolve()
    content, known = files.read(target), noted(ledger, path)
    text = None if content is None else content.decode()
    state = {
        "before": text,
        "ours": json_settings.merge(known.ours, wanted),
        "tried_from": {"text": text, "ours": known.ours},
    }
    directories, trees = ([target.parent], []) if engine else ([], [target.parent])
    ledger_file.note(ledger, directories=directories, trees=trees, settings={str(target): state})


def settle(ledger: str | Path, path: Path, ours: dict[str, Any]) -> None:
    """Note that dockerd runs with the file, and the settings in it that are ours."""
    ledger_file.settle(ledger, str(path.resolve()), ours)
