"""Settings are merged into a daemon's file and nothing of the user's is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import settings_file
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import ledger_file

USERS = """{
    "hosts": ["unix://", "tcp://127.0.0.1:2375"],
    "exec-opts": ["native.cgroupdriver=cgroupfs", "native.umask=normal"],
    "log-opts": {"max-file": "3"},
    "debug": true
}
"""


def run(path: Path, settings: dict[str, Any]) -> tuple[str, ...]:
    observed = settings_file.observe(path)
    change = settings_file.plan(settings, observed)
    if change.plan.reasons:
        settings_file.apply(path, change.text, observed.mode)
    return change.plan.reasons


@pytest.fixture
def users_file(tmp_path: Path) -> Path:
    path = tmp_path / "daemon.json"
    path.write_text(USERS)
    path.chmod(0o640)
    return path


def test_what_is_missing_is_added_and_everything_else_stays_in_order(users_file: Path) -> None:
    reasons = run(users_file, {"log-opts": {"max-size": "10m"}, "hosts": ["fd://"], "debug": False})
    written = json.loads(users_file.read_text())
    assert list(written) == ["hosts", "exec-opts", "log-opts", "debug"]
    assert written["hosts"] == ["unix://", "tcp://127.0.0.1:2375", "fd://"]
    assert written["log-opts"] == {"max-file": "3", "max-size": "10m"}
    assert 'log-opts.max-size: now not set, wanted "10m"' in reasons
    assert "debug: now true, wanted false" in reasons
    assert users_file.read_text().splitlines()[1].startswith('    "hosts"')
    assert users_file.stat().st_mode & 0o777 == 0o640


def test_an_option_of_the_runtime_replaces_the_one_of_its_name(users_file: Path) -> None:
    run(users_file, {"exec-opts": ["native.cgroupdriver=systemd"]})
    written = json.loads(users_file.read_text())
    assert written["exec-opts"] == ["native.cgroupdriver=systemd", "native.umask=normal"]


def test_a_second_run_changes_nothing(users_file: Path) -> None:
    settings = {"exec-opts": ["native.cgroupdriver=systemd"], "hosts": ["unix://"], "features": {"x": True}}
    assert run(users_file, settings)
    before = users_file.read_bytes()
    assert not run(users_file, settings)
    assert users_file.read_bytes() == before


def test_a_file_that_has_everything_keeps_its_own_layout(users_file: Path) -> None:
    assert not run(users_file, {"debug": True})
    assert users_file.read_text() == USERS


def test_a_missing_file_is_made_with_its_directory(tmp_path: Path) -> None:
    path = tmp_path / "docker" / "daemon.json"
    assert run(path, {"min-api-version": "1.24"}) == ('min-api-version: now not set, wanted "1.24"',)
    assert path.read_text() == '{\n  "min-api-version": "1.24"\n}\n'
    assert path.stat().st_mode & 0o777 == 0o644
    assert path.parent.stat().st_mode & 0o777 == 0o755


def test_each_setting_of_a_new_dictionary_is_named(tmp_path: Path) -> None:
    assert run(tmp_path / "x.json", {"log-opts": {"max-size": "1m", "more": {}}, "features": {}}) == (
        'log-opts.max-size: now not set, wanted "1m"',
        "log-opts.more: now not set, wanted {}",
        "features: now not set, wanted {}",
    )


def test_nothing_is_written_if_nothing_is_wanted(tmp_path: Path) -> None:
    assert not run(tmp_path / "daemon.json", {})
    assert list(tmp_path.iterdir()) == []


def test_what_the_file_was_and_all_that_was_ever_wanted_is_noted(users_file: Path, tmp_path: Path) -> None:
    ledger = tmp_path / "state" / "ledger.json"
    for settings in ({"debug": False, "hosts": ["fd://"]}, {"hosts": ["unix:///run/other"]}):
        settings_file.note(ledger, users_file, settings)
        run(users_file, settings)
    noted = ledger_file.read(ledger)
    assert noted
    assert noted.settings[str(users_file)] == {
        "before": USERS,
        "ours": {"debug": False, "hosts": ["fd://", "unix:///run/other"]},
        "tried_from": {"text": USERS, "ours": {}},
    }
    settings_file.note(ledger, tmp_path / "docker" / "daemon.json", {"debug": True})
    noted = ledger_file.read(ledger)
    assert noted
    assert noted.settings[f"{tmp_path}/docker/daemon.json"]["before"] is None
    assert noted.paths == {f"{tmp_path}/docker": "directory"}


def set_to(path: Path, ledger: Path, settings: dict[str, Any]) -> tuple[str, ...]:
    """What a run does with which the daemon then starts."""
    observed = settings_file.observe(path)
    change = settings_file.plan(settings, observed, settings_file.noted(ledger, path))
    if change.plan.reasons:
        settings_file.note(ledger, path, settings)
        settings_file.apply(path, change.text, observed.mode)
    settings_file.settle(ledger, path, settings)
    return change.plan.reasons


@pytest.mark.parametrize(
    "settings",
    [
        {"debug": False},
        {"log-opts": {"max-file": "5", "max-size": "1m"}},
        {"hosts": ["fd://"], "exec-opts": ["native.cgroupdriver=systemd"]},
        {"min-api-version": "1.24", "features": {"x": True}, "labels": ["a=b"]},
    ],
)
def test_what_is_not_wanted_any_more_comes_out_and_what_was_there_before_comes_back(
    users_file: Path, tmp_path: Path, settings: dict[str, Any]
) -> None:
    ledger = tmp_path / "state" / "ledger.json"
    assert set_to(users_file, ledger, settings)
    assert set_to(users_file, ledger, settings) == ()
    assert set_to(users_file, ledger, {})
    assert users_file.read_text() == USERS
    assert set_to(users_file, ledger, {}) == ()
    noted = ledger_file.read(ledger)
    assert noted
    assert noted.settings == {}


def test_a_part_of_what_was_wanted_can_be_taken_back(users_file: Path, tmp_path: Path) -> None:
    ledger = tmp_path / "state" / "ledger.json"
    set_to(users_file, ledger, {"labels": ["a=1", "b=2"], "log-opts": {"max-size": "1m", "max-file": "9"}})
    said = set_to(users_file, ledger, {"labels": ["b=2"], "log-opts": {"max-size": "2m"}})
    written = json.loads(users_file.read_text())
    assert written["labels"] == ["b=2"]
    assert written["log-opts"] == {"max-file": "3", "max-size": "2m"}
    assert 'labels: now ["a=1", "b=2"], wanted ["b=2"]' in said


def test_what_others_added_since_stays_when_ours_goes(users_file: Path, tmp_path: Path) -> None:
    ledger = tmp_path / "state" / "ledger.json"
    set_to(users_file, ledger, {"labels": ["a=1"], "mtu": 1400})
    settings = json.loads(users_file.read_text())
    users_file.write_text(json.dumps({**settings, "labels": ["a=1", "theirs=2"], "bip": "10.1.0.1/24"}))
    assert "mtu: now 1400, not wanted any more" in set_to(users_file, ledger, {})
    written = json.loads(users_file.read_text())
    assert (written["labels"], written["bip"], "mtu" in written) == (["theirs=2"], "10.1.0.1/24", False)


def test_a_file_that_was_not_there_is_gone_again(tmp_path: Path) -> None:
    path, ledger = tmp_path / "docker" / "daemon.json", tmp_path / "state" / "ledger.json"
    set_to(path, ledger, {"debug": True})
    set_to(path, ledger, {})
    assert not path.exists()


def test_what_the_daemon_did_not_start_with_is_known_until_it_has(users_file: Path, tmp_path: Path) -> None:
    ledger = tmp_path / "state" / "ledger.json"
    set_to(users_file, ledger, {"debug": False})
    good = users_file.read_text()
    for settings in ({"debug": False, "mtu": "x"}, {"debug": False, "mtu": "y"}):
        observed = settings_file.observe(users_file)
        settings_file.note(ledger, users_file, settings)
        settings_file.apply(
            users_file,
            settings_file.plan(settings, observed, settings_file.noted(ledger, users_file)).text,
            0o640,
        )
    assert settings_file.noted(ledger, users_file).tried_from == {"text": good, "ours": {"debug": False}}
    assert set_to(users_file, ledger, {})
    assert users_file.read_text() == USERS


TOML = """version = 2  # of the file

