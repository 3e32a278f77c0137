"""A run that is fine prints nothing that looks like a failure, and says how long it waits at most."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path
    for directory in ("roles", "playbooks", "tests/sandbox")
    for path in (ROOT / directory).rglob("*.yml")
    if path.parent.name in ("tasks", "handlers", "playbooks", "sandbox")
)
# How a name says the limit of the wait: in it, or in what a variable of the task puts at its end.
LIMIT = re.compile(r"at most (\d+ (seconds|minutes)|{{ .* ~ ' seconds' }})$")


def tasks(path: Path) -> Iterator[dict[str, Any]]:
    """All tasks of a file, those of its plays and blocks too."""
    queue = list(yaml.safe_load(path.read_text()) or [])
    for item in queue:
        yield item
        for section in ("tasks", "pre_tasks", "post_tasks", "handlers", "block", "rescue", "always"):
            queue += item.get(section) or []


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FILES, ids=name)
def test_no_task_is_tried_again_and_again(path: Path) -> None:
    # Ansible prints "FAILED - RETRYING" for each try.
    assert [task["name"] for task in tasks(path) if task.keys() & {"until", "retries", "delay"}] == []


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_wait_says_how_long_it_takes_at_most(path: Path) -> None:
    waits = [
        task
        for task in tasks(path)
        if not task.keys() & {"block", "tasks", "ansible.builtin.import_role", "ansible.builtin.import_tasks"}
        and (re.search(r"\b[Ww]ait\b", task.get("name", "")) or re.search("kubectl.* wait ", str(task)))
    ]
    assert [task["name"] for task in waits if not LIMIT.search(task["name"])] == []
