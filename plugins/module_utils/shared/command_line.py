# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Command-line arguments of a user's, merged over those of the collection."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

# Flags whose value is a file on the host, which a static pod sees only if it is mounted.
FILE = re.compile(r".+-(file|cafile|config)")
AUDIT_LOG = "audit-log-path"
# An argument, as a word or as an item of a list in YAML.
FLAG = re.compile(r"\s*(?:- )?\"?--([^=\s\"]+)")
# What components take for true.
TRUE = ("true", "True", "TRUE", "t", "T", "1")
# What YAML and systemd take without quotes.
PLAIN = re.compile(r"[\w./-]([\w./:=,@+-]*[\w./=,@+-])?", re.ASCII)


def merge(
    command: Iterable[str], arguments: Mapping[str, Any], form: Callable[[str], str] = str
) -> list[str]:
    """The command with the arguments in the place of those with the same flag, and the others after it.

    A list is one argument for each of its items. form: how a new argument is written.
    """
    wanted = {flag: [form(word) for word in _words(flag, value)] for flag, value in arguments.items()}
    merged: list[str] = []
    for word in command:
        found = FLAG.match(word)
        if found and found[1] in arguments:
            # All values of a flag are where its first one was.
            merged += wanted.pop(found[1], [])
        else:
            merged.append(word)
    return merged + [word for words in wanted.values() for word in words]


def _words(flag: str, value: Any) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [f"--{flag}={str(each).lower() if isinstance(each, bool) else each}" for each in values]


def files(arguments: Mapping[str, Any]) -> list[str]:
    """The files on the host that arguments of a static pod name."""
    named = (str(value) for flag, value in arguments.items() if FILE.fullmatch(flag))
    return list(dict.fromkeys(path for path in named if path.startswith("/")))


def last(value: Any) -> Any:
    """The value that counts of a flag that takes one, however often it is given."""
    return (value[-1] if value else "") if isinstance(value, list) else value


def enabled_gates(arguments: Mapping[str, Any]) -> set[str]:
    """The feature gates that a component's arguments turn on."""
    given = arguments.get("feature-gates") or []
    pairs = ",".join(map(str, given if isinstance(given, list) else [given])).split(",")
    states = {name.strip(): state for name, _equals, state in (pair.partition("=") for pair in pairs)}
    return {name for name, state in states.items() if state.strip() in TRUE}


def log_directory(arguments: Mapping[str, Any]) -> str:
    """The directory of an audit log on the host; empty if it is not written to a file."""
    path = str(arguments.get(AUDIT_LOG, ""))
    return path.rpartition("/")[0] if path.startswith("/") else ""


def manifest(text: str, arguments: Mapping[str, Any]) -> str:
    """A static pod's manifest with the arguments merged into its command, and what they name mounted.

    Around them the text stays as it is, with its comments.
    """
    if not arguments:
        return text
    lines = text.splitlines()
    start = lines.index("    command:") + 1
    end = next(at for at in range(start, len(lines)) if not lines[at].startswith(("    -", "    #")))
    lines[start:end] = merge(lines[start:end], arguments, _item)
    mounts = [(path, "File", ["      readOnly: true"]) for path in files(arguments)]
    if log_directory(arguments):
        mounts.append((log_directory(arguments), "Directory", []))
    for number, (path, kind, more) in enumerate(mounts, 1):
        name = f"argument-{number}"
        mount = [f"    - mountPath: {_scalar(path)}", f"      name: {name}", *more]
        volume = ["  - hostPath:", f"      path: {_scalar(path)}", f"      type: {kind}", f"    name: {name}"]
        for key, added in (("    volumeMounts:", mount), ("  volumes:", volume)):
            after = lines.index(key) + 1
            lines[after:after] = added
    return "".join(f"{line}\n" for line in lines)


def _item(word: str) -> str:
    # The kubelet replaces $(NAME) in a command, and makes $ of $$.
    return f"    - {_scalar(word.replace('$', '$$'))}"


def _scalar(text: str) -> str:
    """A text as YAML has it."""
    return text if PLAIN.fullmatch(text) else json.dumps(text, ensure_ascii=False)


def unit_command(command: Iterable[str]) -> str:
    """A command as ExecStart in a systemd unit has it, a word on each line."""
    return " \\\n  ".join(map(_unit_word, command))


def _unit_word(word: str) -> str:
    if PLAIN.fullmatch(word):
        return word
    escaped = word.replace("%", "%%").replace("$", "$$").replace("\\", "\\\\").replace('"', '\\"')
    return '"' + escaped.replace("\n", "\\n").replace("\t", "\\t") + '"'
