# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The results of all runs: kept in a file, replaced method by method, and put into figures."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

# What may differ from one method to another, because not all of them have to be run at once.
OF_A_METHOD = ("date", "commit", "ansible_core", "python", "kubernetes")


class Figure(NamedTuple):
    """What several runs come to."""

    median: float
    minimum: float
    maximum: float


def figure(values: Iterable[float]) -> Figure | None:
    """Median, minimum and maximum; None of nothing."""
    known = sorted(values)
    return Figure(median(known), known[0], known[-1]) if known else None


def merge(
    old: dict[str, Any], new: dict[str, list[dict[str, Any]]], made_on: dict[str, Any]
) -> dict[str, Any]:
    """The old results with those of the methods that were run now in place of theirs.

    Those of another machine are not kept, nor are they comparable. made_on: the machine and the versions.
    """
    machine = {name: value for name, value in made_on.items() if name not in OF_A_METHOD}
    about = {name: value for name, value in made_on.items() if name in OF_A_METHOD}
    kept = old.get("methods", {}) if old.get("machine") == machine else {}
    added = {key: {**about, "runs": found} for key, found in new.items()}
    return {"machine": machine, "methods": {**kept, **added}}


def runs(results: dict[str, Any], key: str) -> list[dict[str, Any]]:
    """The runs of a method that did not fail."""
    return [run for run in results["methods"].get(key, {}).get("runs", []) if "failed" not in run]


def seconds(results: dict[str, Any], key: str, milestone: str, since: str = "") -> Figure | None:
    """The seconds after which a method's runs reached a milestone, since their start or another milestone."""
    known = [run["seconds"] for run in runs(results, key) if milestone in run["seconds"]]
    return figure(each[milestone] - each.get(since, 0) for each in known)


def typical(results: dict[str, Any], key: str) -> dict[str, Any] | None:
    """The run whose length is in the middle."""
    known = sorted(runs(results, key), key=lambda run: run["seconds"]["end"])
    return known[(len(known) - 1) // 2] if known else None


def read(path: Path) -> dict[str, Any]:
    """The results in a file; none if it is not there."""
    return dict(json.loads(path.read_text())) if path.exists() else {}


def write(path: Path, results: dict[str, Any]) -> None:
    """Write results with each run on a line of its own."""
    methods = []
    for key, method in results["methods"].items():
        about = json.dumps({name: value for name, value in method.items() if name != "runs"})
        lines = ",\n".join(json.dumps(_rounded(run)) for run in method["runs"])
        methods.append(f'{json.dumps(key)}: {about[:-1]}, "runs": [\n{lines}\n]}}')
    machine = json.dumps(results["machine"], indent=2)
    path.write_text(f'{{"machine": {machine},\n"methods": {{\n' + ",\n".join(methods) + "\n}}\n")


def _rounded(value: Any) -> Any:
    """Milliseconds are enough."""
    if isinstance(value, float):
        return round(value, 3)
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    return [_rounded(each) for each in value] if isinstance(value, list) else value
