"""The table of faults says what the last run has shown, and no more; a week of CI runs has every fault."""

from __future__ import annotations

import ast
import importlib.util
import json
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


FAULTS = ROOT / "tests" / "faults"
SECONDS_A_DAY = 8 * 60


def report() -> Any:
    """tests/faults/report.py."""
    return load("report")


def load(name: str) -> Any:
    """A module of tests/faults."""
    spec = importlib.util.spec_from_file_location(name, FAULTS / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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


def result(row: str, seconds: float, ok: bool = True) -> str:
    return json.dumps({"row": row, "seconds": seconds, "ok": ok})


def line(table: str, fault: str) -> str:
    return next(each for each in table.splitlines() if each.startswith(f"| {fault} |"))


def test_a_row_has_its_longest_time_and_one_failure_fails_it() -> None:
    results = [result("killed run", 9.6), result("killed run", 61.2), result("kill etcd", 5, ok=False)]
    table = report().table([*results, result("kill etcd", 5)])
    assert line(table, "`kill -9` of etcd").endswith("| **failed** |")
    assert "| 61 s |" in table
    assert "| 10 s |" not in table
    assert line(table, "`kill -9` of dockerd").endswith("| not tried |")


def test_each_row_of_the_table_is_a_test() -> None:
    tests = "".join(path.read_text() for path in FAULTS.glob("test_*.py"))
    rows = [row for row in report().ROWS if not row.startswith("kill ")]
    assert [row for row in rows if f'"{row}"' not in tests] == []
    assert "kill {process}" in tests


def test_the_page_has_its_marks() -> None:
    page, module = (ROOT / "docs" / "faults.md").read_text(), report()
    assert page.index(module.BEGIN) < page.index(module.END)


def test_every_fault_is_run_in_any_seven_days() -> None:
    week, everything = load("week"), every_test()
    assert len(everything) > 15
    for first in range(7):
        days = [date(2026, 11, 26) + timedelta(days=first + number) for number in range(7)]
        run = [each for day in days for each in week.of_day(day)]
        assert len(run) == len(set(run))
        assert {test for test in everything if any(test.startswith(each) for each in run)} == everything
        assert [each for each in run if not any(test.startswith(each) for test in everything)] == []


def test_no_day_has_more_faults_than_there_is_time_for() -> None:
    assert [day for day, seconds in load("week").WEEK if seconds > SECONDS_A_DAY] == []
