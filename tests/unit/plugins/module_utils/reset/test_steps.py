"""A step does what it says, or finds it done, and harms nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.reset.steps import Step, touch


@pytest.mark.parametrize("action", ["remove", "tree", "contents", "directory", "cgroup"])
def test_what_is_gone_already_is_fine(tmp_path: Path, action: str) -> None:
    assert touch(Step("", path=f"{tmp_path}/gone", action=action)) == ""


def test_a_directory_that_has_something_in_it_by_now_stays(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("")
    assert touch(Step("", path=str(tmp_path), action="directory")) == ""
    assert (tmp_path / "theirs").exists()


def test_a_file_is_written_with_the_mode_it_had(tmp_path: Path) -> None:
    target = tmp_path / "daemon.json"
    target.write_text("ours")
    target.chmod(0o640)
    assert touch(Step("", path=str(target), action="text", data="theirs")) == ""
    assert (target.read_text(), target.stat().st_mode & 0o777) == ("theirs", 0o640)


def test_cgroups_go_from_the_inside(tmp_path: Path) -> None:
    (tmp_path / "kubepods" / "besteffort" / "pod").mkdir(parents=True)
    assert touch(Step("", path=f"{tmp_path}/kubepods", action="cgroup")) == ""
    assert list(tmp_path.iterdir()) == []


def test_what_fails_is_named(tmp_path: Path) -> None:
    assert "directory" in touch(Step("", path=str(tmp_path), action="remove"))
    assert str(tmp_path) in touch(Step("", path=str(tmp_path), action="remove"))
