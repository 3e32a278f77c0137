"""A Docker that does not run is judged by its program and its configuration."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import network
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker import client, installed


def prints_a_version(_command: list[str]) -> tuple[int, str, str]:
    return 0, "Docker version 20.10.24+dfsg1, build 297e128\n", ""


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
    assert installed.configured_driver(content) == driver


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
    assert installed.default_driver(version, cgroup_version, systemd) == driver


@pytest.mark.parametrize(
    ("content", "driver"),
    [
        ('{"exec-opts": ["native.cgroupdriver=systemd"]}', "systemd"),
        ('{"exec-opts": ["native.cgroupdriver=cgroupfs"]}', "cgroupfs"),
        # Another check tells what is wrong with these.
        ("{", "cgroupfs"),
        ("[]", "cgroupfs"),
    ],
)
def test_one_that_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, driver: str
) -> None:
    monkeypatch.setattr(client, "SOCKET", str(tmp_path / "docker.sock"))
    configuration = tmp_path / "daemon.json"
    configuration.write_text(content)
    assert installed.version_and_driver(prints_a_version, str(configuration), 1) == ("20.10.24+dfsg1", driver)


def test_address_of_an_interface() -> None:
    assert network.address("lo") == "127.0.0.1"
    assert network.address("missing") == ""
