# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Settings of ours in a file among those of others: put in, and taken out again."""

from __future__ import annotations

from typing import Any

# Lists that are one value: ours takes the place of theirs.
WHOLE = {"disabled_plugins"}


def merge(existing: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """The existing settings with the wanted ones among them; neither is modified."""
    merged = dict(existing)
    for key, value in wanted.items():
        old = existing.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            merged[key] = merge(old, value)
        elif isinstance(old, list) and isinstance(value, list) and key not in WHOLE:
            merged[key] = _merge_options(old, value) if key == "exec-opts" else _add_missing(old, value)
        else:
            merged[key] = value
    return merged


def _add_missing(old: list[Any], wanted: list[Any]) -> list[Any]:
    return [*old, *(item for item in wanted if item not in old)]


def _merge_options(old: list[str], wanted: list[str]) -> list[str]:
    options = {item.partition("=")[0]: item for item in (*old, *wanted)}
    return list(options.values())


def stale(ours: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """Those of ours that are not wanted any more; what has another value now is merged over anyway."""
    left: dict[str, Any] = {}
    for key, value in ours.items():
        if key not in wanted:
            left[key] = value
        elif isinstance(value, dict) and isinstance(wanted[key], dict):
            left[key] = stale(value, wanted[key])
        elif isinstance(value, list) and isinstance(wanted[key], list):
            left[key] = [item for item in value if item not in wanted[key]]
    return {key: value for key, value in left.items() if key not in wanted or value}


def undo(now: dict[str, Any], before: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    """The settings of now without ours: what we replaced is back, and what others changed since stays."""
    result = dict(now)
    for key, value in ours.items():
        if key not in now:
            continue
        new, old = now[key], before.get(key)
        if _all_are(dict, value, new, old):
            rest: Any = undo(new, old or {}, value)
        elif _all_are(list, value, new, old) and key not in WHOLE:
            added = [item for item in value if item not in (old or [])]
            rest = [item for item in new if item not in added]
            if key == "exec-opts":
                rest = _add_missing(rest, _replaced(old or [], added))
        elif new == value:
            rest = old
        else:
            continue
        if key in before or rest:
            result[key] = rest
        else:
            del result[key]
    return result


def _all_are(kind: type, value: object, new: object, old: object) -> bool:
    return isinstance(value, kind) and isinstance(new, kind) and (old is None or isinstance(old, kind))


def _replaced(old: list[str], added: list[str]) -> list[str]:
    options = {item.partition("=")[0] for item in added}
    return [item for item in old if item.partition("=")[0] in options]
