"""What is seen of Docker is what is there, and what of it keeps a host from becoming a cluster is found."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import programs
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.packet_filter import Filter
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker import (
    client,
    dockerd,
    dockerd_plan,
    observed,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker.dockerd_plan import DockerdPlan
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker.observed import DockerObserved
from rendering import variables

OPTIONS: dict[str, Any] = {
    "version": "v1.18.20",
    "releases": variables("release", "vars")["release_table"],
    "components": ["etcd", "kube-apiserver"],
    "article_exact": False,
    "pod_network": "",
    "runtime_settings": None,
    "runtime_defaults": True,
    "runtime_packages": [],
}
KINDS = ("version", "settings", "defaults", "packages", "cgroup_driver")
DOCKER = {"version": "20.10.24", "running": True, "min_api": "1.12", "api": "1.41"}


def run(command: Sequence[str]) -> tuple[int, str, str]:
    """A command, as a module runs it."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def problems(docker: DockerObserved, fatal: bool = True, **options: object) -> dict[str, str]:
    """What is said of each kind of problem, where all of them are failures, or warnings."""
    desired = {**OPTIONS, **options}
    found = {kind: list(getattr(docker, f"{kind}_problems")(desired)) for kind in KINDS}
    assert {each.fatal for several in found.values() for each in several} <= {fatal}
    return {
        kind: "\n".join(f"{each.message} {each.remedy}" for each in several)
        for kind, several in found.items()
        if several
    }


def test_settings_of_dockers_own_network_do_not_matter_to_pods_that_are_not_in_it() -> None:
    settings = {"bridge": "none", "iptables": False, "icc": False}
    seen = DockerObserved(**DOCKER, plan=DockerdPlan(settings=settings))
    assert problems(seen)["settings"].count("Docker is to run with") == 3
    assert problems(seen, pod_network="10.244.0.0/16") == {}
    theirs = DockerObserved(**DOCKER, plan=DockerdPlan(ours=False, settings={"log-driver": "journald"}))
    proxied: dict[str, Any] = {"components": ["etcd", "kube-apiserver", "kube-proxy"]}
    assert "userland-proxy" in problems(theirs, fatal=False, **proxied)["defaults"]
    assert problems(theirs, **proxied, pod_network="10.244.0.0/16") == {}


def test_a_docker_that_runs_is_asked() -> None:
    found = observed.observe(OPTIONS, run, 1)
    shown = run(["docker", "version", "--format", "{{.Server.Version}} {{.Server.APIVersion}}"])[1]
    assert f"{found.version} {found.api}" == shown.strip()
    assert found.min_api == run(["docker", "version", "--format", "{{.Server.MinAPIVersion}}"])[1].strip()
    driver, root = run(["docker", "info", "--format", "{{.CgroupDriver}} {{.DockerRootDir}}"])[1].split()
    assert str(found) == f"Docker {found.version} (cgroup driver {driver})"
    assert found.node_version == f"docker://{found.version}"
    assert found.data_root == root


def test_what_a_later_docker_says_is_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    listed = {"Id": "0a1b", "ImageID": "sha256:2c", "Labels": {}}
    answers: dict[str, object] = {
        "/version": {"Version": "29.0.1", "ApiVersion": "1.52", "MinAPIVersion": "1.44", "Os": "linux"},
        "/info": {"CgroupDriver": "systemd"},
        "/containers/json": [
            {**listed, "Names": ["/other/alias", "/web"], "State": "running"},
            {**listed, "Names": ["/k8s_etcd"], "State": "paused"},
            {**listed, "Names": ["/again"], "State": "restarting"},
            {**listed, "Names": ["/ended"], "State": "exited"},
        ],
    }
    monkeypatch.setattr(client, "get", lambda path, **_query: answers[path])
    monkeypatch.setattr(dockerd, "DAEMON_JSON", f"{tmp_path}/none.json")
    assert observed.observe(OPTIONS, run, 1) == DockerObserved(
        version="29.0.1",
        running=True,
        min_api="1.44",
        api="1.52",
        cgroup_driver="systemd",
        containers=("web", "k8s_etcd", "again"),
    )
    answers["/info"] = {"CgroupDriver": "systemd", "DockerRootDir": "/data", "LiveRestoreEnabled": True}
    found = observed.observe(OPTIONS, run, 1)
    assert (found.data_root, found.keeps_containers) == ("/data", True)


