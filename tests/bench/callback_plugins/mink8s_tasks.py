# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What each task cost, a line of JSON for each."""

from __future__ import annotations

DOCUMENTATION = r"""
name: mink8s_tasks
type: aggregate
short_description: Write what each task cost
description:
  - Writes a line of JSON for each task that any host ran, in the order in which they started, with its name
    and action, the seconds from its start to its end on the last host, how many hosts ran it and on how many
    it changed something, and how many modules it ran on hosts.
author: The mink8s authors (@mink8s)
options:
  file:
    description: The file to append to.
    type: path
    required: true
    env:
      - name: MINK8S_TASKS
"""

import json
import time
from pathlib import Path
from typing import Any

from ansible.plugins.callback import CallbackBase


class CallbackModule(CallbackBase):
    """Collects the results of the task that runs, on all hosts."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "mink8s_tasks"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self) -> None:
        super().__init__()
        self._tasks: dict[str, dict[str, Any]] = {}

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Note when a task starts."""
        self._tasks[task._uuid] = {
            "name": task.get_name(),
            "action": task.action,
            "began": time.monotonic(),
            "ended": time.monotonic(),
            "hosts": 0,
            "changed": 0,
            "trips": 0,
        }

    def v2_runner_on_ok(self, result: Any) -> None:
        """Note the end of a task on a host."""
        self._note(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Note the end of a task that failed on a host."""
        self._note(result)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Write what was collected of tasks that ran anywhere."""
        with Path(self.get_option("file")).open("a") as stream:
            for task in self._tasks.values():
                if task["hosts"]:
                    seconds = round(task.pop("ended") - task.pop("began"), 3)
                    stream.write(json.dumps({**task, "seconds": seconds}) + "\n")

    def _note(self, result: Any) -> None:
        task = self._tasks[result._task._uuid]
        found = result._result
        task["ended"] = time.monotonic()
        task["hosts"] += 1
        task["changed"] += bool(found.get("changed"))
        # A module tells how it was invoked, what runs on the controller does not. no_log hides both.
        ran = [each for each in found.get("results", [found]) if isinstance(each, dict)]
        task["trips"] += sum("invocation" in each or "censored" in each for each in ran)
