"""What the tests on machines are given."""

from __future__ import annotations

from typing import Any

import bare_machine
import pytest


@pytest.fixture(scope="session")
def given() -> dict[str, Any]:
    """The variables of the release that the sandbox offers."""
    return bare_machine.given()
