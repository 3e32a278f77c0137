"""What the scenarios' tests are given, and what a failed one tells."""

from __future__ import annotations

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import bare_node
import pytest
import yaml
from bare_node import Node


@pytest.fixture(scope="session")
def node() -> Node:
    """The only node of a scenario."""
    scenario = yaml.safe_load(Path(os.environ["MOLECULE_FILE"]).read_text())
    return Node(scenario["platforms"][0]["name"], Path(os.environ["MOLECULE_INVENTORY_FILE"]))


@pytest.fixture(scope="session")
def given() -> dict[str, Any]:
    """The variables of the release that the sandbox offers."""
    return bare_node.given()


@pytest.fixture(scope="session")
def busybox(given: dict[str, Any]) -> str:
    """An image with a shell, a web server and a client, which the nodes have."""
    return str(given["verify_images"]["busybox"])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add what the node has to say to a failure."""
    report = yield
    node = getattr(item, "funcargs", {}).get("node")
    if report.failed and isinstance(node, Node):
        report.sections.append((f"What {node.name} tells", node.tell()))
    return report
