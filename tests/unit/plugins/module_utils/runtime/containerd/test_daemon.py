"""containerd is touched only where its files or unit are not as wanted, and is asked before it is changed."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import programs
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.service import UnitError
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.systemd import Unit
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.containerd import (
    config,
    cri,
    daemon,
)

RUNNING = Unit(loaded=True, enabled=True, active=True, needs_reload=False, started_at=4e9)
ABSENT = Unit(loaded=False, enabled=False, active=False, needs_reload=False, started_at=0.0)
DOCKERS = '# Of Docker.\ndisabled_plugins = ["cri"]\n'
RESTARTED = "containerd.service runs with what has just changed"


def run(command: Sequence[str]) -> tuple[int, str, str]:
    """A command, as a module runs it."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def desired(directory: Path, **options: Any) -> daemon.Desired:
    usual = {"settings": {}, "proxy": "", "pause_image": "registry.k8s.io/pause:3.2"}
    files = {"path": str(directory / "config.toml"), "proxy_file": str(directory / "proxy.conf")}
    return daemon.Desired(ledger=str(directory / "ledger.json"), **files, **{**usual, **options})


def refusal(directory: Path, text: str = "", version: str = "1.6.20", **options: Any) -> str:
    """What is said of settings, asked of the containerd of this machine."""
    (directory / "config.toml").write_text(text)
    wanted = desired(directory, **options)
    return daemon.refusal(run, daemon.prepare(wanted, True, RUNNING), wanted.settings, version)


def cri_settings(**settings: Any) -> dict[str, Any]:
    return {"plugins": {config.CRI: settings}}


def test_a_containerd_with_its_settings_is_left_alone(tmp_path: Path) -> None:
    first = daemon.prepare(desired(tmp_path), True, RUNNING)
    assert first.plan.reasons[-1] == RESTARTED
    assert first.plan.reasons[0] == "version: now not set, wanted 2"
    (tmp_path / "config.toml").write_text(first.change.text or "")
    assert daemon.prepare(desired(tmp_path), True, RUNNING).plan.reasons == ()


def test_one_that_is_about_to_be_installed_is_started_with_its_settings(tmp_path: Path) -> None:
    reasons = daemon.prepare(desired(tmp_path), False, ABSENT).plan.reasons
    assert reasons[-2:] == ("containerd.service is not enabled", "containerd.service is not running")


def test_dockers_file_keeps_its_comment(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(DOCKERS)
    planned = daemon.prepare(desired(tmp_path), True, RUNNING)
    assert 'disabled_plugins: now ["cri"], wanted []' in planned.plan.reasons
    assert (planned.change.text or "").startswith("# Of Docker.\ndisabled_plugins = []\n")
    assert refusal(tmp_path, DOCKERS) == ""


def test_a_new_place_to_ask_for_images_needs_no_restart(tmp_path: Path) -> None:
    once = desired(tmp_path, registries={"docker.io": ["https://a.example.org"]})
    (tmp_path / "config.toml").write_text(daemon.prepare(once, True, RUNNING).change.text or "")
    plan, changes, _files = daemon.prepare_hosts(once)
    path = tmp_path / "certs.d" / "docker.io" / "hosts.toml"
    assert plan.reasons == (f"{path} is missing",)
    path.parent.mkdir(parents=True)
    path.write_bytes(changes.files[0][1])
    path.chmod(0o644)
    assert daemon.prepare_hosts(once)[0].reasons == ()
    again = desired(tmp_path, registries={"docker.io": ["https://b.example.org"]})
    assert daemon.prepare_hosts(again)[0].reasons == (f"{path} has other content",)
    assert daemon.prepare(again, True, RUNNING).plan.reasons == ()


def test_a_place_that_is_not_asked_any_more_goes_and_somebody_elses_stays(tmp_path: Path) -> None:
    ours, theirs = (tmp_path / "certs.d" / name / "hosts.toml" for name in ("docker.io", "quay.io"))
    for path, content in ((ours, f"{config.MARKER}\nx"), (theirs, "x")):
        path.parent.mkdir(parents=True)
        path.write_text(content)
    assert daemon.prepare_hosts(desired(tmp_path))[0].reasons == (f"{ours} is not wanted any more",)
    with pytest.raises(ValueError, match=re.escape(f"{theirs} is not the collection's")):
        daemon.prepare_hosts(desired(tmp_path, registries={"quay.io": ["https://a"]}))


def test_the_directory_of_a_place_goes_with_it_if_nobody_else_needs_it(tmp_path: Path) -> None:
    there = tmp_path / "certs.d" / "quay.io"
    there.mkdir(parents=True)
    places = {name: ["https://a"] for name in ("docker.io", "quay.io", "ghcr.io")}
    for registries in (places, {}):
        wanted = desired(tmp_path, registries=registries)
        _plan, changes, files = daemon.prepare_hosts(wanted)
        daemon.apply_hosts(changes, files)
        # What somebody else has put beside it.
        (tmp_path / "certs.d" / "ghcr.io" / "ca.crt").touch()
    assert sorted(path.name for path in (tmp_path / "certs.d").iterdir()) == ["ghcr.io", "quay.io"]
    assert list(there.iterdir()) == []


def test_the_last_place_takes_the_directory_of_all_places_along(tmp_path: Path) -> None:
    for registries in ({"docker.io": ["https://a"], "ghcr.io": ["https://a"]}, {}, {}):
        _plan, changes, files = daemon.prepare_hosts(desired(tmp_path, registries=registries))
        daemon.apply_hosts(changes, files)
        assert (tmp_path / "certs.d").exists() == bool(registries)


def test_no_password_is_shown(tmp_path: Path) -> None:
    wanted = desired(
        tmp_path, registries={"x": ["https://u:s3cret@a"]}, proxy="http_proxy=http://u:s3cret@b:1"
    )
    plans = (daemon.prepare_hosts(wanted)[0], daemon.prepare(wanted, True, RUNNING).plan)
    assert [plan for plan in plans if "s3cret" in "".join([*plan.reasons, plan.before, plan.after])] == []
    assert daemon.prepare_hosts(wanted)[1].files[0][2] == 0o600


@pytest.mark.parametrize(
    ("text", "settings", "said"),
    [
        ("", {}, ""),
        ("", cri_settings(sandbox_image=5), "Can't convert 5(int64) to string, seen: sandbox_image = 5"),
        ("version = 2\n[plugins.linux]\nx = 1\n", {}, 'invalid plugin key URI "linux"'),
        ("", {"disabled_plugins": ["cri"]}, "which the kubelet needs"),
    ],
)
def test_containerd_is_asked_before_anything_is_changed(
    tmp_path: Path, text: str, settings: dict[str, Any], said: str
) -> None:
    found = refusal(tmp_path, text, settings=settings)
    assert said in found
    assert bool(found) == bool(said)
    assert str(tmp_path) not in found
    assert (tmp_path / "config.toml").read_text() == text
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]


