"""The plan alone decides what a module reports and whether anything is applied."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pathlib import Path

MODULE = """
from pathlib import Path
from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan, carry_out

module = AnsibleModule(
    {"reasons": {"type": "list", "elements": "str"}, "path": {"type": "path"}}, supports_check_mode=True
)
plan = Plan(tuple(module.params["reasons"]), "old", "new")
carry_out(module, plan, Path(module.params["path"]).touch, extra=1)
"""
REASONS = ["file is missing"]


def run(path: Path, reasons: list[str], check_mode: bool) -> dict[str, Any]:
    """The result of a module whose work is to make the file."""
    arguments = {"path": str(path), "reasons": reasons, "_ansible_check_mode": check_mode}
    done = subprocess.run(
        [sys.executable, "-c", MODULE],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": arguments}),
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.mark.parametrize("reasons", [REASONS, []])
def test_check_mode_reports_what_a_run_does_and_applies_nothing(tmp_path: Path, reasons: list[str]) -> None:
    path = tmp_path / "file"
    checked = run(path, reasons, check_mode=True)
    assert not path.exists()
    done = run(path, reasons, check_mode=False)
    assert path.exists() == bool(reasons)
    assert {key: done[key] for key in ("changed", "reasons", "diff", "extra")} == {
        "changed": bool(reasons),
        "reasons": reasons,
        "diff": {"before": "old", "after": "new"},
        "extra": 1,
    }
    del checked["invocation"], done["invocation"]
    assert checked == done
