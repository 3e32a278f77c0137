"""What the tests on nodes are given."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bare_node
import pytest
from bare_node import Node


@pytest.fixture(scope="session")
def given() -> dict[str, Any]:
    """The variables of the release that the sandbox offers."""
    return bare_node.given()


@pytest.fixture(scope="session")
def offline() -> dict[str, Any]:
    """The variables of a release that comes from a directory of artifacts."""
    return bare_node.offline()


@pytest.fixture(scope="module")
def node(
    request: pytest.FixtureRequest, given: dict[str, Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Node]:
    """A bare node, one for each file of tests and named after it."""
    name = f"mink8s-{Path(request.path).stem.removeprefix('test_')}"
    with bare_node.bare(name, given, tmp_path_factory.mktemp("inventory")) as node:
        yield node
