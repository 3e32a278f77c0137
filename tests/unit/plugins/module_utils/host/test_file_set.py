"""A set of files is put in place whole, and what is the user's stays."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import file_set
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import ledger_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan

MARKER = "# Written by the collection"


class Set:
    """A set of files and directories, and the module's work on it."""

    def __init__(self) -> None:
        self.directories: list[dict[str, Any]] = []
        self.files: list[dict[str, Any]] = []
        self.absent: list[str] = []

    def directory(self, path: Path, mode: str = "0755", tree: bool = False) -> Set:
        self.directories.append({"path": str(path), "mode": mode, "tree": tree})
        return self

    def file(self, path: Path, content: str, mode: str = "0644", marker: str | None = None) -> Set:
        self.files.append({"path": str(path), "content": content, "mode": mode, "marker": marker})
        return self

    def without(self, path: Path) -> Set:
        self.absent.append(str(path))
        return self

    def plan(self) -> tuple[Plan, file_set.Changes]:
        observed = {item["path"]: file_set.observe(item["path"], directory=True) for item in self.directories}
        for path in [item["path"] for item in self.files] + self.absent:
            observed[path] = file_set.observe(path, directory=False)
        return file_set.plan(vars(self), observed)

    def make(self) -> Plan:
        plan, changes = self.plan()
        file_set.apply(changes)
        return plan


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.fixture
def strict_umask() -> Iterator[None]:
    before = os.umask(0o077)
    yield
    os.umask(before)


def test_a_bare_host_gets_everything_once(tmp_path: Path) -> None:
    manifests, conf = tmp_path / "etc" / "manifests", tmp_path / "etc" / "admin.conf"
    wanted = Set().directory(manifests, "0700").file(manifests / "etcd.yaml", "kind: Pod\n", "0600")
    wanted.file(conf, "kind: Config\n")
    assert wanted.make().reasons == (
        f"{manifests} is missing",
        f"{manifests}/etcd.yaml is missing",
        f"{conf} is missing",
    )
    assert (manifests / "etcd.yaml").read_text() == "kind: Pod\n"
    assert [mode(path) for path in (manifests, manifests / "etcd.yaml", conf)] == [0o700, 0o600, 0o644]
    assert wanted.make().reasons == ()


def test_a_plan_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "old").write_text("old")
    plan, changes = Set().directory(tmp_path / "a").file(tmp_path / "b", "b").without(tmp_path / "old").plan()
    assert len(plan.reasons) == 3
    assert [path.name for path, *_rest in changes.files] == ["b"]
    assert [path.name for path in tmp_path.iterdir()] == ["old"]


@pytest.mark.usefixtures("strict_umask")
def test_modes_do_not_depend_on_the_umask(tmp_path: Path) -> None:
    inner = tmp_path / "outer" / "inner"
    Set().directory(inner, "0711").file(tmp_path / "other" / "file", "").make()
    paths = (inner.parent, inner, tmp_path / "other", tmp_path / "other" / "file")
    assert [mode(path) for path in paths] == [0o755, 0o711, 0o755, 0o644]


def test_directories_may_be_listed_in_any_order(tmp_path: Path) -> None:
    outer = tmp_path / "outer"
    Set().directory(outer / "inner").directory(outer, "0700").make()
    assert [mode(outer), mode(outer / "inner")] == [0o700, 0o755]


def test_a_directory_that_is_there_stays_as_it_is(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    assert Set().directory(tmp_path, "0700").make().reasons == ()
    assert mode(tmp_path) == 0o750


def test_other_content_is_replaced_and_shown(tmp_path: Path) -> None:
    target = tmp_path / "kubelet.yaml"
    target.write_text("readOnlyPort: 10255\n")
    plan = Set().file(target, "readOnlyPort: 0\n").make()
    assert plan.reasons == (f"{target} has other content",)
    assert plan.before == f"# {target}\nreadOnlyPort: 10255\n"
    assert plan.after == f"# {target}\nreadOnlyPort: 0\n"
    assert target.read_text() == "readOnlyPort: 0\n"


def test_another_mode_alone_is_a_reason_without_contents_to_show(tmp_path: Path) -> None:
    target = tmp_path / "admin.conf"
    target.write_text("same")
    target.chmod(0o644)
    plan = Set().file(target, "same", "0600").make()
    assert plan.reasons == (f"{target} has mode 0644, wanted 0600",)
    assert (plan.before, plan.after) == ("", "")
    assert mode(target) == 0o600


def test_content_that_is_not_text_can_be_replaced_and_shown(tmp_path: Path) -> None:
    target = tmp_path / "file"
    target.write_bytes(b"\xff\x00")
    assert "\ufffd" in Set().file(target, "text").make().before
    assert target.read_text() == "text"


def test_a_file_of_the_users_stays(tmp_path: Path) -> None:
    target = tmp_path / "config"
    target.write_text("kind: Config # of another cluster\n")
    before = target.stat()
    assert Set().file(target, "kind: Config\n", "0600", MARKER).make().reasons == ()
    assert target.stat() == before


def test_a_file_with_the_marker_is_kept_up_to_date(tmp_path: Path) -> None:
    target = tmp_path / ".kube" / "config"
    Set().file(target, "first\n", marker=MARKER).make()
    assert target.read_text() == f"{MARKER}\nfirst\n"
    assert Set().file(target, "first\n", marker=MARKER).make().reasons == ()
    assert Set().file(target, "second\n", marker=MARKER).make().reasons == (f"{target} has other content",)
    assert target.read_text() == f"{MARKER}\nsecond\n"


def test_what_is_not_wanted_any_more_is_removed_once(tmp_path: Path) -> None:
    target = tmp_path / "kubelet.yaml"
    target.write_text("content\n")
    plan = Set().without(target).make()
    assert plan.reasons == (f"{target} is not wanted any more",)
    assert (plan.before, plan.after) == (f"# {target}\ncontent\n", "")
    assert not target.exists()
    assert Set().without(target).make().reasons == ()


def test_what_is_about_to_be_made_is_noted_and_what_is_there_is_not(tmp_path: Path) -> None:
    (tmp_path / "theirs").write_text("theirs")
    wanted = Set().directory(tmp_path / "etc" / "inner").directory(tmp_path / "data", tree=True)
    wanted.file(tmp_path / "etc" / "conf", "").file(tmp_path / "theirs", "").file(
        tmp_path / "config", "", marker=MARKER
    )
    file_set.note({**vars(wanted), "ledger": str(tmp_path / "ledger.json")})
    noted = ledger_file.read(tmp_path / "ledger.json")
    assert noted
    assert {Path(path).name: kind for path, kind in noted.paths.items()} == {
        "etc": "directory",
        "inner": "directory",
        "data": "tree",
        "conf": "file",
        "config": "marked",
    }


def test_a_directory_is_no_file_and_a_file_no_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    for wanted in (Set().file(tmp_path, "content"), Set().without(tmp_path)):
        with pytest.raises(IsADirectoryError) as caught:
            wanted.plan()
        assert caught.value.filename == str(tmp_path)
    with pytest.raises(NotADirectoryError, match="file"):
        Set().directory(tmp_path / "file").plan()
