"""What the tests on nodes are given."""

from __future__ import annotations

import json
import os
import subprocess
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
def fetched(given: dict[str, Any]) -> dict[str, Any]:
    """The variables of a release that is fetched over the network."""
    if "cluster_artifacts" not in given:
        return given
    environment = {name: value for name, value in os.environ.items() if name not in ("ARTIFACTS", "VERSION")}
    done = subprocess.run(
        [*bare_node.SANDBOX, "vars"], check=True, stdout=subprocess.PIPE, text=True, env=environment
    )
    return dict(json.loads(done.stdout))


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
