"""The engine is touched only where its files or its unit are not as wanted."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils._systemd import Unit
from ansible_collections.mink8s.kubernetes.plugins.modules import docker_engine

ABSENT = Unit(loaded=False, enabled=False, active=False, needs_reload=False, started_at=0.0)
RUNNING = Unit(loaded=True, enabled=True, active=True, needs_reload=False, started_at=4e9)
NOT_RUNNING = ("docker.service is not enabled", "docker.service is not running")


@pytest.mark.parametrize(
    ("version", "settings", "wanted"),
    [
        ("", {"debug": True}, {"debug": True}),
        ("20.10.24+dfsg1", {}, {}),
        ("28.5.1", {}, {}),
        ("29.0.0", {"debug": True}, {"min-api-version": "1.24", "debug": True}),
        ("29.3.1", {"min-api-version": "1.30"}, {"min-api-version": "1.30"}),
    ],
)
def test_an_engine_too_new_for_the_kubelet_is_told_to_speak_older_versions(
    version: str, settings: dict[str, Any], wanted: dict[str, Any]
) -> None:
    assert docker_engine.wanted_settings(settings, version) == wanted


def reasons(directory: Path, proxy: str, settings: dict[str, Any], installed: bool, unit: Unit) -> list[str]:
    params = {
        "daemon_json": str(directory / "daemon.json"),
        "proxy": proxy,
        "proxy_file": str(directory / "proxy.conf"),
        "ledger": str(directory / "ledger.json"),
    }
    module: Any = SimpleNamespace(params=params)
    found = docker_engine.prepare(module, settings, installed, unit).plan.reasons
    return [reason.replace(f"{directory}/", "") for reason in found]


def test_a_running_engine_with_its_settings_is_left_alone(tmp_path: Path) -> None:
    assert reasons(tmp_path, "", {}, True, RUNNING) == []
    (tmp_path / "daemon.json").write_text('{"debug": true}')
    (tmp_path / "proxy.conf").write_text("[Service]\n")
    (tmp_path / "proxy.conf").chmod(0o600)
    assert reasons(tmp_path, "[Service]\n", {"debug": True}, True, RUNNING) == []


def test_an_engine_that_is_about_to_be_installed_starts_by_itself(tmp_path: Path) -> None:
    assert reasons(tmp_path, "", {}, False, ABSENT) == []
    assert reasons(tmp_path, "", {}, True, ABSENT) == [*NOT_RUNNING]


def test_new_settings_and_a_new_proxy_restart_it(tmp_path: Path) -> None:
    restarted = "docker.service runs with what has just changed"
    missing = "debug: now not set, wanted true"
    assert reasons(tmp_path, "", {"debug": True}, True, RUNNING) == [missing, restarted]
    assert reasons(tmp_path, "", {"debug": True}, False, ABSENT) == [missing, *NOT_RUNNING]
    assert reasons(tmp_path, "[Service]\n", {}, True, RUNNING) == ["proxy.conf is missing", restarted]
    (tmp_path / "proxy.conf").write_text("[Service]\n")
    assert reasons(tmp_path, "", {}, True, RUNNING) == ["proxy.conf is not wanted any more", restarted]
