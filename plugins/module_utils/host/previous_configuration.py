# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The configuration that worked, kept while another one is tried.

What is kept first stays until the node is Ready: a run that was killed, or that failed, may have written
what never worked.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import files, ledger_file, versions

NAME = "previous.json"
KUBELET = "kubelet.service"


@dataclass(frozen=True)
class File:
    """A file as it was."""

    content: bytes
    mode: int


@dataclass
class Previous:
    """What was at each path, None where nothing was. had_cluster: whether a kubelet ran with it."""

    had_cluster: bool = False
    files: dict[str, File | None] = field(default_factory=dict)

    @property
    def release(self) -> str:
        """The release that ran with it; empty if it is the one that runs now."""
        manifests = (kept for path, kept in self.files.items() if Path(path).name == "kube-apiserver.yaml")
        return next((versions.of_manifest(kept.content.decode()) for kept in manifests if kept), "")

    def differing(self) -> list[str]:
        """The paths at which there is something else now."""
        return [path for path, kept in self.files.items() if kept != look(path)]


def path(ledger: str) -> Path:
    """Where it is kept, beside the ledger."""
    return Path(ledger).with_name(NAME)


def look(path: str) -> File | None:
    """The file as it is now; None if there is none."""
    content = files.read(path)
    return None if content is None else File(content, Path(path).stat().st_mode & 0o7777)


def read(ledger: str) -> Previous:
    """What is kept; nothing where the last configuration written is one that works."""
    content = files.read(path(ledger))
    try:
        return Previous() if content is None else parse(json.loads(content))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ledger_file.LedgerError(
            f"{path(ledger)} is not what the collection kept any more. Remove it to go on without."
        ) from error


def parse(document: Mapping[str, Any]) -> Previous:
    """What is kept, from its file."""
    files = {
        name: kept and File(base64.b64decode(kept["content"]), int(kept["mode"], 8))
        for name, kept in document["files"].items()
    }
    return Previous(bool(document["had_cluster"]), files)


def render(previous: Previous) -> str:
    """What is kept, as its file has it."""
    files = {
        name: kept and {"content": base64.b64encode(kept.content).decode(), "mode": f"{kept.mode:04o}"}
        for name, kept in previous.files.items()
    }
    return f"{json.dumps({'had_cluster': previous.had_cluster, 'files': files}, indent=2)}\n"


def keep(ledger: str, paths: Iterable[str]) -> None:
    """Keep what is at these paths, which are about to change, unless something is kept of them already."""
    known = path(ledger).exists()
    kept = read(ledger)
    new = {name: look(name) for name in paths if name not in kept.files}
    if not new:
        return
    if not known:
        made = ledger_file.read(ledger)
        kept.had_cluster = made is not None and KUBELET in made.units
        ledger_file.note(ledger, files=[path(ledger)])
    kept.files.update(new)
    files.write(path(ledger), render(kept).encode(), 0o600)


def drop(ledger: str) -> None:
    """Forget it: what is on the host works."""
    path(ledger).unlink(missing_ok=True)


def put_back(previous: Previous) -> list[str]:
    """Have at each path what was there. Returns the paths that changed. Raises OSError."""
    changed = previous.differing()
    for name in changed:
        kept = previous.files[name]
        if kept is None:
            Path(name).unlink()
        else:
            files.make_directory(Path(name).parent, 0o755)
            files.write(name, kept.content, kept.mode)
    return changed
