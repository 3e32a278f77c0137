"""Every task that a test names is there: a test that waits for a task that is gone waits for nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
TESTS = sorted(
    path
    for directory in ("tests/e2e", "tests/faults", "tests/integration", "tests/bench", "molecule")
    for path in (ROOT / directory).rglob("*.py")
)

IN_A_ROLE = re.compile(r"mink8s\.kubernetes\.(?P<role>\w+) : (?P<name>.*)", re.DOTALL)
# Stands for what an f-string fills in.
HOLE = "\0"


def names(*patterns: str) -> set[str]:
    """The names of all tasks in files of the collection, those in blocks too."""
    found: set[str] = set()
    for path in (path for pattern in patterns for path in ROOT.glob(pattern)):
        found.update(re.findall(r"^ *- name: (.*\S)", path.read_text(), re.MULTILINE))
    # YAML's own rules for quotes.
    return {yaml.safe_load(name) for name in found}


def text(node: ast.expr) -> str | None:
    """A text, with HOLE for whatever is filled in; None for what is no text."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(text(part) or HOLE for part in node.values)
    return None


def is_changed(node: ast.expr) -> bool:
    """Whether this calls what returns the names of the tasks that changed something."""
    called = node.func if isinstance(node, ast.Call) else node
    return (called.id if isinstance(called, ast.Name) else getattr(called, "attr", "")) == "changed"


def named(source: str) -> Iterator[str]:
    """The task names in the source of a test: all with a role, and whatever is compared with changed()."""
    tree = ast.parse(source)
    parts = {part for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    compared = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.Compare) and is_changed(node.left)
        for side in node.comparators
        for inner in ast.walk(side)
    }
    texts = (node for node in ast.walk(tree) if isinstance(node, ast.expr) and node not in parts)
    for node in texts:
        found = text(node)
        if found and (node in compared or IN_A_ROLE.match(found)):
            yield found


def fits(text: str, other: str) -> bool:
    """Whether a text is the other, in which HOLE and what a template fills in are anything."""
    parts = re.split(rf"{HOLE}|{{{{.*?}}}}", other)
    return bool(re.fullmatch(".+".join(map(re.escape, parts)), text))


def is_there(wanted: str) -> bool:
    """Whether there is such a task."""
    role = IN_A_ROLE.match(wanted)
    there = names(f"roles/{role['role']}/tasks/*.yml") if role else names("playbooks/**/*.yml")
    wanted = role["name"] if role else wanted
    return any(fits(name, wanted) or fits(wanted, name) for name in there)


@pytest.mark.parametrize("path", TESTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_task_that_a_test_names_is_there(path: Path) -> None:
    assert [name for name in named(path.read_text()) if not is_there(name)] == []


def test_task_names_are_found_in_every_way_in_which_tests_write_them() -> None:
    source = """
assert changed(run) in ([], ["Write the page"])
assert bare_node.changed(run) == [f"mink8s.kubernetes.node : Wait for {what}"]
WAITED = "mink8s.kubernetes.node : Wait"
assert changed(run) == []
assert said == ["Something else"]
"""
    assert set(named(source)) == {
        "Write the page",
        f"mink8s.kubernetes.node : Wait for {HOLE}",
        "mink8s.kubernetes.node : Wait",
    }


def test_a_task_that_is_gone_is_not_there() -> None:
    assert is_there("mink8s.kubernetes.kubelet : Configure and start the kubelet")
    assert not is_there("mink8s.kubernetes.kubelet : Run the kubelet with its confection")
    assert fits("Wait, at most 20 seconds", "Wait, at most {{ node_timeout ~ ' seconds' }}")
    assert not is_there("mink8s.kubernetes.kubelet : ")
    assert not is_there("Run the kubelet with its configuration")
