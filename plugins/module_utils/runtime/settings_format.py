# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""How settings stand in a file: as JSON, or as TOML."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.redact import redact

try:
    import tomllib
except ImportError:
    # Python's own up to 3.10.
    HAS_TOMLLIB = False
else:
    HAS_TOMLLIB = True
try:
    import tomlkit
    from tomlkit.exceptions import ParseError, TOMLKitError
    from tomlkit.items import InlineTable
except ImportError:
    HAS_TOMLKIT = False
else:
    HAS_TOMLKIT = True
    # Its older versions stumble over some files in ways of their own.
    FAILURES = (TOMLKitError, ValueError, AttributeError, LookupError, TypeError)


class UnreadableError(ValueError):
    """Whoever the file is for could not read it either."""


class Format(ABC):
    """A format of files with settings."""

    name: ClassVar[str]

    def parse(self, path: str, content: bytes) -> dict[str, Any]:
        """The settings; none in an empty file. Raises UnreadableError, saying where it is wrong."""
        try:
            text = content.decode()
        except UnicodeDecodeError as error:
            column = error.start - content.rfind(b"\n", 0, error.start)
            line = content[: error.start].count(b"\n") + 1
            raise UnreadableError(f"{path}, line {line}, column {column}: not UTF-8") from error
        return self.read(path, text) if text.strip() else {}

    @abstractmethod
    def read(self, path: str, text: str) -> dict[str, Any]:
        """The same, of a text that is not empty."""

    @abstractmethod
    def render(self, settings: dict[str, Any], like: str) -> str:
        """The settings as a file like another, the text of one of this format. Raises ValueError."""


class Json(Format):
    """One object."""

    name = "JSON"

    def read(self, path: str, text: str) -> dict[str, Any]:
        """The object's members."""
        try:
            settings = json.loads(text)
        except json.JSONDecodeError as error:
            raise _wrong(path, text, error.lineno, error.colno, error.msg) from error
        if not isinstance(settings, dict):
            seen = text.strip()[:40]
            raise UnreadableError(f"{path}, line 1, column 1: not an object {{…}}, seen: {seen}")
        return settings

    def render(self, settings: dict[str, Any], like: str) -> str:
        """The settings, indented as the other is."""
        indent = re.search(r"^[ \t]+(?=\S)", like, re.MULTILINE)
        return json.dumps(settings, indent=indent.group() if indent else 2, ensure_ascii=False) + "\n"


class Toml(Format):
    """Tables, with comments, which stay."""

    name = "TOML"

    def read(self, path: str, text: str) -> dict[str, Any]:
        """The tables as dictionaries of plain values."""
        if not HAS_TOMLKIT:
            return _read_without_tomlkit(path, text)
        try:
            settings = _plain(tomlkit.parse(text))
        except ParseError as error:
            said = re.sub(r" at line \d+ col \d+$", "", str(error))
            raise _wrong(path, text, error.line, error.col + 1, said) from error
        except FAILURES as error:
            raise UnreadableError(f"{path}: {error}") from error
        return dict(settings)

    def render(self, settings: dict[str, Any], like: str) -> str:
        """The other with these settings in it: what is new comes behind, and all else stays as it is."""
        if like.strip():
            try:
                text = _edited(like, settings)
                if self.read("", text) == settings:
                    return text
            # Nor can they change all that they can read.
            except FAILURES:
                pass
        return "\n\n".join(_tables(settings)) + "\n"


JSON, TOML = Json(), Toml()


def of(path: str) -> Format:
    """The format of a file, by its name."""
    return TOML if path.endswith(".toml") else JSON


def _wrong(path: str, text: str, line: int, column: int, said: str) -> UnreadableError:
    seen = "".join(text.split("\n")[line - 1 : line]).strip()
    return UnreadableError(f"{path}, line {line}, column {column}: {said}, seen: {redact(seen)}")


def _read_without_tomlkit(path: str, text: str) -> dict[str, Any]:
    """What Python reads by itself from 3.11 on; only tomlkit writes."""
    if not HAS_TOMLLIB:
        raise UnreadableError(f"{path} can't be read without the Python library tomlkit")
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = re.search(r" \(at line (\d+), column (\d+)\)$", str(error))
        line, column = map(int, place.groups()) if place else (text.count("\n") + 1, 1)
        said = str(error).partition(" (at ")[0]
        raise _wrong(path, text, line, column, said) from error


def _plain(value: Any) -> Any:
    """A value of tomlkit's as one of Python's own."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    for kind in (bool, int, float, str):
        if isinstance(value, kind):
            return kind(value)
    # What is true or false is none of these to it; of a date this is itself.
    return getattr(value, "value", value)


def _edited(text: str, settings: dict[str, Any]) -> str:
    """The text with other settings: changed in their places, new ones in their tables, new tables behind."""
    document = tomlkit.parse(text if text.endswith("\n") else f"{text}\n")
    behind: list[str] = []
    _change(document, settings, (), behind)
    return "\n\n".join([str(tomlkit.dumps(document)).rstrip("\n"), *behind]) + "\n"


def _change(table: Any, settings: Mapping[str, Any], path: tuple[str, ...], behind: list[str]) -> None:
    for key in [key for key in table if key not in settings]:
        del table[key]
    for key, value in settings.items():
        old = table.get(key)
        if isinstance(value, Mapping) and isinstance(old, Mapping):
            _change(old, value, (*path, key), behind)
        elif isinstance(value, Mapping) and key not in table and not isinstance(table, InlineTable):
            behind += _tables(value, (*path, key))
        elif key not in table or _plain(old) != value:
            table[key] = value


def _tables(settings: Mapping[str, Any], path: tuple[str, ...] = ()) -> Iterator[str]:
    """A table and those below it, each by itself. Raises ValueError."""
    for key, value in settings.items():
        if value is None:
            raise ValueError(f"{'.'.join((*path, key))} is null, which TOML does not have. Leave it out.")
    inner = {key: value for key, value in settings.items() if isinstance(value, Mapping)}
    own = [f"{_key(key)} = {_value(value)}" for key, value in settings.items() if key not in inner]
    header = [f"[{'.'.join(map(_key, path))}]"] if path and (own or not inner) else []
    if own or header:
        yield "\n".join([*header, *own])
    for key, value in inner.items():
        yield from _tables(value, (*path, key))


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{_key(key)} = {_value(each)}' for key, each in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    # A date is written as Python shows it.
    return json.dumps(value, ensure_ascii=False) if isinstance(value, (str, bool, int, float)) else str(value)
