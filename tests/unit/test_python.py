"""Plugins run with the oldest Python that hosts have: 3.8, on Ubuntu 20.04."""

from __future__ import annotations

import ast
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
