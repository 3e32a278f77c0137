"""Packages go only if no other misses them, and the container runtime's only if it is asked for and ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.reset import removable_packages
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import selection

SHOWN = """\
docker.io\tinstalled\t, containerd (>= 1.2), iptables | nftables, libc6 (>= 2.34)\t
containerd\tinstalled\t, runc (>= 1.0), libc6\t
runc\tinstalled\t, libc6\t
iptables\tinstalled\tlibc6, libip4tc2 (= 1.8.9), netbase\tfirewall
libip4tc2\tinstalled\t, libc6\t
nftables\tnot-installed\t, libc6\t
socat\tinstalled\t, libc6, libwrap0:any\t
libwrap0\tinstalled\t, libc6\tlibwrap (= 7)
python3-yaml\tinstalled\t, python3:any (<< 3.12)\t
old\tconfig-files\t, missing\t
netbase\tinstalled\t, \t
libc6\tinstalled\t, \t
python3\tinstalled\t, missing-before\t
"""
NOTED = [
    "docker.io",
    "containerd",
    "runc",
    "iptables",
    "libip4tc2",
    "socat",
    "libwrap0:amd64",
    "python3-yaml",
]
INSTALLED = {"docker.io"}
RUNTIME = selection.of_host()
NEEDED = ["containerd", "docker.io", "iptables", "libip4tc2", "runc"]


def known(more: str = "") -> dict[str, removable_packages.Package]:
    return removable_packages.parse(SHOWN + more)


def test_docker_stays_with_all_that_it_needs_and_says_how_to_remove_it() -> None:
    decision = removable_packages.plan(NOTED, known(), INSTALLED, RUNTIME, asked=False)
    assert (decision.runtime, decision.runtime_goes) == ("ours", False)
    assert decision.going == {"socat", "libwrap0", "python3-yaml"}
    assert decision.remaining == NEEDED
    assert "reset_container_runtime" in decision.kept[0]


def test_docker_goes_if_it_is_asked_for() -> None:
    decision = removable_packages.plan(NOTED, known(), INSTALLED, RUNTIME, asked=True)
    assert decision.runtime_goes
    assert decision.going == {*NEEDED, "socat", "libwrap0", "python3-yaml"}
    assert (decision.remaining, decision.kept) == ([], [])


@pytest.mark.parametrize("need", ["socat", "libwrap", "other | socat (>= 1)"])
def test_what_others_need_by_now_stays(need: str) -> None:
    decision = removable_packages.plan(
        NOTED, known(f"theirs\tinstalled\t, {need}\t\n"), INSTALLED, RUNTIME, asked=False
    )
    assert "libwrap0" not in decision.going
    assert "libwrap0" not in decision.remaining
    assert "libwrap0" in decision.kept[0]
    assert "python3-yaml" in decision.going


def test_an_alternative_that_is_there_is_enough() -> None:
    decision = removable_packages.plan(
        ["socat"], known("theirs\tinstalled\t, socat | netbase\t\n"), None, RUNTIME, asked=False
    )
    assert decision.going == {"socat"}


def test_docker_that_others_need_stays() -> None:
    decision = removable_packages.plan(
        NOTED, known("theirs\tinstalled\t, runc\t\n"), INSTALLED, RUNTIME, asked=True
    )
    assert decision.runtime_goes
    decision = removable_packages.plan(
        NOTED, known("theirs\tinstalled\t, docker.io\t\n"), INSTALLED, RUNTIME, asked=True
    )
    assert not decision.runtime_goes
    assert "Docker stays: other packages need it by now." in decision.kept


@pytest.mark.parametrize("asked", [True, False])
def test_docker_of_others_stays_whatever_is_asked(asked: bool) -> None:
    decision = removable_packages.plan(["socat", "libwrap0"], known(), INSTALLED, RUNTIME, asked)
    assert (decision.runtime, decision.runtime_goes) == ("foreign", False)
    assert decision.going == {"socat", "libwrap0"}
    assert decision.remaining == []
    assert ("Docker stays: the collection did not install it." in decision.kept) is asked


def test_after_a_purge_that_was_cut_short_the_engine_is_absent_and_still_goes() -> None:
    decision = removable_packages.plan(NOTED, {}, None, RUNTIME, asked=True)
    assert (decision.runtime, decision.runtime_goes, decision.going) == ("absent", True, set())


def test_a_package_of_which_only_the_configuration_is_left_goes_and_needs_nothing() -> None:
    assert removable_packages.plan(["old", "unknown"], known(), None, RUNTIME, asked=False).going == {"old"}


def test_a_simulation_that_does_more_is_noticed() -> None:
    said = "Inst nftables [1]\nRemv theirs [1]\nPurg socat [1.7.4]\nPurg libwrap0 [7.6:amd64]\n"
    assert removable_packages.surplus(said, {"socat", "libwrap0"}) == ["Inst nftables", "Remv theirs"]
    assert removable_packages.surplus("Purg socat [1]\n", {"socat"}) == []


@pytest.mark.parametrize("asked", [True, False])
def test_an_engine_whose_programs_come_from_no_package_keeps_all_that_it_may_need(asked: bool) -> None:
    decision = removable_packages.plan(NOTED, known(), set(), RUNTIME, asked)
    assert (decision.runtime, decision.runtime_goes) == ("foreign", False)
    assert decision.going == {"socat", "libwrap0", "python3-yaml"}
    assert decision.remaining == NEEDED
    assert decision.kept == [f"Docker stays, with {', '.join(NEEDED)}: its programs come from no package."]


class Answers:
    """dpkg-query's answers by the path it is asked for."""

    def __init__(self, packages: dict[str, str]) -> None:
        self._packages = packages

    def get_bin_path(self, name: str) -> str:
        return f"/usr/bin/{name}"

    def run_command(self, command: list[str]) -> tuple[int, str, str]:
        package = self._packages.get(command[-1])
        return (0, f"{package}: {command[-1]}\n", "") if package else (1, "", "no path found")