[plugins]
  [plugins."a.b"]
    # where they are
    dirs = ["/opt"]
    disabled_plugins = ["x"]
"""


@pytest.fixture
def toml_file(tmp_path: Path) -> Path:
    path = tmp_path / "config.toml"
    path.write_text(TOML)
    return path


@pytest.mark.parametrize(
    "settings",
    [
        {"version": 3},
        {"plugins": {"a.b": {"dirs": ["/usr"], "net": {"x": {"y": True}}}}},
        {"plugins": {"a.b": {"disabled_plugins": []}, "c": {"z": 1}}},
    ],
)
def test_the_text_with_its_comments_comes_back(
    toml_file: Path, tmp_path: Path, settings: dict[str, Any]
) -> None:
    ledger = tmp_path / "state" / "ledger.json"
    assert set_to(toml_file, ledger, settings)
    assert "# where they are" in toml_file.read_text()
    assert set_to(toml_file, ledger, settings) == ()
    assert set_to(toml_file, ledger, {})
    assert toml_file.read_text() == TOML


def test_a_further_change_is_made_to_the_text_that_was_there_before(toml_file: Path, tmp_path: Path) -> None:
    once, twice = tmp_path / "once.json", tmp_path / "twice.json"
    wanted = {"plugins": {"a.b": {"dirs": ["/usr"], "net": {"x": 1}}}}
    set_to(toml_file, once, wanted)
    text = toml_file.read_text()
    toml_file.write_text(TOML)
    set_to(toml_file, twice, {"plugins": {"a.b": {"net": {"x": 2, "y": 1}}, "c": {"d": 1}}})
    set_to(toml_file, twice, wanted)
    assert toml_file.read_text() == text


def test_what_others_wrote_into_a_file_with_tables_stays(toml_file: Path, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.json"
    set_to(toml_file, ledger, {"plugins": {"a.b": {"dirs": ["/usr"], "net": {"x": 1}}}})
    toml_file.write_text(
        toml_file.read_text().replace("[plugins]", "[mine]\nlevel = 1  # theirs\n\n[plugins]")
    )
    assert set_to(toml_file, ledger, {})
    assert toml_file.read_text() == TOML.replace("[plugins]", "[mine]\nlevel = 1  # theirs\n\n[plugins]")


def test_a_list_of_the_whole_is_replaced_and_comes_back(toml_file: Path, tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.json"
    wanted: dict[str, Any] = {"plugins": {"a.b": {"disabled_plugins": []}}}
    assert set_to(toml_file, ledger, wanted) == ('plugins.a.b.disabled_plugins: now ["x"], wanted []',)
    seen, known = settings_file.observe(toml_file), settings_file.noted(ledger, toml_file)
    assert settings_file.theirs(seen, known)["plugins"]["a.b"]["disabled_plugins"] == ["x"]


def test_a_file_of_comments_alone_keeps_them(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("# mine\n")
    assert run(path, {"a": 1})
    assert path.read_text() == "# mine\na = 1\n"


def test_what_can_not_be_read_is_told(toml_file: Path, tmp_path: Path) -> None:
    assert settings_file.unreadable(toml_file) == ""
    assert settings_file.unreadable(tmp_path / "none.toml") == ""
    toml_file.write_text("a = [")
    assert "config.toml" in settings_file.unreadable(toml_file)
    assert "can't be read: Is a directory" in settings_file.unreadable(tmp_path)


def test_no_password_is_shown(tmp_path: Path) -> None:
    proxies = {"proxies": {"http-proxy": "http://user:p%40ss@proxy:3128"}}
    change = settings_file.plan(proxies, settings_file.observe(tmp_path / "daemon.json"))
    assert "p%40ss" in (change.text or "")
    shown = "".join([*change.plan.reasons, change.plan.before, change.plan.after])
    assert "proxy:3128" in shown
    assert "p%40ss" not in shown


@pytest.mark.parametrize("content", ["", "\n", "{}"])
def test_an_empty_file_has_no_settings(tmp_path: Path, content: str) -> None:
    path = tmp_path / "daemon.json"
    path.write_text(content)
    run(path, {"debug": True})
    assert json.loads(path.read_text()) == {"debug": True}


def test_a_symbolic_link_stays_one(users_file: Path) -> None:
    link = users_file.with_name("link.json")
    link.symlink_to(users_file)
    run(link, {"debug": False})
    assert link.is_symlink()
    assert json.loads(users_file.read_text())["debug"] is False


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            b'{\n "debug" true\n}',
            "daemon.json, line 2, column 10: Expecting ':' delimiter, seen: \"debug\" true",
        ),
        (b'["debug"]', 'daemon.json, line 1, column 1: not an object {…}, seen: ["debug"]'),
        (b'{\n "label\xff": 1}', "daemon.json, line 2, column 8: not UTF-8"),
        (b'{"debug": tru', "daemon.json, line 1, column 11: Expecting value"),
    ],
)
def test_a_file_that_cannot_be_read_is_an_error_and_stays(
    tmp_path: Path, content: bytes, message: str
) -> None:
    path = tmp_path / "daemon.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="line") as caught:
        run(path, {"debug": True})
    assert message in str(caught.value)
    assert path.read_bytes() == content
