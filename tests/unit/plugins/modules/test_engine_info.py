"""The engine's facts are what the engine says, or what it would do."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import network
from ansible_collections.mink8s.kubernetes.plugins.modules import engine_info


def run(environment: dict[str, str], **options: object) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, "-m", "ansible_collections.mink8s.kubernetes.plugins.modules.engine_info"],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": options}),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
        text=True,
        stdout=subprocess.PIPE,
        check=False,
    )
    result: dict[str, object] = json.loads(done.stdout)
    return result


def docker(*arguments: str) -> str:
    return subprocess.run(
        ["docker", *arguments], check=True, text=True, stdout=subprocess.PIPE
    ).stdout.strip()


def test_running_engine_is_asked() -> None:
    facts = run({})
    assert facts["changed"] is False
    assert (facts["installed"], facts["running"]) == (True, True)
    assert facts["version"] == docker("version", "--format", "{{.Server.Version}}")
    assert facts["api_version"] == docker("version", "--format", "{{.Server.APIVersion}}")
    assert facts["cgroup_driver"] == docker("info", "--format", "{{.CgroupDriver}}")
    assert str(facts["cgroup_version"]) == docker("info", "--format", "{{.CgroupVersion}}")
    assert str(facts["default_bridge"]).count(".") == 3


def test_stopped_engine_is_judged_by_its_configuration(tmp_path: Path) -> None:
    stopped = {"DOCKER_HOST": f"unix://{tmp_path}/docker.sock"}
    configuration = tmp_path / "daemon.json"
    configuration.write_text('{"exec-opts": ["native.cgroupdriver=systemd"]}')
    facts = run(stopped, daemon_json=str(configuration))
    assert facts["running"] is False
    assert facts["cgroup_driver"] == "systemd"
    assert (facts["api_version"], facts["min_api_version"], facts["default_bridge"]) == ("", "", "")
    assert "cgroup_driver" in run(stopped, daemon_json=f"{tmp_path}/missing.json")


@pytest.mark.parametrize("content", ["{", "[]"])
def test_configuration_that_no_engine_would_start_with_is_named(tmp_path: Path, content: str) -> None:
    configuration = tmp_path / "daemon.json"
    configuration.write_text(content)
    result = run({"DOCKER_HOST": f"unix://{tmp_path}/docker.sock"}, daemon_json=str(configuration))
    assert result["failed"]
    assert f"{configuration} is nothing the engine could start with" in str(result["msg"])


@pytest.mark.parametrize(
    ("content", "driver"),
    [
        (b"", None),
        (b"{}", None),
        (b'{"exec-opts": null}', None),
        (b'{"exec-opts": ["isolation=process"]}', None),
        (b'{"exec-opts": ["native.cgroupdriver=cgroupfs"]}', "cgroupfs"),
    ],
)
def test_configured_driver(content: bytes, driver: str | None) -> None:
    assert engine_info.configured_driver(content) == driver


@pytest.mark.parametrize(
    ("version", "cgroup_version", "systemd", "driver"),
    [
        ("20.10.5+dfsg1", 2, True, "systemd"),
        ("29.0.1", 2, True, "systemd"),
        ("", 2, True, "systemd"),
        ("20.10.5", 2, False, "cgroupfs"),
        ("20.10.5", 1, True, "cgroupfs"),
        ("19.03.15", 2, True, "cgroupfs"),
    ],
)
def test_default_driver(version: str, cgroup_version: int, systemd: bool, driver: str) -> None:
    assert engine_info.default_driver(version, cgroup_version, systemd) == driver


def test_address_of_an_interface() -> None:
    assert network.address("lo") == "127.0.0.1"
    assert network.address("missing") == ""
