"""What is seen of containerd is what is there, and what keeps a host from becoming a cluster is found."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import programs
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import settings_format
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.containerd import (
    config,
    cri,
    observed,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.containerd.engine import Containerd
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.containerd.observed import (
    ContainerdObserved,
)
from rendering import variables

OPTIONS: dict[str, Any] = {
    "version": "v1.20.2",
    "releases": {**variables("release", "vars")["release_table"], "1.30": {"cri": ["v1"]}},
    "runtime_settings": {},
    "runtime_pause_image": "registry.k8s.io/pause:3.2",
    "runtime_registries": {},
    "runtime_proxy": "",
    "ledger": "/nonexistent/ledger.json",
    "artifacts": "",
    "runtime_packages": ["containernetworking-plugins", "containerd"],
}
KINDS = ("version", "settings", "defaults", "packages", "cgroup_driver")
# What systemctl shows where systemd has started it.
STARTED = f"ExecMainStartTimestampMonotonic={9 * 10**15}"
ACTIVE = f"LoadState=loaded\nUnitFileState=enabled\nActiveState=active\n{STARTED}\n"


def run(command: Sequence[str]) -> tuple[int, str, str]:
    """A command, as a module runs it, on a host with systemd."""
    if command[0] == "systemctl":
        return 0, ACTIVE, ""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A configuration file in the place of the one of this machine."""
    path = tmp_path / "config.toml"
    monkeypatch.setattr(Containerd, "configuration", str(path))
    return path


def observe(**options: Any) -> ContainerdObserved:
    return observed.observe({**OPTIONS, **options}, run, 1)


def problems(containerd: ContainerdObserved, **options: object) -> dict[str, str]:
    """What is said of each kind of problem, all of which are failures."""
    found = {kind: list(getattr(containerd, f"{kind}_problems")({**OPTIONS, **options})) for kind in KINDS}
    assert {each.fatal for several in found.values() for each in several} <= {True}
    return {
        kind: "\n".join(f"{each.message} {each.remedy}" for each in several)
        for kind, several in found.items()
        if several
    }


def test_a_containerd_that_runs_is_seen_with_its_own_containers_alone() -> None:
    found = observe()
    assert found.version == run(["containerd", "--version"])[1].split()[2]
    assert (found.running, found.loaded, found.masked) == (True, True, False)
    assert found.data_root == "/var/lib/containerd"
    # Docker's, among them that of this test's host, are in another namespace.
    assert [name for name in found.containers if not name.startswith("k8s_")] == []
    assert found.keeps_containers
    assert str(found) == f"containerd {found.version} (cgroup driver {found.cgroup_driver})"
    assert found.node_version == f"containerd://{found.version}"