@pytest.mark.parametrize(
    ("places", "packages", "expected"),
    [
        (["usr/sbin/dockerd", "usr/bin/docker"], ["docker.io", "docker-cli"], {"docker.io", "docker-cli"}),
        (["sbin/dockerd", "usr/bin/docker"], ["docker.io", "docker-cli"], {"docker.io", "docker-cli"}),
        (["usr/sbin/dockerd", "usr/bin/docker"], ["", "docker-cli"], set()),
        (["usr/sbin/dockerd", ""], ["docker.io", ""], {"docker.io"}),
        (["", ""], ["", ""], None),
    ],
)
def test_each_program_of_the_engine_has_to_come_from_a_package(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    places: list[str],
    packages: list[str],
    expected: set[str] | None,
) -> None:
    # As on a host whose /sbin leads to /usr/sbin.
    (tmp_path / "usr/sbin").mkdir(parents=True)
    (tmp_path / "sbin").symlink_to("usr/sbin")
    found = {name: f"{tmp_path}/{place}" for name, place in zip(("dockerd", "docker"), places) if place}
    monkeypatch.setattr(removable_packages.programs, "find", lambda name: found.get(name, ""))
    listed = {f"{tmp_path}/usr/sbin/dockerd": packages[0], f"{tmp_path}/usr/bin/docker": packages[1]}
    module: Any = Answers(listed)
    assert removable_packages.owners(module, RUNTIME.programs) == expected


def test_another_container_runtime_stays_and_is_still_noted() -> None:
    current = selection.named("containerd")
    protected = RUNTIME.packages - current.packages
    for asked in (False, True):
        decision = removable_packages.plan(NOTED, known(), {"containerd"}, current, asked, protected)
        assert decision.going == {"socat", "libwrap0", "python3-yaml"}
        assert decision.remaining == NEEDED
        assert "another container runtime stay: docker.io." in decision.kept[0]
        assert not decision.runtime_goes


@pytest.mark.parametrize("silent", [True, False])
def test_what_somebodys_runtime_is_asked_with_stays_while_it_has_to_be_asked_again(silent: bool) -> None:
    noted, libraries = ["python3-grpcio", "python3-protobuf", "socat"], {"python3-grpcio", "python3-protobuf"}
    packages = known("python3-grpcio\tinstalled\t, libc6\t\npython3-protobuf\tinstalled\t, libc6\t\n")
    current = selection.named("containerd")
    decision = removable_packages.plan(noted, packages, {"containerd"}, current, asked=False, silent=silent)
    assert decision.runtime == "foreign"
    assert decision.going == ({"socat"} if silent else {"socat", *libraries})
