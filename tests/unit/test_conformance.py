"""Which of Kubernetes' own tests are run, what is read of them while they run and after, and the page."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path.append(str(ROOT / "tests" / "conformance"))

import findings
import ginkgo
import selection
import two_nodes
from findings import Findings, Setting
from ginkgo import Outcome, Progress

DNS = "[sig-network] DNS should provide DNS for services  [Conformance]"
PROBE = '[k8s.io] Probing container should be restarted with a exec "cat /tmp/health" [Conformance]'
DAEMON = "[sig-apps] Daemon set [Serial] should run and stop simple daemon [Conformance]"
TAINT = "[k8s.io] [sig-node] NoExecuteTaintManager removing taint cancels eviction [Disruptive] [Conformance]"
WATCH = "[sig-api-machinery] Watchers should observe an object deletion [Conformance]"
NAMES = [DNS, PROBE, DAEMON, TAINT, WATCH]
SETTING = Setting("v1.20.2", "docker", "docker 20.10.24", "6.18", "v1")
JUNIT = """<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="Kubernetes e2e suite" tests="2" failures="1" errors="0" time="3.5">
  <testcase name="{}" classname="Kubernetes e2e suite" time="1.5"></testcase>
  <testcase name="{}" classname="Kubernetes e2e suite" time="2">
    <failure type="Failure">/go/src/k8s.io/kubernetes/test/e2e/x.go:1
timed out waiting for the condition
/go/src/k8s.io/kubernetes/test/e2e/x.go:1</failure>
    <system-out>more</system-out>
  </testcase>
  <testcase name="[sig-apps] left out" classname="Kubernetes" time="0"><skipped></skipped></testcase>
</testsuite>
"""


def found(**more: object) -> Findings:
    outcomes = {PROBE: Outcome(1), WATCH: Outcome(2, "/go/x.go:1\na | b"), DAEMON: Outcome(3)}
    return Findings(outcomes, {DNS: "no CoreDNS"}, SETTING, 12.4)


def test_what_changes_the_cluster_runs_alone() -> None:
    assert selection.parts(NAMES) == ([DNS, PROBE, WATCH], [DAEMON, TAINT])


def test_a_pattern_and_the_quick_part_choose() -> None:
    assert selection.chosen(NAMES, "", quick=False) == NAMES
    assert selection.chosen(NAMES, r"sig-(network|apps)", quick=False) == [DNS, DAEMON]
    assert selection.chosen(NAMES, "", quick=True) == [DNS, PROBE, DAEMON]


def test_names_are_not_looked_up_without_coredns() -> None:
    assert list(selection.impossible(NAMES, has_dns=False)) == [DNS]
    assert selection.impossible(NAMES, has_dns=True) == {}


def test_the_focus_finds_these_tests_and_no_other() -> None:
    focus = re.compile(selection.focus([PROBE, DNS]))
    for name in NAMES:
        assert bool(focus.search(f"Kubernetes e2e suite {name}")) == (name in (PROBE, DNS))
    assert not focus.search(f"{PROBE} and more")
    assert r"\ " not in selection.focus([DNS])


def test_outcomes_are_those_of_all_processes(tmp_path: Path) -> None:
    (tmp_path / "junit_01.xml").write_text(JUNIT.format(DNS, WATCH))
    (tmp_path / "junit_02.xml").write_text(JUNIT.format(DAEMON, TAINT))
    outcomes = ginkgo.outcomes(tmp_path)
    assert set(outcomes) == {DNS, WATCH, DAEMON, TAINT}
    assert outcomes[DNS] == Outcome(1.5)
    assert "timed out waiting for the condition" in outcomes[WATCH].failure


def test_progress_counts_what_is_over(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress("beside", 3)
    assert str(progress).endswith("0 of 3 over; last none is over yet")
    escaped = PROBE.replace('"', '\\"')
    progress.read('[2] {"msg":"Test Suite starting","total":3,"completed":0,"skipped":0,"failed":0}\n')
    progress.read(f'[1] {{"msg":"PASSED {escaped}","total":3,"completed":1,"skipped":0,"failed":0}}\n')
    progress.read(f'[1] {{"msg":"FAILED {WATCH}","total":3,"completed":1,"failed":1,"failures":["x"]}}\n')
    assert str(progress).endswith(f"2 of 3 over, 1 failed; last {WATCH}")
    assert f"FAILED {WATCH}" in capsys.readouterr().out


def test_a_section_counts_by_group_and_names_what_did_not_pass() -> None:
    section = found().section("abc", "2026-11-27")
    assert "Run on 2026-11-27 at commit abc: Kubernetes v1.20.2, docker 20.10.24, two nodes" in section
    assert "| sig-node | 1 | 1 | 0 | 0 |" in section
    assert "| sig-api-machinery | 1 | 0 | 1 | 0 |" in section
    assert "| sig-network | 0 | 0 | 0 | 1 |" in section
    assert "| **all** | **3** | **2** | **1** | **1** |" in section
    assert f"| {WATCH} | a \\| b |" in section
    assert f"| {DNS} | no CoreDNS |" in section


def test_the_summary_names_what_failed() -> None:
    assert found().summary().splitlines() == [
        "3 run: 2 passed, 1 failed; 1 not possible here; 12 minutes",
        f"  FAILED {WATCH}",
        "    a | b",
    ]


def test_a_page_keeps_what_is_around_its_section(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "conformance.md"
    monkeypatch.setattr(findings, "PAGE", page)
    begin = findings.BEGIN.format("docker")
    page.write_text(f"before\n{begin}old\n{findings.END}\nafter\n")
    findings.write(found())
    written = page.read_text()
    assert written.startswith(f"before\n{begin}\nRun on ")
    assert written.endswith(f"\n{findings.END}\nafter\n")
    assert "old" not in written
    page.write_text("nothing")
    with pytest.raises(SystemExit, match="does not have the lines"):
        findings.write(found())


def test_the_page_has_its_marks() -> None:
    text = (ROOT / "docs" / "conformance.md").read_text()
    for runtime in ("docker", "containerd"):
        assert text.index(findings.BEGIN.format(runtime)) < text.rindex(findings.END)


def test_nodes_trust_the_registry_of_the_tests_besides_those_they_trust_anyway() -> None:
    given = {
        "cluster_image_registry": "192.0.2.1:5000",
        "cluster_docker_settings": {"debug": True, "insecure-registries": ["192.0.2.1:5000"]},
        "cluster_containerd_registries": {"192.0.2.1:5000": ["http://192.0.2.1:5000"]},
    }
    made = two_nodes.variables(given, "192.0.2.2:5000")
    registries = ["192.0.2.1:5000", "192.0.2.2:5000"]
    assert made["cluster_docker_settings"] == {"debug": True, "insecure-registries": registries}
    assert list(made["cluster_containerd_registries"]) == registries
    assert "coredns" not in made["cluster_components"]
    given["cluster_image_tags"] = {"coredns": "v1.13.1"}
    assert "coredns" in two_nodes.variables(given, "192.0.2.1:5000")["cluster_components"]
    same = two_nodes.variables(given, "192.0.2.1:5000")
    assert same["cluster_docker_settings"]["insecure-registries"] == ["192.0.2.1:5000"]