def test_a_docker_that_does_not_answer_is_looked_at(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    daemon_json = tmp_path / "daemon.json"
    monkeypatch.setattr(client, "SOCKET", f"{tmp_path}/none.sock")
    monkeypatch.setattr(dockerd, "DAEMON_JSON", str(daemon_json))
    daemon_json.write_text('{"exec-opts": ["native.cgroupdriver=systemd"]}')
    found = observed.observe(OPTIONS, run, 1)
    assert str(found) == f"Docker {found.version} (not running, cgroup driver systemd)"
    assert found.unreadable == ""
    daemon_json.write_text("{")
    found = observed.observe(OPTIONS, run, 1)
    assert found.cgroup_driver == "cgroupfs"
    assert f"{daemon_json}, line 1, column 2" in found.unreadable


def test_no_docker_is_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(programs, "PATH", str(tmp_path))
    monkeypatch.setattr(client, "SOCKET", f"{tmp_path}/none.sock")
    found = observed.observe(OPTIONS, run, 1)
    assert (str(found), found.node_version) == ("no Docker", "")


@pytest.mark.parametrize(
    ("plan", "wanted"),
    [
        (DockerdPlan(), ""),
        (DockerdPlan(settings={"data-root": "/data"}), "/data"),
        (DockerdPlan(flags={"data-root": "/data"}), "/data"),
        (DockerdPlan(restarts=("why",)), "/var/lib/docker"),
    ],
)
def test_data_goes_where_a_setting_says_or_back_by_a_restart(
    plan: DockerdPlan, wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dockerd_plan, "of_preflight", lambda *_: plan)
    assert observed.observe(OPTIONS, run, 1).data_root_wanted == wanted


def test_a_good_docker_has_no_problems() -> None:
    assert problems(DockerObserved(**DOCKER)) == {}
    assert problems(DockerObserved()) == {}


def test_a_docker_older_than_the_kubelet_is_found() -> None:
    found = problems(DockerObserved(version="1.12.6", running=True, min_api="1.12", api="1.24"))
    assert "Docker 1.12.6 speaks API 1.12 to 1.24, and the kubelet 1.26 to 1.40. Upgrade" in found["version"]


def test_a_docker_told_to_refuse_the_kubelet_is_found() -> None:
    found = problems(DockerObserved(version="27.5.1", running=True, min_api="1.44", api="1.47"))
    assert "Take min-api-version out of /etc/docker/daemon.json" in found["version"]


def test_a_docker_that_is_going_to_be_told_to_take_the_kubelet_is_fine() -> None:
    assert problems(DockerObserved(version="29.0.1", running=True, min_api="1.44", api="1.52")) == {}


def test_a_docker_that_does_not_run_has_no_api() -> None:
    assert problems(DockerObserved(version="29.0.1")) == {}


def test_a_file_that_dockerd_can_not_read_is_found() -> None:
    assert problems(DockerObserved(unreadable="/x, line 1: y"))["settings"].startswith(
        "/x, line 1: y. Correct"
    )


@pytest.mark.parametrize(
    ("settings", "flags", "said"),
    [
        ({"userns-remap": "default"}, {}, "Take userns-remap out of /etc/docker/daemon.json."),
        ({"bridge": "none"}, {}, "pods have no network"),
        ({"iptables": False}, {}, "with iptables false: pods reach nothing"),
        ({}, {"iptables": "false"}, "Take --iptables out of what docker.service starts"),
        ({"icc": False}, {}, "pods do not reach each other"),
        ({"hosts": ["tcp://127.0.0.1:2375"]}, {}, "the kubelet looks for it at /var/run/docker.sock"),
        ({"min-api-version": "1.44"}, {}, "the kubelet speaks API 1.40 at most"),
        (
            {"hosts": ["unix://"]},
            {"hosts": "fd://"},
            "in /etc/docker/daemon.json and as fd:// by the unit",
        ),
        (
            {"default-runtime": "own", "runtimes": {"own": {"path": "/nonexistent/runc"}}},
            {},
            "its program /nonexistent/runc is not on the host",
        ),
    ],
)
def test_a_setting_with_which_pods_lack_something_is_found(
    settings: dict[str, Any], flags: dict[str, str], said: str
) -> None:
    found = problems(DockerObserved(plan=DockerdPlan(settings=settings, flags=flags)))
    assert list(found) == ["settings"]
    assert said in found["settings"]


def test_the_variable_is_named_where_a_setting_comes_from_it() -> None:
    bridge = {"bridge": "none"}
    found = problems(DockerObserved(plan=DockerdPlan(settings=bridge)), runtime_settings=bridge)["settings"]
    assert found.endswith("Take bridge out of cluster_docker_settings.")
    refused = problems(DockerObserved(plan=DockerdPlan(refusal="no such thing")))["settings"]
    assert "/etc/docker/daemon.json is to have: no such thing. Correct" in refused


@pytest.mark.parametrize(
    ("settings", "flags"),
    [
        ({}, {}),
        ({"bridge": "br0", "iptables": True, "icc": True, "userns-remap": ""}, {}),
        ({"hosts": ["tcp://127.0.0.1:2375", "unix:///run/docker.sock"], "min-api-version": "1.24"}, {}),
        ({"default-runtime": "sh", "runtimes": {"sh": {"path": "/bin/sh"}}, "live-restore": True}, {}),
        ({"default-runtime": "runc", "runtimes": {}}, {"hosts": "fd://", "icc": "true"}),
    ],
)
def test_settings_with_which_pods_have_what_they_need(
    settings: dict[str, Any], flags: dict[str, str]
) -> None:
    assert problems(DockerObserved(plan=DockerdPlan(settings=settings, flags=flags))) == {}


def test_a_docker_that_was_there_is_not_changed_unasked_but_what_it_lacks_is_told() -> None:
    theirs = DockerObserved(**DOCKER, plan=DockerdPlan(ours=False))
    assert '"max-size": "10m"' in problems(theirs, fatal=False)["defaults"]
    components = ["etcd", "kube-apiserver", "kube-proxy"]
    assert '{"userland-proxy": false}' in problems(theirs, fatal=False, components=components)["defaults"]
    good = {"log-opts": {"max-size": "1g"}, "userland-proxy": False}
    for docker in (
        DockerObserved(**DOCKER, plan=DockerdPlan(ours=False, settings=good)),
        DockerObserved(**DOCKER, plan=DockerdPlan(ours=False, settings={"log-driver": "journald"})),
        DockerObserved(**DOCKER, plan=DockerdPlan()),
        DockerObserved(plan=DockerdPlan(ours=False)),
    ):
        assert problems(docker) == {}
    assert problems(theirs, runtime_defaults=False) == {}


def test_a_docker_of_snap_is_found() -> None:
    found = problems(DockerObserved(snap="/snap/docker"))
    assert list(found) == ["packages"]
    assert "snap remove docker" in found["packages"]


def test_packages_are_in_the_way_where_there_is_no_docker_yet() -> None:
    rivals = ("containerd.io", "docker-ce-cli")
    found = problems(DockerObserved(conflicts=rivals))
    assert list(found) == ["packages"]
    assert "containerd.io, docker-ce-cli. Remove them with" in found["packages"]
    assert "`apt-get remove containerd.io docker-ce-cli`" in found["packages"]
    assert problems(DockerObserved(**DOCKER, conflicts=rivals)) == {}


def test_the_articles_kubelet_does_not_adapt_to_the_systemd_driver() -> None:
    systemd = DockerObserved(**DOCKER, cgroup_driver="systemd")
    assert problems(systemd) == {}
    found = problems(systemd, article_exact=True)["cgroup_driver"]
    assert "native.cgroupdriver=cgroupfs" in found
    assert problems(DockerObserved(**DOCKER), article_exact=True) == {}


def test_rules_that_are_gone_are_those_of_a_docker_that_runs() -> None:
    gone = Filter(nat="-P PREROUTING ACCEPT\n")
    (found,) = DockerObserved(**DOCKER).rules_problems(gone)
    assert (found.fatal, found.remedy[:28]) == (False, "Run systemctl restart docker")
    assert list(DockerObserved(**DOCKER).rules_problems(Filter())) == []
    assert list(DockerObserved(version="20.10.24").rules_problems(gone)) == []
