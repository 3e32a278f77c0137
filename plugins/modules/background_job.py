#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Wait for the end of a task that another task has started in the background."""

from __future__ import annotations

DOCUMENTATION = r"""
module: background_job
version_added: 0.1.0
short_description: Wait for a task that runs in the background
description:
  - Waits on the host for the end of a task that was started with C(async) and C(poll=0), and fails with that
    task's own message if it failed.
  - Unlike M(ansible.builtin.async_status) with C(until), it takes one round trip and prints no retries.
author: The mink8s authors (@mink8s)
attributes:
  check_mode:
    description: The same, for nothing is changed. In check mode no task runs in the background.
    support: full
  diff_mode:
    description: Nothing is changed, so there is nothing to show.
    support: none
options:
  results_file:
    description: What the task that was started in the background returned as C(results_file).
    type: path
    required: true
  what:
    description: What is waited for, for messages.
    type: str
    required: true
  timeout:
    description: Longest wait, in seconds.
    type: int
    default: 1800
"""

EXAMPLES = r"""
- name: Start the background package installation
  ansible.builtin.package:
    name: python3-kubernetes
  async: 1800
  poll: 0
  register: started

- name: Wait for the background package installation, at most 30 minutes
  mink8s.kubernetes.background_job:
    results_file: "{{ started.results_file }}"
    what: the background package installation
"""

RETURN = r"""
result:
  description: What the task returned.
  type: dict
  returned: success
"""

import json
from pathlib import Path
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import procfs
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import waiting

AGAIN = "Run the same again."
INTERVAL = 0.1


def finished(text: str) -> dict[str, Any] | None:
    """What a task returned, from the text of its result file; None while it runs."""
    try:
        result = json.loads(text)
    except ValueError:
        return None
    return None if not isinstance(result, dict) or result.get("started") else result


def failure(result: dict[str, Any], what: str) -> str:
    """Why the task failed; empty if it did not."""
    if not result.get("failed"):
        return ""
    message = str(result.get("msg") or result.get("stderr") or "it gave no reason.").strip()
    if message == "Timeout exceeded":
        message = f"it took too long and was stopped. {AGAIN}"
    return f"{what[:1].upper()}{what[1:]} failed: {message}"


def runs(job: str, proc: Path = Path("/proc")) -> bool:
    """Whether a process on this host works on the job. proc: where procfs is mounted."""
    # async_wrapper has the job's number, without that of its own process, among its arguments.
    number = job.partition(".")[0]
    return any(number in procfs.text(path).split("\0") for path in proc.glob("[0-9]*/cmdline"))


def watch(path: Path, what: str) -> tuple[dict[str, Any] | None, str]:
    """What the task returned, None while it runs, and why there will be no result; empty if there may be."""
    for _look in range(2):
        text = procfs.text(str(path))
        result = finished(text)
        if result is not None:
            return result, ""
        if text and runs(path.name):
            return None, ""
    # It may have ended between the two questions, so the file is read again before this is said.
    gone = "its process was stopped" if text else f"there is no {path}, as after a reboot"
    return None, f"{what[:1].upper()}{what[1:]} did not end: {gone}. {AGAIN}"


def main() -> None:
    """Run the module."""
    module = AnsibleModule(
        {
            "results_file": {"type": "path", "required": True},
            "what": {"type": "str", "required": True},
            "timeout": {"type": "int", "default": 1800},
        },
        supports_check_mode=True,
    )
    path, what, timeout = Path(module.params["results_file"]), module.params["what"], module.params["timeout"]
    result: dict[str, Any] | None = None
    problem = ""

    def look() -> list[str]:
        nonlocal result, problem
        result, problem = watch(path, what)
        return [] if problem or result is not None else [what]

    if waiting.until_none(look, timeout, INTERVAL):
        problem = f"{what[:1].upper()}{what[1:]} has not ended after {timeout} s. {AGAIN}"
    if result is None:
        module.fail_json(msg=problem)
        return
    for warning in result.get("warnings") or ():
        module.warn(str(warning))
    problem = failure(result, what)
    if problem:
        module.fail_json(msg=problem)
    # What the task was given may hold a password in a URL.
    module.exit_json(
        changed=False, result={key: value for key, value in result.items() if key != "invocation"}
    )


if __name__ == "__main__":
    main()
