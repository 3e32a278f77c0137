"""The end of a task in the background is told from its result file, and its failure in its own words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.mink8s.kubernetes.plugins.modules import background_job

STARTED = {"started": 1, "finished": 0, "ansible_job_id": "j42.7"}


def test_a_task_that_runs_has_no_result_yet() -> None:
    for text in (json.dumps(STARTED), json.dumps({**STARTED, "started": True}), "", '{"chan', "[]"):
        assert background_job.finished(text) is None


def test_a_task_that_has_ended_has_returned_its_result() -> None:
    result = {"changed": True, "reasons": ["socat is not installed"]}
    assert background_job.finished(json.dumps(result)) == result
    assert background_job.failure(result, "the background package installation") == ""


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ({"failed": True, "msg": "No space is left."}, "No space is left."),
        ({"failed": 1, "msg": "", "stderr": "Killed\n"}, "Killed"),
        (
            {"failed": True, "msg": "Timeout exceeded", "child_pid": 7},
            "it took too long and was stopped. Run the same again.",
        ),
        ({"failed": True}, "it gave no reason."),
    ],
)
def test_a_task_that_failed_says_why_itself(result: dict[str, object], expected: str) -> None:
    assert background_job.failure(result, "the release") == f"The release failed: {expected}"


def test_a_task_whose_process_is_gone_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "j42.7"
    assert background_job.watch(path, "the release") == (
        None,
        f"The release did not end: there is no {path}, as after a reboot. Run the same again.",
    )
    path.write_text(json.dumps(STARTED))
    assert background_job.watch(path, "the release") == (
        None,
        "The release did not end: its process was stopped. Run the same again.",
    )
    path.write_text(json.dumps({"changed": False}))
    assert background_job.watch(path, "the release") == ({"changed": False}, "")


def test_a_task_is_known_by_the_number_among_the_arguments_of_its_process(tmp_path: Path) -> None:
    process = tmp_path / "7"
    process.mkdir()
    (process / "cmdline").write_text("python3\0/tmp/async_wrapper.py\0j42\0001800\0/tmp/module.py\0_\0")
    assert background_job.runs("j42.6", tmp_path)
    assert not background_job.runs("j4.6", tmp_path)
