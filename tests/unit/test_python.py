"""Plugins run with the oldest Python that hosts have: 3.8, on Ubuntu 20.04."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLUGINS = sorted((ROOT / "plugins").rglob("*.py"))
# Subscripts of these are annotations up to Python 3.8, and an error anywhere else.
GENERICS = {"dict", "frozenset", "list", "set", "tuple", "type"}
LATER = {"removeprefix", "removesuffix", "readlink", "is_relative_to", "with_stem", "hardlink_to"}


def imported(tree: ast.Module) -> set[str]:
    """The names that come from where all classes can be subscripted since Python 3.9 only."""
    return {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and node.module in ("collections", "collections.abc", "contextlib", "re")
        for alias in node.names
    }


def evaluated(node: ast.AST) -> Iterator[ast.AST]:
    """All nodes that Python evaluates: not annotations, which stay text."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns"):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield child
                yield from evaluated(child)


def too_new(path: Path) -> Iterator[str]:
    """What Python 3.8 does not have. Dictionaries are told by their displays and names of parameters."""
    tree = ast.parse(path.read_text(), feature_version=(3, 8))
    names = GENERICS | imported(tree)
    for node in evaluated(tree):
        where = f"line {getattr(node, 'lineno', 0)}: "
        if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in names:
            yield f"{where}{ast.unparse(node)}"
        elif isinstance(node, ast.Attribute) and node.attr in LATER and ast.unparse(node) != "os.readlink":
            yield f"{where}{node.attr}"
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            if any(isinstance(side, (ast.Dict, ast.DictComp)) for side in (node.left, node.right)):
                yield f"{where}{ast.unparse(node)}"
        elif isinstance(node, ast.ImportFrom) and node.module == "functools":
            yield from (f"{where}{alias.name}" for alias in node.names if alias.name == "cache")


@pytest.mark.parametrize("path", PLUGINS, ids=lambda path: path.name)
def test_a_plugin_runs_with_python_3_8(path: Path) -> None:
    assert list(too_new(path)) == []


def test_the_first_module_of_a_run_says_that_the_python_is_too_old() -> None:
    path = ROOT / "plugins" / "modules" / "preflight.py"
    source = path.read_text()
    tree = ast.parse(source, feature_version=(3, 6))
    imported = {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert imported == {"ansible.module_utils.basic"}, "Python 3.6 would fail at these"
    old = "import runpy, sys, ansible.module_utils.basic; sys.version_info = (3, 7, 3, 'final', 0)"
    pretend = f"{old}; runpy.run_path(sys.argv[1], run_name='__main__')"
    done = subprocess.run([sys.executable, "-c", pretend, path], capture_output=True, text=True, check=False)
    result = json.loads(done.stdout)
    assert (result["failed"], done.returncode) == (True, 1)
    assert "The host has Python 3.7.3 at " in result["msg"]
    assert "needs 3.8 or later. Nothing was changed. Install a later python3" in result["msg"]
