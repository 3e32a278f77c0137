"""CI has every fault with each container runtime, and everything with the second one, by day."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests"))

import week

FAULTS = ROOT / "tests" / "faults"
# They name the container runtime themselves, and run each day.
OWN = {
    "test_bundle_containerd.py",
    "test_cni.py",
    "test_containerd.py",
    "test_docker.py",
    "test_standalone.py",
    "test_nodes.py",
    "test_nodes_life.py",
    "nodes",
}
# Besides what runs each day, so that CI ends in time.
SECONDS_OF_FAULTS, SECONDS_OF_OTHER = 8 * 60, 14 * 60


def every_test() -> set[str]:
    """Every test of a fault as pytest names it, each point of a range by itself."""
    found: set[str] = set()
    for path in FAULTS.glob("test_*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                points = re.search(r"range\((\d+)\)", "".join(map(ast.unparse, node.decorator_list)))
                ends = [f"[{point}]" for point in range(int(points[1]))] if points else [""]
                found.update(f"{path.name}::{node.name}{end}" for end in ends)
    return found


def done(first: int, runtime: str, what: Callable[[week.Part], tuple[str, ...]], days: int = 7) -> list[str]:
    """What is done with a container runtime within so many days."""
    dates = [date(2026, 11, 26) + timedelta(days=first + number) for number in range(days)]
    parts = [part for day in dates for part in week.of_day(day, "docker", ("containerd",))]
    return [each for part in parts if part.runtime == runtime for each in what(part)]


@pytest.mark.parametrize("first", range(18))
@pytest.mark.parametrize("runtime", ["docker", "containerd"])
def test_every_fault_is_done_with_each_container_runtime_in_any_18_days(first: int, runtime: str) -> None:
    everything, run = every_test(), done(first, runtime, lambda part: part.faults, days=18)
    assert len(everything) > 15
    assert len(run) == len(set(run))
    assert {test for test in everything if any(test.startswith(each) for each in run)} == everything
    # pytest takes whole names alone.
    whole = {
        *everything,
        *(test.partition("[")[0] for test in everything),
        *(test.partition(":")[0] for test in everything),
    }
    assert [each for each in run if each not in whole] == []


@pytest.mark.parametrize("first", range(7))
def test_everything_else_is_done_with_the_second_one_in_any_seven_days(first: int) -> None:
    files = {path.name for path in (ROOT / "tests" / "e2e").glob("test_*.py")} - OWN
    scenarios = {path.parent.name for path in (ROOT / "molecule").glob("*/molecule.yml")} - OWN - {"vagrant"}
    assert sorted(done(first, "containerd", lambda part: part.files)) == sorted(files)
    assert sorted(done(first, "containerd", lambda part: part.scenarios)) == sorted(scenarios)
    assert set(done(first, "docker", lambda part: part.scenarios + part.files, days=3)) == set(week.TURNS)


def test_a_release_with_one_container_runtime_has_no_part_of_another() -> None:
    (part,) = week.of_day(date(2026, 11, 26), "containerd", ())
    assert part.runtime == "containerd"
    assert (len(part.files + part.scenarios), len(part.faults) > 0) == (1, True)


def test_no_day_has_more_than_there_is_time_for() -> None:
    assert [names for names, seconds in week.FAULTS if seconds > SECONDS_OF_FAULTS] == []
    assert [names for names, seconds in week.OTHER if seconds > SECONDS_OF_OTHER] == []