def test_no_containerd_is_none(file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    systemctl = programs.find("systemctl")
    monkeypatch.setattr(programs, "PATH", str(tmp_path))
    found = observed.observe(
        OPTIONS,
        lambda command: (
            run([systemctl, "show", "none.service"]) if command[0] == "systemctl" else run(command)
        ),
        1,
    )
    assert (str(found), found.node_version, found.restarts) == ("no containerd", "", ())
    assert problems(found) == {}
    assert not file.exists()


def test_what_is_going_to_be_done_is_known_before(file: Path) -> None:
    assert observe().restarts == ("containerd.service runs with what has just changed",)
    assert observe(runtime_settings=None).restarts == ()
    file.write_text('root = "/old"\n')
    moved = observe(runtime_settings={"root": "/data"})
    assert (moved.data_root, moved.data_root_wanted) == ("/old", "/data")
    assert problems(moved) == {}


def test_what_containerd_would_refuse_is_told_before(file: Path) -> None:
    wrong = {"plugins": {config.CRI: {"sandbox_image": 5}}}
    found = problems(observe(runtime_settings=wrong))
    assert list(found) == ["settings"]
    assert f"containerd does not start with what {file} is to have: " in found["settings"]
    assert found["settings"].endswith("Correct cluster_containerd_settings, or the file.")


def test_a_file_that_can_not_be_read_is_told(file: Path) -> None:
    file.write_text("a = [")
    said = problems(observe())["settings"]
    assert said.startswith(f"{file}, line ")
    assert said.endswith("Correct it, or move it away, and run again: containerd can't read it either.")


def test_nothing_is_said_of_a_file_that_nobody_can_read_yet(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text("a = [")
    monkeypatch.setattr(settings_format, "HAS_TOMLKIT", False)
    monkeypatch.setattr(settings_format, "HAS_TOMLLIB", False)
    found = observe()
    assert problems(found) == {}
    assert (found.running, found.restarts) == (True, ())
    file.unlink()
    assert observe().restarts


def test_what_python_reads_by_itself_is_told_before_the_library_is_there(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings_format, "HAS_TOMLKIT", False)
    file.write_text("a = [")
    assert problems(observe())["settings"].startswith(f"{file}, line 1, ")
    file.write_text("a = 1\n")
    assert problems(observe()) == {}


def test_variables_of_another_form_are_told_with_what_to_do(file: Path, tmp_path: Path) -> None:
    assert "is no HOST or HOST:PORT" in problems(observe(runtime_registries={"/": ["https://a"]}))["settings"]
    theirs = tmp_path / "certs.d" / "docker.io" / "hosts.toml"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("[host]\n")
    said = problems(observe(runtime_registries={"docker.io": ["https://a"]}))["settings"]
    assert said.startswith(f"{theirs} is not the collection's: its first line does not say so. Move it away")
    assert not file.exists()


@pytest.mark.parametrize(
    ("containerd", "kubelet", "said"),
    [
        ("", "v1.20.2", ""),
        ("1.6.20~ds1", "v1.20.2", ""),
        ("1.7.24", "v1.30.1", ""),
        ("2.2.1", "v1.23.17", ""),
        ("1.4.13~ds1", "v1.20.2", "containerd 1.4.13~ds1 speaks CRI v1alpha2, and v1 is needed. Upgrade"),
        (
            "1.5.9",
            "v1.26.15",
            "containerd 1.5.9 speaks CRI v1alpha2, and v1 is needed. Upgrade containerd to 1.6",
        ),
        (
            "1.5.9",
            "v1.36.2",
            "containerd 1.5.9 speaks CRI v1alpha2, and v1 is needed. Upgrade containerd to 1.6",
        ),
        ("2.2.1", "v1.36.2", ""),
        ("2.2.1", "v1.22.17", "speaks CRI v1, and the kubelet of v1.22.17 v1alpha2 only. Choose a later"),
        ("2.2.1", "v1.20.2", "speaks CRI v1, and the kubelet of v1.20.2 v1alpha2 only. Choose a later"),
    ],
)
def test_the_kubelet_and_containerd_have_to_speak_the_same_cri(
    containerd: str, kubelet: str, said: str
) -> None:
    found = problems(ContainerdObserved(version=containerd), version=kubelet)
    assert list(found) == (["version"] if said else [])
    assert said in found.get("version", "")


def test_a_table_without_the_versions_of_cri_says_nothing_of_them() -> None:
    assert problems(ContainerdObserved(version="2.2.1"), releases={"1.20": {}}) == {}


def test_one_without_cri_may_run_all_the_same(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cri, "SOCKET", f"{tmp_path}/none")
    found = observe()
    assert (found.running, found.containers) == (True, ())


def test_one_that_does_not_run_has_the_driver_that_it_is_going_to_have(
    file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cri, "SOCKET", f"{tmp_path}/none")
    runc = {"runc": {"options": {"SystemdCgroup": True}}}
    asked = {**OPTIONS, "runtime_settings": {"plugins": {config.CRI: {"containerd": {"runtimes": runc}}}}}

    def stopped(command: Sequence[str]) -> tuple[int, str, str]:
        return (0, "LoadState=loaded\n", "") if command[0] == "systemctl" else run(command)

    found = observed.observe(asked, stopped, 1)
    assert (found.running, found.cgroup_driver, found.restarts) == (False, "systemd", ())
    assert not file.exists()


def test_a_containerd_of_the_distributions_that_is_too_old_is_told_before_it_is_installed(
    file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "apt-cache").touch(0o755)
    monkeypatch.setattr(programs, "PATH", str(tmp_path))
    monkeypatch.setattr(cri, "SOCKET", f"{tmp_path}/none")
    shown = {"containerd": "Package: containerd\nVersion: 1.4.13~ds1-1~deb11u4\n"}

    def fresh(command: Sequence[str]) -> tuple[int, str, str]:
        return 0, shown.get(command[-1], ""), ""

    said = problems(observed.observe(OPTIONS, fresh, 1))["packages"]
    assert "the one that apt would install, 1.4.13~ds1-1~deb11u4, does not speak CRI v1. Install" in said
    assert problems(observed.observe({**OPTIONS, "artifacts": "/srv"}, fresh, 1)) == {}
    shown["containerd"] = "Version: 1.6.20~ds1-1+deb12u3\n"
    assert problems(observed.observe(OPTIONS, fresh, 1)) == {}
    shown["containerd"] = "Version: 2.2.1-0ubuntu1~24.04.3\n"
    late = observed.observe(OPTIONS, fresh, 1)
    said = problems(late)["packages"]
    assert "would install, 2.2.1-0ubuntu1~24.04.3, speaks CRI v1, and the kubelet of v1.20.2 v1alpha2" in said
    assert said.endswith("only. Choose a later cluster_version, or another cluster_container_runtime.")
    assert problems(late, version="v1.23.17") == {}
    shown.clear()
    assert problems(observed.observe(OPTIONS, fresh, 1)) == {}
    assert not file.exists()
