"""Which package of module_utils may use which: what is below knows nothing of what is above it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"
UTILS = PLUGINS / "module_utils"
PREFIX = "ansible_collections.mink8s.kubernetes.plugins"
# From the bottom up.
ALLOWED = {
    "shared": set(),
    "host": {"shared"},
    "pki": {"shared"},
    "release": {"shared"},
    "api": {"shared"},
    "runtime": {"host", "release", "shared"},
    "startup": {"api", "host", "runtime", "shared"},
    "backup": {"host", "release", "runtime", "shared"},
    "bundle": {"host", "runtime", "shared"},
    "checks": {"host", "release", "runtime", "shared"},
    "diagnosis": {"api", "host", "pki", "runtime", "shared"},
    "reset": {"host", "runtime", "shared"},
    "status": {"api", "host", "release", "runtime", "shared"},
}


def imports(path: Path) -> Iterator[tuple[str, str]]:
    """What a file imports of the collection: a package of module_utils, or another plugin, and the name."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(f"{PREFIX}."):
            kind, _dot, module = node.module.removeprefix(f"{PREFIX}.").partition(".")
            for alias in node.names:
                place = module or alias.name
                yield (place.partition(".")[0] if kind == "module_utils" else kind), alias.name


def test_every_package_is_in_the_table() -> None:
    assert {path.parent.name for path in UTILS.glob("*/__init__.py")} == set(ALLOWED)
    assert [path.name for path in UTILS.glob("*.py")] == []


@pytest.mark.parametrize("package", ALLOWED)
def test_a_package_uses_only_those_below_it(package: str) -> None:
    wrong = [
        f"{path.relative_to(PLUGINS)} imports {name} of {used}"
        for path in sorted((UTILS / package).rglob("*.py"))
        for used, name in imports(path)
        if used not in {package, *ALLOWED[package]}
    ]
    assert wrong == []


def test_nothing_uses_what_another_file_keeps_to_itself() -> None:
    wrong = [
        f"{path.relative_to(PLUGINS)} imports {name}"
        for path in sorted(PLUGINS.rglob("*.py"))
        for _used, name in imports(path)
        if name.startswith("_")
    ]
    assert wrong == []


def test_no_module_uses_another() -> None:
    plugins = [path for path in PLUGINS.rglob("*.py") if UTILS not in path.parents]
    wrong = [
        f"{path.relative_to(PLUGINS)} imports {name} of {used}"
        for path in sorted(plugins)
        for used, name in imports(path)
        if used not in ALLOWED
    ]
    assert wrong == []
