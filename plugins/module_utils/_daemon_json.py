# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings merged into the configuration file of dockerd, none of them lost."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils import (
    _files,
    _ledger,
    _settings,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils._plan import Plan

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
    content = _files.read(path)
    if content is None:
        return Observed("", {}, 0o644)
    settings = parse(str(path), content)
    return Observed(content.decode(), settings, path.stat().st_mode & 0o7777)


def plan(wanted: dict[str, Any], observed: Observed) -> Plan:
    """What has to change."""
    settings = _settings.merge(observed.settings, wanted)
    reasons = tuple(_differences(observed.settings, settings))
    if not reasons:
        return Plan(before=observed.text, after=observed.text)
    after = _settings.render(settings, like=observed.text)
    return Plan(reasons, observed.text, after)


def _differences(old: dict[str, Any], new: dict[str, Any], prefix: str = "") -> Iterator[str]:
    for key, value in new.items():
        if isinstance(value, dict) and isinstance(old.get(key), dict):
            yield from _differences(old[key], value, f"{prefix}{key}.")
        elif key not in old or old[key] != value:
            now = json.dumps(old[key]) if key in old else "not set"
            yield f"{prefix}{key}: now {now}, wanted {json.dumps(value)}"


def apply(path: Path, content: str, mode: int) -> None:
    """Put the file in place, where a symbolic link leads if it is one."""
    target = path.resolve()
    _files.make_directory(target.parent, 0o755)
    _files.write(target, content.encode(), mode)


def note(ledger: str | Path, path: Path, wanted: dict[str, Any]) -> None:
    """Note what the file was before the first of our changes, and the settings of all of them."""
    target = path.resolve()
    content, known = _files.read(target), _ledger.read(ledger)
    earlier = known.settings.get(str(target), {}).get("ours", {}) if known else {}
    state = {
        "before": None if content is None else content.decode(),
        "ours": _settings.merge(earlier, wanted),
    }
    _ledger.note(ledger, directories=[target.parent], settings={str(target): state})
