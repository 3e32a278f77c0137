"""The tables of faults say what the last runs have shown, and no more."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


FAULTS = ROOT / "tests" / "faults"


def report() -> Any:
    """tests/faults/report.py."""
    spec = importlib.util.spec_from_file_location("report", FAULTS / "report.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def result(row: str, seconds: float, ok: bool = True) -> str:
    return json.dumps({"row": row, "seconds": seconds, "ok": ok})


def line(table: str, fault: str) -> str:
    return next(each for each in table.splitlines() if each.startswith(f"| {fault} |"))


def test_a_row_has_its_longest_time_and_one_failure_fails_it() -> None:
    results = [result("killed run", 9.6), result("killed run", 61.2), result("kill etcd", 5, ok=False)]
    table = report().table([*results, result("kill etcd", 5)], "docker")
    assert line(table, "`kill -9` of etcd").endswith("| **failed** |")
    assert "| 61 s |" in table
    assert "| 10 s |" not in table
    assert line(table, "`kill -9` of dockerd").endswith("| not tried |")


def test_each_row_of_the_table_is_a_test() -> None:
    tests = "".join(path.read_text() for path in FAULTS.glob("test_*.py"))
    named = {name for names in report().ONLY_WITH.values() for name in names}
    rows = [row for row in report().ROWS if not (row.startswith("kill ") or row in named)]
    assert [row for row in rows if f'"{row}"' not in tests] == []
    assert [each for each in ("kill {process}", "restart {name}", "stop {name}") if each not in tests] == []


def test_a_table_has_the_rows_of_its_container_runtime_alone() -> None:
    for name, other in (("docker", "containerd"), ("containerd", "docker")):
        table = report().table([], name)
        assert f"| `systemctl restart {name}` |" in table
        assert f"systemctl restart {other}" not in table


def test_the_page_has_its_marks() -> None:
    page, module = (ROOT / "docs" / "faults.md").read_text(), report()
    for runtime in module.ONLY_WITH:
        assert page.index(module.BEGIN.format(runtime)) < page.rindex(module.END)
