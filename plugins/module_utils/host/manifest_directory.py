# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What else is in the directory of the static pods' manifests, and the files that arguments name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import command_line

# Not more of any file is read, which need not be a manifest at all.
MOST = 1_000_000
METADATA = re.compile(r"^metadata:[ \t]*(?:#.*)?\n((?:[ \t]+.*\n|[ \t]*(?:#.*)?\n)+)", re.MULTILINE)
ENTRY = r"^%s%s:[ \t]*[\"']?([^\s\"'#]+)"


class Duplicate(NamedTuple):
    """A file that defines the same static pod as a manifest of the run's."""

    file: str
    manifest: str
    pod: str


def pod(text: str) -> tuple[str, str] | None:
    """Namespace and name of the pod in a manifest, or None. There may be no library for YAML here."""
    if text.lstrip().startswith("{"):
        try:
            metadata = json.loads(text)["metadata"]
            return str(metadata.get("namespace", "default")), str(metadata["name"])
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
    found = METADATA.search(f"{text}\n")
    if not found:
        return None
    block = found[1]
    # The names of volumes and the like are further to the right.
    indent = re.search(r"^[ \t]+(?=[^\s#])", block, re.MULTILINE)
    entries = {
        key: re.search(ENTRY % (indent[0] if indent else "", key), block, re.MULTILINE)
        for key in ("name", "namespace")
    }
    name, namespace = entries["name"], entries["namespace"]
    return (namespace[1] if namespace else "default", name[1]) if name else None


def duplicates(manifests: Iterable[str], texts: Mapping[str, str]) -> Iterator[Duplicate]:
    """The files, of those with these texts, that define the static pods of these manifests, too."""
    ours = {("kube-system", Path(path).stem): path for path in manifests}
    for path, text in sorted(texts.items()):
        found = pod(text)
        if found in ours and path not in ours.values():
            yield Duplicate(path, ours[found], "/".join(found))


def read(manifests: Iterable[str]) -> dict[str, str]:
    """What the kubelet reads in the directories of these manifests: every file but those with a dot first."""
    texts = {}
    for directory in {Path(path).parent for path in manifests}:
        for path in directory.iterdir() if directory.is_dir() else ():
            if path.is_file() and not path.name.startswith("."):
                with path.open("rb") as stream:
                    texts[str(path)] = stream.read(MOST).decode(errors="replace")
    return texts


def observe(params: Mapping[str, Any]) -> tuple[Duplicate, ...]:
    """The duplicates on the host, where this user may look. params: the options of the module preflight."""
    manifests = [path for path in params["files"] if path.endswith(".yaml")]
    try:
        return tuple(duplicates(manifests, read(manifests)))
    except PermissionError:
        return ()


def missing(arguments: Mapping[str, Any]) -> frozenset[str]:
    """The files named by arguments of static pods that are not on the host."""
    pods = (flags for name, flags in arguments.items() if name.startswith(("kube-", "etcd")))
    named = (path for flags in pods if isinstance(flags, dict) for path in command_line.files(flags))
    return frozenset(path for path in named if not Path(path).is_file())
