"""dockerd is touched only where its files or unit are not as wanted, and what that takes is known before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import programs
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.systemd import Unit
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker import (
    dockerd,
    dockerd_flags,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import ledger_file

ABSENT = Unit(loaded=False, enabled=False, active=False, needs_reload=False, started_at=0.0)
RUNNING = Unit(loaded=True, enabled=True, active=True, needs_reload=False, started_at=4e9)
NOT_RUNNING = ("docker.service is not enabled", "docker.service is not running")
OWN = {"log-opts": {"max-size": "10m", "max-file": "5"}, "userland-proxy": False}


def desired(
    directory: Path, settings: dict[str, Any], proxy: str = "", defaults: bool = False
) -> dockerd.Desired:
    return dockerd.Desired(
        settings,
        proxy,
        str(directory / "ledger.json"),
        str(directory / "daemon.json"),
        str(directory / "proxy.conf"),
        defaults,
    )


def wanted(
    settings: dict[str, Any],
    theirs: dict[str, Any] | None = None,
    version: str = "20.10.24+dfsg1",
    ours: bool = True,
    flags: dict[str, str] | None = None,
    defaults: bool = True,
) -> dict[str, Any]:
    options = desired(Path("/x"), settings, defaults=defaults)
    return dockerd.wanted_settings(options, theirs or {}, flags or {}, version, ours)


@pytest.mark.parametrize(
    ("version", "settings", "expected"),
    [
        ("", {"debug": True}, {"debug": True}),
        ("20.10.24+dfsg1", {}, {}),
        ("28.5.1", {}, {}),
        ("29.0.0", {"debug": True}, {"min-api-version": "1.24", "debug": True}),
        ("29.3.1", {"min-api-version": "1.30"}, {"min-api-version": "1.30"}),
    ],
)
def test_an_engine_too_new_for_the_kubelet_is_told_to_speak_older_versions(
    version: str, settings: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert wanted(settings, version=version, defaults=False) == expected
    assert wanted(settings, version=version, ours=False) == expected


@pytest.mark.parametrize(
    ("settings", "theirs", "expected"),
    [
        ({}, {}, OWN),
        ({"debug": True}, {"mtu": 1400}, {"debug": True, **OWN}),
        ({"log-driver": "journald"}, {}, {"log-driver": "journald", "userland-proxy": False}),
        ({}, {"log-driver": "local"}, {"userland-proxy": False}),
        ({"log-opts": {"max-size": "1g"}}, {}, {**OWN, "log-opts": {"max-size": "1g", "max-file": "5"}}),
        ({}, {"log-opts": {"max-size": "1g", "max-file": "2"}}, {"userland-proxy": False}),
        ({"userland-proxy": True}, {}, {**OWN, "userland-proxy": True}),
        ({}, {"userland-proxy": True}, {"log-opts": OWN["log-opts"]}),
        ({"log-opts": ["max-size"]}, {}, {"log-opts": ["max-size"], "userland-proxy": False}),
    ],
)
def test_what_somebody_has_chosen_is_left_and_the_rest_has_bounds(
    settings: dict[str, Any], theirs: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert wanted(settings, theirs) == expected
    assert wanted(settings, theirs, ours=False) == settings


def test_what_the_unit_passes_is_not_set_again() -> None:
    flags = {"log-opts": "max-size=1m", "userland-proxy": "true"}
    assert wanted({}, flags=flags) == {}


def reasons(directory: Path, proxy: str, settings: dict[str, Any], installed: bool, unit: Unit) -> list[str]:
    plan = dockerd.prepare(desired(directory, settings, proxy), "", installed, unit).plan
    return [reason.replace(f"{directory}/", "") for reason in plan.reasons]


def test_a_running_engine_with_its_settings_is_left_alone(tmp_path: Path) -> None:
    assert reasons(tmp_path, "", {}, True, RUNNING) == []
    (tmp_path / "daemon.json").write_text('{"debug": true}')
    (tmp_path / "proxy.conf").write_text('[Service]\nEnvironment="HTTP_PROXY=x"\n')
    (tmp_path / "proxy.conf").chmod(0o600)
    assert reasons(tmp_path, "http_proxy=x", {"debug": True}, True, RUNNING) == []


def test_an_engine_that_is_about_to_be_installed_starts_by_itself(tmp_path: Path) -> None:
    assert reasons(tmp_path, "", {}, False, ABSENT) == []
    assert reasons(tmp_path, "", {}, True, ABSENT) == [*NOT_RUNNING]


def test_new_settings_and_a_new_proxy_restart_it(tmp_path: Path) -> None:
    restarted = "docker.service runs with what has just changed"
    missing = "debug: now not set, wanted true"
    assert reasons(tmp_path, "", {"debug": True}, True, RUNNING) == [missing, restarted]
    assert reasons(tmp_path, "", {"debug": True}, False, ABSENT) == [missing, *NOT_RUNNING]
    assert reasons(tmp_path, "http_proxy=x", {}, True, RUNNING) == ["proxy.conf is missing", restarted]
    (tmp_path / "proxy.conf").write_text("[Service]\n")
    assert reasons(tmp_path, "", {}, True, RUNNING) == ["proxy.conf is not wanted any more", restarted]


def test_no_password_of_the_proxy_is_shown(tmp_path: Path) -> None:
    (tmp_path / "proxy.conf").write_text('[Service]\nEnvironment="HTTP_PROXY=http://u:0ld@proxy:1"\n')
    proxy = "http_proxy=http://u:p%40ss@proxy:2\nhttps_proxy=u:p@ss@proxy:3"
    plan = dockerd.prepare(desired(tmp_path, {}, proxy), "", True, RUNNING).plan
    shown = "".join([*plan.reasons, plan.before, plan.after])
    assert "proxy:1" in shown
    assert "proxy:2" in shown
    assert [secret for secret in ("0ld", "p%", "40ss", "ss@") if secret in shown] == []


@pytest.mark.parametrize(
    ("arguments", "settings"),
    [
        ("dockerd -H fd:// --containerd=/run/c.sock", {"hosts": "fd://", "containerd": "/run/c.sock"}),
        (
            "dockerd --host tcp://x -D --iptables=false",
            {"hosts": "tcp://x", "debug": "true", "iptables": "false"},
        ),
        ("dockerd --log-opt max-size=1m -b none", {"log-opts": "max-size=1m", "bridge": "none"}),
        (
            "dockerd --insecure-registry r:5000 --live-restore",
            {"insecure-registries": "r:5000", "live-restore": "true"},
        ),
        ("dockerd", {}),
    ],
)
def test_flags_are_known_by_the_names_of_the_settings(arguments: str, settings: dict[str, str]) -> None:
    assert dockerd_flags.flagged(arguments.split()) == settings


def test_asking_dockerd_does_nothing_to_the_host(tmp_path: Path) -> None:
    settings = {"userns-remap": "default", "pidfile": "/x", "data-root": "/not/there", "debug": True}
    assert dockerd.harmless(settings, {"exec-root": "/x"}, str(tmp_path)) == {
        "data-root": f"{tmp_path}/data-root",
        "debug": True,
    }


def test_a_number_where_text_is_needed_is_named() -> None:
    said = "json: cannot unmarshal number into Go struct field Config.log-opts of type string"
    assert dockerd.hint(said, {"log-opts": {"max-file": 3, "max-size": "1m"}}) == (
        ' (log-opts takes text alone: max-file: "3")'
    )
    assert dockerd.hint("no log driver", {"log-opts": {"max-file": 3}}) == ""


def test_the_engine_is_the_collections_if_its_program_is_of_a_package_that_it_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dockerd, "PACKAGE_LISTS", tmp_path)
    (tmp_path / "docker.io.list").write_text("/.\n/usr/sbin/dockerd\n")
    (tmp_path / "libx:amd64.list").write_text("/opt/bin/dockerd\n")
    ledger = str(tmp_path / "ledger.json")
    assert dockerd.is_ours(ledger, "")
    assert not dockerd.is_ours(ledger, "/usr/sbin/dockerd")
    ledger_file.note(ledger, packages=["socat", "docker.io", "libx"])
    assert dockerd.is_ours(ledger, "/usr/sbin/dockerd")
    assert dockerd.is_ours(ledger, "/opt/bin/dockerd")
    assert not dockerd.is_ours(ledger, "/usr/local/bin/dockerd")


def test_programs_are_found_where_packages_have_them() -> None:
    path = programs.PATH.split(":")
    assert path.index("/usr/sbin") < path.index("/sbin")
    assert path.index("/usr/bin") < path.index("/bin")
