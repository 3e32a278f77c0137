# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""An archive of texts: questions to a host, the answers, and why some of them could not be had."""

from __future__ import annotations

import io
import tarfile
import textwrap
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

from ansible.module_utils.urls import open_url
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import programs
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import waiting
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.redact import REMOVED, redact

if TYPE_CHECKING:
    from typing import TypeAlias

    from ansible.module_utils.basic import AnsibleModule

# A command, the path of a file, or a URL of this host.
Question: TypeAlias = "tuple[str, ...] | str"

SECONDS = 60


@dataclass(frozen=True)
class Answer:
    """What the host had to say to a question, and why that is not everything; empty if it is."""

    question: str
    text: str = ""
    fault: str = ""


@dataclass(frozen=True)
class Part:
    """A file of the archive. about: what it is, for the index; faults: what could not be had, and why."""

    path: str
    about: str
    text: str
    faults: tuple[str, ...] = ()

    def redacted(self) -> Part:
        """The same without secrets."""
        return Part(self.path, self.about, redact(self.text), tuple(redact(fault) for fault in self.faults))


def ask(module: AnsibleModule, question: Question, bin_dir: str) -> Answer:
    """What the host has to say. bin_dir: a directory of programs beside the usual ones."""
    if isinstance(question, tuple):
        return _ask_command(module, question, bin_dir)
    try:
        if question.startswith("/"):
            return Answer(question, Path(question).read_text(errors="replace"))
        with open_url(question, use_proxy=False, timeout=10) as response:
            return Answer(question, response.read().decode(errors="replace") + "\n")
    except (OSError, HTTPException) as error:
        return Answer(question, fault=str(getattr(error, "reason", None) or error))


def _ask_command(module: AnsibleModule, command: tuple[str, ...], bin_dir: str) -> Answer:
    shown = f"$ {' '.join(command)}"
    program = module.get_bin_path(command[0], opt_dirs=[bin_dir, *programs.DIRECTORIES])
    if not program:
        return Answer(shown, fault=f"There is no command {command[0]} on this host.")
    limited = waiting.limited(SECONDS, program, *command[1:])
    code, out, error = module.run_command(limited, errors="replace", environ_update={"LC_ALL": "C.UTF-8"})
    if code == 0:
        return Answer(shown, out or error or "(nothing)")
    last = "\n".join(error.strip().splitlines()[-5:])
    timed_out = f"It did not end within {SECONDS} s."
    return Answer(shown, out, timed_out if code in (124, 137) else f"It ended with code {code}: {last}")


def part(path: str, about: str, answers: Iterable[Answer]) -> Part:
    """A file of the archive in which each answer stands under its question."""
    answers = list(answers)
    blocks = []
    for answer in answers:
        texts = [answer.text.rstrip(), _unavailable(answer.fault) if answer.fault else ""]
        blocks.append("\n".join([f"### {answer.question}", *filter(None, texts)]) + "\n")
    faults = (f"{answer.question}: {answer.fault}" for answer in answers if answer.fault)
    return Part(path, about, "\n".join(blocks), tuple(faults))


def index(title: str, parts: Sequence[Part]) -> str:
    """README.txt: what is where, and what could not be had."""
    lines = [
        f"{title}\n\nPrivate keys, tokens and passwords were replaced by {REMOVED}. Read what programs said"
        " in logs and events before you hand it on.\n"
    ]
    for each in parts:
        lines.append(f"\n{each.path}: {each.about}\n")
        lines += [f"{textwrap.indent(_unavailable(fault), '  ')}\n" for fault in each.faults]
    return "".join(lines)


def pack(name: str, title: str, parts: Sequence[Part]) -> bytes:
    """An archive of the parts and their index in a directory, readable by its owner alone."""
    texts = {
        each.path: each.text or "".join(f"{_unavailable(fault)}\n" for fault in each.faults) for each in parts
    }
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for path, text in {"README.txt": index(title, parts), **texts}.items():
            data = text.encode(errors="replace")
            entry = tarfile.TarInfo(f"{name}/{path}")
            entry.size, entry.mode, entry.mtime = len(data), 0o600, int(time.time())
            archive.addfile(entry, io.BytesIO(data))
    return content.getvalue()


def _unavailable(fault: str) -> str:
    return f"Unavailable: {fault}"
