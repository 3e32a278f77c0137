# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A bundle: a directory of artifacts, with what each was made of in bundle.json, and SHA512SUMS over all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import files
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan

RECORD = "bundle.json"
ARGUMENTS: dict[str, dict[str, Any]] = {
    "directory": {"type": "path", "required": True},
    "architecture": {"type": "str", "choices": ["amd64", "arm64"], "required": True},
}


def observe(directory: Path, origins: Mapping[str, str]) -> dict[str, str]:
    """What is wrong with each artifact in the bundle; empty if it is as wanted.

    origins: by file name, what the artifact has to be made of, in one line.
    """
    recorded = _record(directory)
    sums = files.listed(directory)
    problems = {}
    for name, origin in origins.items():
        if not (directory / name).is_file():
            problems[name] = "missing"
        elif recorded.get(name) != origin:
            problems[name] = f"{recorded.get(name) or 'of unknown origin'}, wanted {origin}"
        elif files.digest(directory / name, "sha512") != sums.get(name):
            problems[name] = f"not what {files.LISTING} says"
        else:
            problems[name] = ""
    return problems


def plan(directory: Path, origins: Mapping[str, str], problems: Mapping[str, str]) -> tuple[Plan, list[str]]:
    """The plan, and the names of the artifacts that have to be made."""
    needed = [name for name in origins if problems[name]]
    reasons = tuple(f"{name} in {directory} is {problems[name]}" for name in needed)
    before = "".join(f"{name}: {problems[name] or origin}\n" for name, origin in origins.items())
    after = "".join(f"{name}: {origin}\n" for name, origin in origins.items())
    return Plan(reasons, before, after), needed


def part(directory: Path, name: str) -> Path:
    """Where an artifact is made before it is put in place; the bundle's directory is there then."""
    directory.mkdir(parents=True, exist_ok=True)
    return directory / f".{name}.part"


def put(directory: Path, name: str, origin: str) -> None:
    """Put an artifact that was made in its place, with its sum and what it was made of."""
    checksum = files.digest(part(directory, name), "sha512")
    part(directory, name).chmod(0o644)
    part(directory, name).replace(directory / name)
    record = {**_record(directory), name: origin}
    text = f"{json.dumps(dict(sorted(record.items())), indent=2)}\n"
    files.write(directory / RECORD, text.encode(), 0o644)
    sums = {other: known for other, known in files.listed(directory).items() if (directory / other).exists()}
    sums.update({name: checksum, RECORD: files.digest(directory / RECORD, "sha512")})
    # The sums come last, so that what a killed run left in between is made again.
    text = "".join(f"{sums[other]}  {other}\n" for other in sorted(sums))
    files.write(directory / files.LISTING, text.encode(), 0o644)


def _record(directory: Path) -> dict[str, str]:
    """What each artifact was made of; nothing is known where the record is damaged."""
    try:
        record = json.loads(files.read(directory / RECORD) or b"{}")
    except ValueError:
        return {}
    return {str(name): str(origin) for name, origin in record.items()} if isinstance(record, dict) else {}