def test_a_containerd_that_is_not_there_refuses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "PATH", str(tmp_path))
    assert refusal(tmp_path, settings=cri_settings(sandbox_image=5)) == ""


def test_what_is_imported_is_found_where_the_file_is_and_may_not_replace_ours(tmp_path: Path) -> None:
    (tmp_path / "more.toml").write_text("oom_score = 1\n")
    text = 'version = 2\nimports = ["more.toml"]\n'
    assert refusal(tmp_path, text) == ""
    (tmp_path / "more.toml").write_text(f'version = 2\n[plugins."{config.CRI}"]\nsandbox_image = "x:1"\n')
    found = refusal(tmp_path, text)
    assert found.startswith("what it imports (more.toml) takes the place of plugins.")
    assert f"plugins.{config.CRI}.cni.bin_dir" in found


class Journal:
    """A module on a host whose containerd has logged something."""

    log = ""

    def run_command(self, command: Sequence[str]) -> tuple[int, str, str]:
        return 0, self.log if command[0] == "journalctl" else "", ""


@pytest.fixture
def without_cri(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A server that answers on containerd's socket, and has none of its services."""
    server = grpc.server(ThreadPoolExecutor(1))
    server.add_insecure_port(f"unix://{tmp_path}/socket")
    server.start()
    monkeypatch.setattr(cri, "SOCKET", f"{tmp_path}/socket")
    yield
    server.stop(None)


@pytest.mark.usefixtures("without_cri")
def test_a_containerd_without_cri_says_why_at_once() -> None:
    module: Any = Journal()
    with pytest.raises(UnitError, match="has no CRI v1"):
        daemon.answers(module)
    module.log = (
        'time="x" level=warning msg="failed to load plugin io.containerd.snapshotter.v1.zfs" error="no zfs"\n'
        'time="x" level=warning msg="failed to load plugin io.containerd.grpc.v1.cri" error="invalid: `x`"\n'
        'time="x" level=error msg="something else"\n'
    )
    with pytest.raises(UnitError, match=r"has no CRI v1.*failed to load plugin io\.containerd\.grpc.*`x`"):
        daemon.answers(module)


@pytest.mark.usefixtures("without_cri")
def test_a_host_without_inotify_instances_is_told_how_to_have_more() -> None:
    module: Any = Journal()
    module.log = (
        'time="x" level=warning msg="failed to load plugin io.containerd.grpc.v1.cri"'
        ' error="failed to create fsnotify watcher: too many open files"\n'
    )
    with pytest.raises(
        UnitError, match=r"too many open files.*sysctl -w fs\.inotify\.max_user_instances=1024"
    ):
        daemon.answers(module)


def test_a_containerd_that_does_not_answer_is_waited_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(cri, "SOCKET", f"{tmp_path}/none")
    monkeypatch.setattr(daemon, "CRI_SECONDS", 0.5)
    module: Any = Journal()
    with pytest.raises(UnitError, match="does not answer"):
        daemon.answers(module)
