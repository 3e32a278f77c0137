"""Files of ours go, directories when they are empty, trees with all in them; what is others' stays."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.reset import removable_paths, steps
from ansible_collections.mink8s.kubernetes.plugins.module_utils.reset.steps import Findings
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import selection

DIRECTORIES = selection.of_host().directories


class Host:
    """A directory as a host, with what is ours in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.paths: dict[str, str] = {}

    def made(self, name: str, kind: str, content: str | None = "") -> Host:
        """Make a path and note it; content: of a file, or None for a directory."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            path.mkdir(exist_ok=True)
        else:
            path.write_text(content)
        if kind:
            self.paths[str(path)] = kind
        return self

    def plan(self, data: bool = False, mountinfo: str = "") -> tuple[Findings, Findings]:
        seen = removable_paths.observe(self.paths, [], mountinfo)
        keep = removable_paths.chosen(self.paths, seen, data, DIRECTORIES)
        found = removable_paths.plan(self.paths, seen, keep)
        gone = {step.path for step in found.steps if step.action in steps.REMOVALS}
        return found, removable_paths.directories(self.paths, seen, keep, gone)

    def reset(self, data: bool = False) -> list[str]:
        """Do it. Returns what is said of what is kept."""
        found, directories = self.plan(data)
        assert not any(steps.touch(step) for step in (*found.steps, *directories.steps))
        return found.kept + directories.kept

    def left(self) -> list[str]:
        return sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*"))


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_what_was_made_goes_and_the_rest_stays(host: Host) -> None:
    host.made("etc", "directory", None).made("etc/ours", "file").made("theirs", "")
    assert host.reset() == []
    assert host.left() == ["theirs"]
    assert host.reset() == []


def test_a_directory_with_something_of_others_stays_and_is_named(host: Host) -> None:
    host.made("etc", "directory", None).made("etc/manifests", "directory", None)
    host.made("etc/manifests/ours.yaml", "file").made("etc/manifests/theirs.yaml", "")
    assert host.reset() == [f"{host.root}/etc/manifests is not empty: theirs.yaml."]
    assert host.left() == ["etc", "etc/manifests", "etc/manifests/theirs.yaml"]


def test_a_tree_goes_with_all_in_it_but_links_are_not_followed(host: Host) -> None:
    host.made("tree", "tree", None).made("tree/a/b", "").made("theirs/file", "")
    (host.root / "tree" / "link").symlink_to(host.root / "theirs", target_is_directory=True)
    assert host.reset() == []
    assert host.left() == ["theirs", "theirs/file"]


def test_a_tree_that_has_become_a_link_stays(host: Host) -> None:
    host.made("moved/file", "").made("tree", "tree", None)
    (host.root / "tree").rmdir()
    (host.root / "tree").symlink_to(host.root / "moved", target_is_directory=True)
    assert "symbolic link" in host.reset()[0]
    assert "moved/file" in host.left()


def test_of_a_directory_that_was_there_only_what_is_in_it_goes(host: Host) -> None:
    host.made("disk", "contents", None).made("disk/member/wal/0", "").made("disk/lost+found", "", None)
    assert host.reset() == []
    assert host.left() == ["disk", "disk/lost+found"]
    assert host.plan()[0].steps == []


def test_a_tree_on_which_a_disk_is_mounted_by_now_stays_as_a_directory(host: Host) -> None:
    host.made("data", "tree", None).made("data/file", "")
    line = f"33 21 254:2 / {host.root}/data rw - ext4 /dev/vdb rw"
    (step,) = host.plan(mountinfo=line)[0].steps
    assert step.action == "contents"


def test_a_file_whose_owner_took_the_mark_out_is_theirs(host: Host) -> None:
    host.made("ours", "marked", "# Written by mink8s.kubernetes.\n").made(
        "theirs", "marked", "kind: Config\n"
    )
    assert host.reset() == [
        f"{host.root}/theirs is yours: its first line does not say that it is the collection's."
    ]
    assert host.left() == ["theirs"]


def test_what_is_another_kind_of_thing_by_now_stays(host: Host) -> None:
    host.made("file", "file", None)
    assert "is a directory now" in host.reset()[0]
    assert host.left() == ["file"]


def test_half_a_file_of_a_run_that_was_killed_goes(host: Host) -> None:
    host.made("kubelet", "file").made(".kubelet.ab_c1234", "").made(".kubelet.swp", "").made(
        ".other.abcd1234", ""
    )
    assert host.reset() == []
    assert host.left() == [".kubelet.swp", ".other.abcd1234"]


def test_etcds_data_stays_with_the_directories_above_it_if_it_is_to(host: Host) -> None:
    host.made("lib", "directory", None).made("lib/etcd", "tree", None).made("lib/etcd/member/wal/0", "")
    host.made("lib/file", "file").made("tree", "tree", None)
    assert host.reset(data=True) == []
    assert "lib/etcd/member/wal/0" in host.left()
    assert not {"lib/file", "tree"} & set(host.left())
    assert host.reset() == []
    assert host.left() == []


def test_a_tree_around_data_that_is_kept_stays(host: Host) -> None:
    host.made("tree", "tree", None).made("tree/etcd", "tree", None).made("tree/etcd/member/wal/0", "")
    assert host.reset(data=True) == [f"{host.root}/tree stays, because what is to be kept is in it."]
    assert "tree/etcd/member/wal/0" in host.left()


def test_many_names_are_counted() -> None:
    assert removable_paths.enumerate_some("abcdef") == "a, b, c, d, e, f"
    assert removable_paths.enumerate_some("abcdefg") == "a, b, c, d, e and 2 more"


@pytest.mark.parametrize("path", ["/etc/docker/key.json", "/var/lib/docker"])
def test_the_container_runtimes_trees_stay_with_it(path: str) -> None:
    paths, seen = {path: "tree"}, {path: removable_paths.Seen("directory")}
    assert removable_paths.chosen(paths, seen, data=False, directories=DIRECTORIES) == {path}
    assert removable_paths.chosen(paths, seen, data=False, directories=()) == set()
