"""CI has every fault with each container runtime, and everything with the second one, by day."""

from __future__ import annotations

import ast
import re
import sys
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


def done(first: int, runtime: str, days: int) -> list[str]:
    """The words of all commands that are run with a container runtime within so many days."""
    dates = [date(2026, 11, 26) + timedelta(days=first + number) for number in range(days)]
    parts = [part for day in dates for part in week.of_day(day, "docker", ("containerd",))]
    return [word for part in parts if part.runtime == runtime for words in part.commands for word in words]


def below(directory: str, words: list[str]) -> list[str]:
    """What is run of a directory of tests."""
    return [word.removeprefix(directory) for word in words if word.startswith(directory)]


def scenarios(words: list[str]) -> list[str]:
    """Molecule's scenarios that are run."""
    return [name for option, name in zip(words, words[1:]) if option == "--scenario-name"]


@pytest.mark.parametrize("first", range(18))
@pytest.mark.parametrize("runtime", ["docker", "containerd"])
def test_every_fault_is_done_with_each_container_runtime_in_any_18_days(first: int, runtime: str) -> None:
    everything, run = every_test(), below("tests/faults/", done(first, runtime, days=18))
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
    names = {path.parent.name for path in (ROOT / "molecule").glob("*/molecule.yml")} - OWN - {"vagrant"}
    run = done(first, "containerd", days=7)
    assert sorted(below("tests/e2e/", run)) == sorted(files)
    assert sorted(scenarios(run)) == sorted(names)


@pytest.mark.parametrize("first", range(2))
def test_every_file_is_done_with_the_first_one_in_any_two_days(first: int) -> None:
    files = {path.name for path in (ROOT / "tests" / "e2e").glob("test_*.py")}
    assert files - set(below("tests/e2e/", done(first, "docker", days=2))) <= week.TURN_FILES


@pytest.mark.parametrize("first", range(4))
def test_every_turn_comes_in_any_four_days(first: int) -> None:
    run = done(first, "docker", days=4)
    assert {word for turn in week.TURNS for word in turn} <= set(run)


def test_a_release_with_one_container_runtime_has_no_part_of_another() -> None:
    (part,) = week.of_day(date(2026, 11, 26), "containerd", ())
    assert part.runtime == "containerd"
    assert [word for words in part.commands for word in words if word.startswith("tests/faults/")]


def test_no_day_has_more_than_there_is_time_for() -> None:
    assert [names for names, seconds in week.FAULTS if seconds > SECONDS_OF_FAULTS] == []
    assert [names for names, seconds in week.OTHER if seconds > SECONDS_OF_OTHER] == []
