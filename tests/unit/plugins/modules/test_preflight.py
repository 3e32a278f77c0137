"""The module reports what the checks find, and its documentation names every check."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks import host_facts, observation
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.finding import CHECKS, Finding
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.preflight import GROUPS, report
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker.observed import DockerObserved
from ansible_collections.mink8s.kubernetes.plugins.modules import preflight
from rendering import variables

DOCS = Path(__file__).parents[4] / "docs" / "preflight.md"
RELEASES = variables("release", "vars")["release_table"]
MODULE = "ansible_collections.mink8s.kubernetes.plugins.modules.preflight"
HOST = observation.Host(kernel="6.1.0", runtime=DockerObserved())


def run(**options: object) -> dict[str, Any]:
    """The module's result on this machine."""
    done = subprocess.run(
        [sys.executable, "-m", MODULE],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": {"version": "v1.20.15", "releases": RELEASES, **options}}),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
        capture_output=True,
        check=False,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def row(name: str) -> str:
    """The line on a check in the table of the documentation."""
    check = CHECKS[name]
    source = inspect.getsource(check)
    for method in re.findall(r"host\.runtime\.(\w+_problems)", source):
        source += inspect.getsource(getattr(DockerObserved, method))
    kinds = ", ".join(kind for kind in ("failure", "warning") if f"{kind}(" in source)
    return f"| `{name}` | {' '.join((check.__doc__ or '').split())} | {kinds} |"


def test_the_report_numbers_every_failure_and_names_the_host() -> None:
    failures = [Finding("root", "Not root.", "Be root."), Finding("swap", "Swap is on.", "Run swapoff.")]
    lines = report("v1.18.20", HOST, failures).splitlines()
    assert lines[0].endswith("Nothing was changed. Findings: 2")
    assert lines[1:3] == ["1. root: Not root. Be root.", "2. swap: Swap is on. Run swapoff."]
    assert lines[3].startswith("The host: Linux, kernel 6.1.0, cgroup v1, no Docker, SELinux disabled")


def test_failures_and_warnings_come_apart_and_in_one_go() -> None:
    result = run(memory_minimum=1, memory_comfortable=10**9, time=1, checksum="no", node_name="No")
    names = [found["name"] for found in result["findings"]]
    assert result["failed"]
    assert {"clock", "release_checksum", "node_name"} <= set(names)
    assert "memory" in [found["name"] for found in result["cautions"]]
    assert any("memory: " in str(warned) for warned in result["warnings"])
    assert all(f"{number}. {name}: " in result["msg"] for number, name in enumerate(names, 1))


def test_a_host_is_told_of_even_if_nothing_is_looked_for() -> None:
    result = run(skip=sorted(CHECKS))
    assert (result["changed"], result["findings"], result["cautions"]) == (False, [], [])
    assert result["facts"]["kernel"] == os.uname().release
    assert result["cgroup_v1_parameters"] == []
    assert result["ansible_facts"] == {}


def test_facts_that_are_asked_for_are_returned() -> None:
    result = run(skip=sorted(CHECKS), facts=["nodename", "machine"])
    assert result["ansible_facts"] == {
        "ansible_nodename": os.uname().nodename,
        "ansible_machine": os.uname().machine,
    }


def test_images_need_space_where_the_container_runtime_keeps_them() -> None:
    result = run(directories=[{"megabytes": 10**9}], skip=[name for name in CHECKS if name != "disk_space"])
    root = subprocess.run(
        ["docker", "info", "--format", "{{.DockerRootDir}}"], check=True, capture_output=True, text=True
    ).stdout.strip()
    assert f"MB are free where {root} are, 1000000000 MB are needed." in result["msg"]


def test_the_module_documents_every_check_and_every_fact() -> None:
    documented = yaml.safe_load(preflight.DOCUMENTATION)["options"]["skip"]["choices"]
    assert documented == sorted(CHECKS)
    assert yaml.safe_load(preflight.DOCUMENTATION)["options"]["facts"]["choices"] == list(host_facts.NAMES)
    sample = yaml.safe_load(preflight.RETURN)["facts"]["sample"]
    assert sample.keys() == host_facts.summary(HOST).keys()


def test_the_page_lists_every_check_with_what_it_looks_at() -> None:
    table = [line for line in DOCS.read_text().splitlines() if line.startswith("| `")]
    order = [group.__name__ for group in GROUPS]
    wanted = sorted(CHECKS, key=lambda name: order.index(CHECKS[name].__module__))
    assert table == [row(name) for name in wanted]
