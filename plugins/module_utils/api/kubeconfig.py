# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Kubeconfigs for people who are not on the host, alone in a file or among others."""

from __future__ import annotations

import base64
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

try:
    import yaml
except ImportError:
    HAS_YAML = False
else:
    HAS_YAML = True

if TYPE_CHECKING:
    from typing import TypeAlias

MARK = "mink8s.kubernetes"
MARKER = "# Written by mink8s.kubernetes. Without this line the file is yours and is left alone.\n"
LISTS = ("clusters", "contexts", "users")
Document: TypeAlias = "dict[str, Any]"


class KubeconfigError(ValueError):
    """A kubeconfig is not what it has to be."""


@dataclass(frozen=True)
class Edit:
    """A part of a text, and what takes its place."""

    start: int
    end: int
    text: str


def parse(text: str, what: str) -> Document:
    """A kubeconfig; empty where the text is. Raises KubeconfigError."""
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError:
        document = "no YAML"
    if document is None:
        return {}
    lists = [document.get(kind) or [] for kind in LISTS] if isinstance(document, dict) else [None]
    named = all(
        isinstance(each, list) and all(isinstance(item, dict) and "name" in item for item in each)
        for each in lists
    )
    if not named:
        raise KubeconfigError(f"{what} is no kubeconfig.")
    return dict(document)


def authority(admin: Mapping[str, Any]) -> str:
    """The certificate, in PEM, that an administrator's kubeconfig trusts; empty if it has none in it."""
    data = admin["clusters"][0]["cluster"].get("certificate-authority-data", "")
    return base64.b64decode(data).decode()


def entries(admin: Mapping[str, Any], name: str, server: str) -> Document:
    """The cluster, context and user of an administrator's kubeconfig under a name, marked as ours."""

    def mark() -> Document:
        return {"extensions": [{"name": MARK, "extension": {"host": name}}]}

    cluster = {**admin["clusters"][0]["cluster"], "server": server, **mark()}
    return {
        "clusters": {"name": name, "cluster": cluster},
        "contexts": {"name": name, "context": {"cluster": name, "user": name, **mark()}},
        "users": {"name": name, "user": {**admin["users"][0]["user"], **mark()}},
    }


def alone(ours: Mapping[str, Any], marker: str = MARKER) -> str:
    """The text of a file that has nothing else in it."""
    name = ours["contexts"]["name"]
    lists = {kind: [ours[kind]] for kind in LISTS}
    document = {"apiVersion": "v1", "kind": "Config", **lists, "current-context": name}
    return marker + _dump(document)


def merged(text: str, ours: Mapping[str, Any], what: str) -> str:
    """The text of a kubeconfig with our entries in it, and the rest as it was.

    what: its path, for messages. Raises KubeconfigError if entries of that name are somebody else's.
    """
    before = parse(text, what)
    if not before:
        return alone(ours, marker="")
    wanted = {**before}
    for kind in LISTS:
        name, there = ours[kind]["name"], before.get(kind) or []
        if any(item["name"] == name and not _is_ours(item) for item in there):
            raise KubeconfigError(
                f"{what} has an entry {name} among its {kind} that is not the collection's. Rename it, or"
                " take the kubeconfig into a file of its own."
            )
        wanted[kind] = [ours[kind], *(item for item in there if item["name"] != name)]
    if not before.get("current-context"):
        wanted["current-context"] = ours["contexts"]["name"]
    if all(ours[kind] in (before.get(kind) or []) for kind in LISTS) and before.get("current-context"):
        return text
    made = _edited(text, before, ours)
    return made if _equal(made, wanted) else _dump(wanted)


def _is_ours(item: Mapping[str, Any]) -> bool:
    insides = [value for value in item.values() if isinstance(value, dict)]
    marks = [mark for inside in insides for mark in inside.get("extensions") or []]
    return any(isinstance(mark, dict) and mark.get("name") == MARK for mark in marks)


def _equal(text: str, wanted: Document) -> bool:
    try:
        return bool(yaml.safe_load(text) == wanted)
    except yaml.YAMLError:
        return False


def _edited(text: str, before: Document, ours: Mapping[str, Any]) -> str:
    """The text with our entries in place of our older ones, or before those of others."""
    root: Any = yaml.compose(text, Loader=yaml.SafeLoader)
    nodes = {key.value: value for key, value in root.value}
    edits, rest = [], []
    for kind in LISTS:
        node, name = nodes.get(kind), ours[kind]["name"]
        if node is None:
            rest.append(f"{kind}:\n{_dump([ours[kind]])}")
        elif not before.get(kind):
            edits.append(
                Edit(node.start_mark.index, node.end_mark.index, f"\n{_dump([ours[kind]])}".rstrip("\n"))
            )
        else:
            indent = " " * node.start_mark.column
            start = node.start_mark.index - node.start_mark.column
            edits.append(Edit(start, start, textwrap.indent(_dump([ours[kind]]), indent)))
            for number, item in enumerate(before[kind]):
                if item["name"] == name:
                    edits.append(_removal(text, node, number))
    if not before.get("current-context"):
        node, name = nodes.get("current-context"), ours["contexts"]["name"]
        line = _dump({"current-context": name})
        if node is None:
            rest.append(line)
        else:
            value = line.partition(": ")[2].rstrip("\n")
            between = "" if text[node.start_mark.index - 1 : node.start_mark.index] == " " else " "
            edits.append(Edit(node.start_mark.index, node.end_mark.index, between + value))
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end), reverse=True):
        text = text[: edit.start] + edit.text + text[edit.end :]
    return (text if text.endswith("\n") else f"{text}\n") + "".join(rest)


def _removal(text: str, node: Any, number: int) -> Edit:
    """An item of a block sequence, without comments and empty lines that follow it."""
    items = node.value
    start = text.rindex("\n", 0, items[number].start_mark.index) + 1
    if number + 1 < len(items):
        end = text.rindex("\n", 0, items[number + 1].start_mark.index) + 1
    else:
        end = node.end_mark.index - node.end_mark.column
    lines = text[start:end].splitlines(keepends=True)
    while lines and (not lines[-1].strip() or lines[-1].lstrip().startswith("#")):
        lines.pop()
    return Edit(start, start + len("".join(lines)), "")


def _dump(document: object) -> str:
    return str(yaml.safe_dump(document, sort_keys=False, default_flow_style=False, width=1 << 20))
