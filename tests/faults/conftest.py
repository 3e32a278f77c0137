"""A node that faults are done to, and a record of how it took them."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import bare_node
import pytest
import report
from cluster import Cluster, Record, made

NAME = "mink8s-faults"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where results go, and what the random points come from."""
    parser.addoption("--results", type=Path, help="a file to which the result of each row is added")
    parser.addoption("--seed", type=int, default=random.randrange(10**6), help="of the random points")


def pytest_report_header(config: pytest.Config) -> str:
    """The seed with which the same points come again."""
    return f"faults: --seed {config.getoption('seed')}"


@pytest.fixture(scope="session")
def given() -> dict[str, Any]:
    """The variables of the release that the sandbox offers."""
    return bare_node.given()


@pytest.fixture(scope="session")
def offline() -> dict[str, Any]:
    """The variables of a release that comes from a directory of artifacts."""
    return bare_node.offline()


@pytest.fixture(scope="session")
def record(request: pytest.FixtureRequest) -> Record:
    """What keeps the result of a row."""
    path: Path | None = request.config.getoption("results")

    @contextmanager
    def kept(row: str) -> Iterator[None]:
        runtime = bare_node.runtime().name
        assert row in report.rows(runtime)
        began, well = time.monotonic(), False
        try:
            yield
            well = True
        finally:
            seconds = round(time.monotonic() - began, 1)
            result = {"row": row, "runtime": runtime, "seconds": seconds, "ok": well}
            if path:
                with path.open("a") as stream:
                    stream.write(f"{json.dumps(result)}\n")

    return kept


@pytest.fixture(scope="module")
def fresh(given: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], Any]]:
    """What makes a bare node, in the place of the one before."""
    directory = tmp_path_factory.mktemp("inventory")
    yield lambda: bare_node.make(NAME, given, directory)
    bare_node.sandbox("node-rm", NAME)


@pytest.fixture(scope="module")
def node(fresh: Callable[[], Any]) -> Any:
    """A bare node, one for each file of tests."""
    return fresh()


@pytest.fixture(scope="module")
def cluster(node: Any, record: Record) -> Cluster:
    """A cluster, one for each file of tests."""
    return made(node, record)
