"""A kubeconfig in somebody's home is theirs, and whatever they put in its place leads nobody elsewhere."""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import home_kubeconfig
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.home_kubeconfig import Home, HomeError
from ansible_collections.mink8s.kubernetes.plugins.module_utils.reset import removable_paths, steps

CONTENT = b"# Written by mink8s.kubernetes.\nclient-key-data: c2VjcmV0\n"
THEIRS = b"kind: Config\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home of whoever runs this."""
    (tmp_path / "alice").mkdir()
    return Home("alice", tmp_path / "alice", os.getuid(), os.getgid())


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A directory with a file that nobody may lead root to."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "config").write_bytes(CONTENT)
    return tmp_path / "elsewhere"


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def carry_out(content: bytes, wanted: list[Home], noted: list[Path]) -> home_kubeconfig.Work:
    work = home_kubeconfig.plan(wanted, noted, content)
    home_kubeconfig.apply(work, content)
    return work


def test_it_is_made_private_and_nothing_is_done_twice(home: Home) -> None:
    assert carry_out(CONTENT, [home], []).plan.reasons == (f"{home.kubeconfig} is missing",)
    assert home.kubeconfig.read_bytes() == CONTENT
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (home.kubeconfig, home.kubeconfig.parent)]
    assert modes == [0o600, 0o700]
    assert names(home.kubeconfig.parent) == ["config"]
    assert carry_out(CONTENT, [home], [home.kubeconfig]).plan.reasons == ()


def test_what_differs_is_made_good_and_no_key_is_shown(home: Home) -> None:
    carry_out(CONTENT, [home], [])
    home.kubeconfig.chmod(0o644)
    assert carry_out(CONTENT, [home], []).plan.reasons == (f"{home.kubeconfig} has mode 0644, wanted 0600",)
    new = CONTENT.replace(b"c2VjcmV0", b"bmV3")
    plan = carry_out(new, [home], []).plan
    assert plan.reasons == (f"{home.kubeconfig} has other content",)
    assert "c2VjcmV0" not in plan.before
    assert "bmV3" not in plan.after
    assert home.kubeconfig.read_bytes() == new


def test_it_goes_when_it_is_not_wanted_any_more(home: Home) -> None:
    carry_out(CONTENT, [home], [])
    work = carry_out(CONTENT, [], [home.kubeconfig])
    assert work.plan.reasons == (f"{home.kubeconfig} is not wanted any more",)
    assert names(home.path) == []
    assert carry_out(CONTENT, [], [home.kubeconfig]).plan.reasons == ()


def test_what_is_theirs_stays(home: Home) -> None:
    home.kubeconfig.parent.mkdir()
    home.kubeconfig.write_bytes(THEIRS)
    for wanted in ([home], []):
        work = carry_out(CONTENT, wanted, [home.kubeconfig])
        assert work.plan.reasons == ()
        assert len(work.kept) == len(wanted)
    assert "has another first line" in carry_out(CONTENT, [home], []).kept[0]
    assert home.kubeconfig.read_bytes() == THEIRS


def lead_directory(home: Home, elsewhere: Path) -> None:
    home.kubeconfig.parent.symlink_to(elsewhere, target_is_directory=True)


def lead_file(home: Home, elsewhere: Path) -> None:
    home.kubeconfig.parent.mkdir()
    home.kubeconfig.symlink_to(elsewhere / "config")


def put_pipe(home: Home, elsewhere: Path) -> None:
    home.kubeconfig.parent.mkdir()
    os.mkfifo(home.kubeconfig)


def put_directory(home: Home, elsewhere: Path) -> None:
    home.kubeconfig.mkdir(parents=True)


@pytest.mark.parametrize("obstacle", [lead_directory, lead_file, put_pipe, put_directory])
def test_nobody_leads_root_elsewhere(home: Home, elsewhere: Path, obstacle: object) -> None:
    assert callable(obstacle)
    obstacle(home, elsewhere)
    before = sorted(elsewhere.iterdir()), names(home.path)
    for wanted in ([home], []):
        work = carry_out(CONTENT.replace(b"c2VjcmV0", b"bmV3"), wanted, [home.kubeconfig])
        assert work.plan.reasons == ()
        assert len(work.kept) == len(wanted)
    assert (sorted(elsewhere.iterdir()), names(home.path)) == before
    assert (elsewhere / "config").read_bytes() == CONTENT


@pytest.mark.parametrize("obstacle", [lead_directory, lead_file])
def test_who_leads_root_elsewhere_after_the_look_is_refused(
    home: Home, elsewhere: Path, obstacle: object
) -> None:
    assert callable(obstacle)
    obstacle(home, elsewhere)
    if home.kubeconfig.parent.is_symlink():
        with pytest.raises(OSError, match=r"\.kube"):
            home_kubeconfig.write(home, b"new")
        with pytest.raises(OSError, match=r"\.kube"):
            home_kubeconfig.remove(home.kubeconfig)
    else:
        home_kubeconfig.write(home, b"new")
        assert home.kubeconfig.read_bytes() == b"new"
    assert (elsewhere / "config").read_bytes() == CONTENT


def test_reset_takes_it_back_and_follows_no_link(home: Home, elsewhere: Path) -> None:
    carry_out(CONTENT, [home], [])
    paths = {str(home.kubeconfig): "login", str(home.kubeconfig.parent): "directory"}
    found = removable_paths.plan(paths, removable_paths.observe(paths, [], ""), [])
    assert [steps.touch(step) for step in found.steps] == [""]
    assert not home.kubeconfig.exists()
    home.kubeconfig.parent.rmdir()
    lead_directory(home, elsewhere)
    found = removable_paths.plan(paths, removable_paths.observe(paths, [], ""), [])
    assert found.steps == []
    assert "symbolic link" in found.kept[0]
    assert steps.touch(steps.Step("", path=str(home.kubeconfig), action="kubeconfig")) != ""
    assert (elsewhere / "config").exists()


def test_a_login_is_known_by_its_name() -> None:
    entry = pwd.getpwuid(os.getuid())
    assert home_kubeconfig.find(entry.pw_name) == Home(
        entry.pw_name, Path(entry.pw_dir), entry.pw_uid, entry.pw_gid
    )
    with pytest.raises(HomeError, match="There is no login nobody-of-that-name on this host"):
        home_kubeconfig.find("nobody-of-that-name")


def test_a_home_that_is_shared_is_none() -> None:
    # The system's own logins live in directories of root's.
    other = next(
        entry
        for entry in pwd.getpwall()
        if Path(entry.pw_dir).is_dir()
        and entry.pw_uid not in (0, os.getuid())
        and Path(entry.pw_dir).stat().st_uid != entry.pw_uid
    )
    with pytest.raises(HomeError, match="is no directory of its own"):
        home_kubeconfig.find(other.pw_name)
    assert "is no directory of its own" in home_kubeconfig.problem(other.pw_name)
