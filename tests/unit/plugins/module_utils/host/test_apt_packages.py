"""What dpkg and apt-get say is understood, and passed on with what to do."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import apt_packages
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.apt_packages import REPOSITORIES, Source
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.redact import redact

BUNDLE = Source("/srv/bundle/packages.tar", "Copy the bundle there again.")


def test_a_package_of_several_architectures_is_installed_if_one_of_them_is() -> None:
    text = "socat installed\nlibc6 installed\nlibc6 config-files\nzlib1g not-installed\nzlib1g installed\n"
    assert apt_packages.parse_statuses(text) == {
        "socat": "installed",
        "libc6": "installed",
        "zlib1g": "installed",
    }


def test_only_what_was_not_there_is_new() -> None:
    simulated = """Reading package lists...
Inst libc6 [2.36-9] (2.36-9+deb12u14 Debian:12.15/oldstable [amd64])
Conf libc6 (2.36-9+deb12u14 Debian:12.15/oldstable [amd64])
Inst libwrap0 (7.6.q-32 Debian:12.15/oldstable [amd64])
Inst socat (1.7.4.4-2 Debian:12.15/oldstable [amd64])
Conf socat (1.7.4.4-2 Debian:12.15/oldstable [amd64])
"""
    assert apt_packages.parse_new(simulated) == ["libwrap0", "socat"]


@pytest.mark.parametrize(
    ("os_release", "expected"),
    [
        ('ID=debian\nVERSION_ID="12"\nVERSION_CODENAME=bookworm\n', "debian bookworm"),
        ('NAME="Ubuntu"\nID=ubuntu\nVERSION_CODENAME=jammy\n# comment\n', "ubuntu jammy"),
        ("ID=alpine\nVERSION_ID=3.18\n", "alpine 3.18"),
        ("ID=arch\n", "arch"),
        ("", "linux"),
    ],
)
def test_a_distribution_is_named_by_its_release(os_release: str, expected: str) -> None:
    assert apt_packages.parse_distribution(os_release) == expected


def test_reasons_say_what_state_a_package_is_in() -> None:
    statuses = {"runc": "installed", "docker.io": "half-configured", "socat": "config-files"}
    names = ["runc", "docker.io", "socat", "iptables", "jq=1.6-2"]
    assert apt_packages.plan_reasons(names, statuses) == {
        "docker.io": "docker.io is half-configured, not installed to the end",
        "socat": "socat is not installed",
        "iptables": "iptables is not installed",
        "jq=1.6-2": "jq is not installed",
    }


def test_an_installed_package_is_enough_whatever_version_is_asked_for() -> None:
    assert apt_packages.plan_reasons(["jq=1.6-2"], {"jq": "installed"}) == {}


def test_a_repository_that_cannot_be_reached_is_not_a_wrong_name() -> None:
    complaint = "W: Failed to fetch http://deb.debian.org/debian/dists/bookworm/InRelease"
    said = apt_packages.failure(REPOSITORIES, ["socat"], "E: Unable to locate package socat", complaint)
    assert complaint in said
    assert "cluster_proxy" in said
    assert "cluster_artifacts" in said


def test_a_download_that_fails_is_told_with_its_reason() -> None:
    fetched = (
        "Reading package lists...\nErr:1 http://deb.debian.org/debian bookworm/main socat\n  timed out\n"
    )
    said = apt_packages.failure(
        REPOSITORIES, ["socat"], f"{fetched}E: Failed to fetch http://x  timed out\n", ""
    )
    assert "E: Failed to fetch http://x  timed out" in said
    assert "Reading" not in said
    assert "cluster_proxy" in said


def test_a_name_nobody_knows_is_told_with_where_it_was_looked_for() -> None:
    said = apt_packages.failure(BUNDLE, ["socat"], "E: Unable to locate package socat\n", "")
    assert said == (
        "socat: /srv/bundle/packages.tar cannot give them: E: Unable to locate package socat."
        " Copy the bundle there again."
    )


def test_other_failures_are_told_in_apts_own_words() -> None:
    progress = "".join(f"(Reading database ... {part}%\n" for part in range(0, 100, 5))
    said = apt_packages.failure(BUNDLE, ["a", "b"], f"{progress}E: Packages need to be removed.\n", "")
    assert said == (
        "a, b cannot be installed from /srv/bundle/packages.tar: E: Packages need to be removed."
        " Copy the bundle there again."
    )


@pytest.mark.parametrize(
    ("changed", "read", "young"),
    [
        ("", 100, True),
        ("", 4000, False),
        ("sources.list", 100, False),
        ("sources.list.d/own.sources", 100, False),
        ("apt.conf.d/proxy", 100, False),
        ("auth.conf.d/own.conf", 100, False),
        ("listchanges.conf", 100, True),
    ],
)
def test_lists_are_read_again_after_an_hour_or_a_change_of_where_they_come_from(
    tmp_path: Path, changed: str, read: int, young: bool
) -> None:
    lists, configuration = tmp_path / "lists", tmp_path / "apt"
    lists.mkdir()
    for directory in ("sources.list.d", "apt.conf.d", "auth.conf.d"):
        (configuration / directory).mkdir(parents=True)
    assert not apt_packages.are_young(lists, configuration, time.time())
    (lists / "deb.example_Packages.lz4").touch()
    os.utime(lists)
    assert apt_packages.are_young(lists, configuration, time.time())
    if changed:
        time.sleep(0.05)
        (configuration / changed).touch()
    assert apt_packages.are_young(lists, configuration, time.time() + read) is young


def test_no_password_of_a_repository_is_told() -> None:
    said = apt_packages.failure(
        REPOSITORIES, ["socat"], "E: Failed to fetch http://user:s3cret@mirror/x  404\n", ""
    )
    assert "s3cret" not in redact(said)
