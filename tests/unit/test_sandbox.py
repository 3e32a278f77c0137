"""The sandbox takes the release that runs on this machine, and says how far it is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks import kernel, observation
from rendering import variables

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests" / "sandbox"))

import choice
import common
import release

TABLE = variables("release", "vars")["release_table"]
V1, BOTH = {1}, {1, 2}
KNOWN = {"v1.18.5": V1, "v1.18.20": V1, "v1.9.30": V1, "v1.23.17": BOTH, "v1.19.16": BOTH, "v1.36.2": {2}}
CONTROLLERS = frozenset({"cpu", "cpuacct", "cpuset", "devices", "memory"})
LOG = """Get:1 http://deb.debian.org/debian bookworm InRelease [151 kB]
generating the description of the API

packages: 4
internal/cpu
k8s.io/kubernetes/vendor/gopkg.in/inf.v0
k8s.io/kubernetes/pkg/apis/core
"""


def test_the_article_s_release_is_taken_where_it_runs() -> None:
    version, why = choice.choose(KNOWN, "v1.18.20", cgroup_version=1, kernel_memory_error="")
    assert version == "v1.18.20"
    assert why == "the collection's own, which runs on this machine"


def test_with_cgroup_v2_the_newest_is_taken() -> None:
    version, why = choice.choose(KNOWN, "v1.18.20", cgroup_version=2, kernel_memory_error="")
    assert version == "v1.36.2"
    assert why == "the newest for this machine, for the collection's own v1.18.20 can't use its cgroup v2"
    assert choice.choose(KNOWN, "v1.19.16", 2, "")[0] == "v1.19.16"


def test_where_the_kernel_refuses_what_the_kubelet_sets_the_newest_for_its_cgroups_is_taken() -> None:
    version, why = choice.choose(KNOWN, "v1.18.20", 1, "Operation not supported")
    assert version == "v1.23.17"
    assert "Operation not supported" in why


def test_the_versions_are_those_of_the_collection_s_own_table() -> None:
    defaults = variables("cluster", "defaults")
    assert choice.releases() == {
        version: set(row["cgroup_versions"]) for row in TABLE.values() for version in row["checksums"]
    }
    assert choice.own() == defaults["cluster_version"]


@pytest.mark.parametrize("cgroup_version", [1, 2])
def test_preflight_lets_pass_what_is_taken(cgroup_version: int) -> None:
    host = observation.Host(cgroup_version=cgroup_version, controllers=CONTROLLERS)
    taken, _why = choice.choose(choice.releases(), choice.own(), cgroup_version, "")
    for version, passes in ((taken, True), (choice.own(), cgroup_version == 1)):
        desired = {
            "version": version,
            "switch_to_cgroup_v1": False,
            "releases": TABLE,
            "components": ["etcd"],
            "authentication": "",
            "article_exact": False,
        }
        assert (list(kernel.cgroup(desired, host)) == []) == passes


def test_a_build_says_how_much_of_it_is_done() -> None:
    assert release.compiled("") == "nothing yet"
    assert release.compiled(LOG[:60]) == LOG[:60]
    assert release.compiled(LOG) == "2 packages compiled, of 4 at most"
    assert release.compiled(f"{LOG}k8s.io/kubernetes/cmd/kubelet\nk8s.io/kubernetes/pkg/a\n") == "linking"


def test_a_long_command_says_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MINK8S_CACHE", str(tmp_path))
    monkeypatch.setattr(common, "TELL_SECONDS", 0.1)
    common.logged("slow", "sh", "-c", "echo one; echo two; sleep 0.5")
    assert re.search(r"^sandbox: slow, \d+ s: two$", capsys.readouterr().err, re.MULTILINE)
    assert (tmp_path / "logs/slow.log").read_text() == "one\ntwo\n"
    with pytest.raises(
        common.SandboxError, match=r"ended with 3; all it said is in .*slow\.log, its end:\nwhy"
    ):
        common.logged("slow", "sh", "-c", "echo why; exit 3")


def test_what_is_done_beside_a_command_that_fails_is_told_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MINK8S_CACHE", str(tmp_path))
    done = []
    with pytest.raises(common.SandboxError, match="ended with 1"), common.beside("short", "false"):
        done.append(1)
    assert done == [1]
    with pytest.raises(KeyError), common.beside("long", "sleep", "60"):
        raise KeyError


def test_a_release_with_more_programs_is_as_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINK8S_CACHE", str(tmp_path))
    assert release._made("v1.20.2", "cluster") is None
    more = release._root("components") / "v1.20.2"
    more.mkdir(parents=True)
    assert release.build("v1.20.2", "cluster") == release.build("v1.20.2", "components") == more
    assert release._made("v1.20.2", "all") is None
    assert set(release.CLUSTER) < set(release.COMPONENTS) < set(release.SETS["all"])


@pytest.mark.parametrize("words", [["CONTAINER_RUNTIME=containerd"], []])
def test_make_hands_the_container_runtime_on_however_it_is_given(words: list[str]) -> None:
    environment = {**os.environ, **({} if words else {"CONTAINER_RUNTIME": "containerd"})}
    rule = '--eval=told: ; echo "$$CONTAINER_RUNTIME"'
    command = ["make", "--no-print-directory", rule, "told", *words]
    done = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    assert done.stdout == "containerd\n"


@pytest.mark.parametrize(("number", "workers"), [(1, []), (3, ["mink8s-2", "mink8s-3"])])
def test_the_second_node_and_later_ones_join_the_cluster_of_the_first(
    number: int, workers: list[str]
) -> None:
    command = ["make", "--silent", "--eval", 'show: ; echo "$$HOSTS"', "show", f"NODES={number}"]
    printed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    group = yaml.safe_load(printed)["mink8s"]
    # A host of the group's name would be all that a playbook for the group runs on.
    assert list(group["hosts"]) == ["mink8s-1"]
    joining = group.get("children", {}).get("workers", {"hosts": {}, "vars": {}})
    assert list(joining["hosts"]) == workers
    assert joining["vars"] == ({"cluster_control_plane": "mink8s-1"} if workers else {})
