"""What runs come to, which results are kept, and the tables made of them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1] / "bench"))

import methods
import page
import results

MACHINE = {"cpu": "A", "cores": 2, "memory_gib": 8, "system": "Debian", "kernel": "6.1", "engine": "20.10"}
VERSIONS = {
    "date": "2026-11-24",
    "commit": "abc",
    "ansible_core": "2.19",
    "python": "3.11",
    "kubernetes": "v1",
}


def run(ready: float, **seconds: float) -> dict[str, Any]:
    """The result of a run of a way to a cluster."""
    processes = {"etcd": {"rss": 2 << 20, "pss": 1 << 20}, "pause": {"rss": 1 << 20, "pss": 0}}
    return {
        "seconds": {"kubelet": 1.0, "ready": ready, "end": ready, **seconds},
        "busy": 0.5,
        "fetched": 0,
        "memory": {"peak": 4 << 20, "held": 3 << 20, "processes": processes},
    }


def played(end: float, **more: Any) -> dict[str, Any]:
    """The result of a run of ansible-playbook."""
    task = {"name": "Do it", "action": "mink8s.kubernetes.files", "hosts": 1, "changed": 0, "trips": 1}
    tasks = [{**task, "seconds": 0.5}, {**task, "name": "Do more", "trips": 2, "seconds": 1.5}]
    return {
        "seconds": {"end": end},
        "busy": 0.5,
        "tasks": tasks,
        "controller": {"peak": 1, "cpu": 1.0},
        **more,
    }


def site(ready: float) -> dict[str, Any]:
    """The result of a run of site.yml on a new host."""
    return {**played(ready), **run(ready)}


def made(**found: list[dict[str, Any]]) -> dict[str, Any]:
    """The results of runs by method, with - for _."""
    runs = {key.replace("_", "-"): value for key, value in found.items()}
    return results.merge({}, runs, {**MACHINE, **VERSIONS})


def cells(table: str, first: str) -> list[str]:
    """The cells of the first row that begins with that cell."""
    row = next(line for line in table.splitlines() if line.startswith(f"| {first} |"))
    return [cell.strip() for cell in row.strip("|").split("|")]


def test_a_figure_is_the_middle_with_both_ends() -> None:
    assert results.figure([3, 1, 2]) == (2, 1, 3)
    assert results.figure([4, 1]) == (2.5, 1, 4)
    assert results.figure([]) is None


def test_a_partial_run_replaces_its_methods_only() -> None:
    old = made(by_hand=[run(10), run(12)], site=[run(20)])
    new = results.merge(old, {"site": [run(15)]}, {**MACHINE, **VERSIONS, "commit": "def"})
    assert [each["seconds"]["ready"] for each in results.runs(new, "by-hand")] == [10, 12]
    assert [each["seconds"]["ready"] for each in results.runs(new, "site")] == [15]
    assert [new["methods"][key]["commit"] for key in ("by-hand", "site")] == ["abc", "def"]


def test_results_of_another_machine_are_not_kept() -> None:
    new = results.merge(made(by_hand=[run(10)]), {"site": [run(15)]}, {**MACHINE, **VERSIONS, "cpu": "B"})
    assert list(new["methods"]) == ["site"]


def test_a_failed_run_counts_for_nothing() -> None:
    found = made(site=[run(20), {"failed": True}, run(30)])
    assert results.seconds(found, "site", "ready") == (25, 20, 30)
    assert len(results.runs(found, "site")) == 2


def test_times_count_from_the_start_or_from_a_milestone() -> None:
    found = made(site=[run(20), run(24)])
    assert results.seconds(found, "site", "ready", "kubelet") == (21, 19, 23)
    assert results.seconds(found, "site", "pod") is None


def test_the_typical_run_is_the_one_in_the_middle() -> None:
    found = results.typical(made(again=[played(9), played(5), played(7)]), "again")
    assert found and found["seconds"]["end"] == 7
    assert results.typical(made(), "again") is None


def test_a_file_has_the_same_results_rounded(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    assert results.read(path) == {}
    results.write(path, made(by_hand=[run(10.12345), run(12)], again=[played(5)]))
    assert results.read(path) == made(by_hand=[run(10.123), run(12)], again=[played(5)])
    assert json.loads(path.read_text()) == results.read(path)


def test_the_ratio_is_of_medians() -> None:
    found = made(by_hand=[run(10), run(10), run(40)], site=[site(12), site(14), site(16)], again=[played(5)])
    tables = page.tables(found)
    assert cells(tables, "by hand") == ["by hand", "3", "10.0", "10.0", "40.0", "1.00"]
    assert cells(tables, "`site.yml`") == ["`site.yml`", "3", "14.0", "12.0", "16.0", "1.40"]
    assert cells(tables, "`site.yml` again") == ["`site.yml` again", "1", "5.0", "5.0", "5.0", "0.50"]


def test_without_the_article_by_hand_there_is_no_ratio() -> None:
    assert cells(page.tables(made(site=[site(12)])), "`site.yml`")[-1] == page.NONE


def test_memory_is_by_process_with_the_rest_as_others() -> None:
    memory = page.tables(made(by_hand=[run(10)])).partition("### Memory")[2]
    assert cells(memory, "by hand") == ["by hand", "0", "2", "0", "0", "0", "1", "3", "1", "4"]


def test_hosts_are_compared_with_one_host() -> None:
    found = made(hosts_1=[run(20)], hosts_1_again=[played(6)], hosts_8=[run(30)], hosts_8_again=[played(9)])
    assert cells(page.tables(found), "8") == ["8", "1", "30.0", "30.0", "30.0", "1.50", "50 %", "9.0", "1.50"]


def test_one_more_node_costs_what_lies_between_two_clusters() -> None:
    node = {"kubelet": {"rss": 3 << 20, "pss": 2 << 20}}
    found = made(
        nodes_1=[{**run(20, after=1.5), "memory_of_node": node}],
        nodes_3=[{**run(27, after=1.8), "memory_of_node": node}],
        nodes_3_again=[played(9)],
    )
    table = page.tables(found).partition("### One cluster")[2]
    assert cells(table, "1") == ["1", "1", "20.0", "20.0", "20.0", "-", "1.5", "-", "1", "2"]
    assert cells(table, "3") == ["3", "1", "27.0", "27.0", "27.0", "3.5", "1.8", "9.0", "1", "2"]


def test_nodes_that_join_are_hosts_beside_that_of_the_control_plane() -> None:
    (step,) = methods.plan(("nodes",), (1, 8), (3,))
    assert (step.key, step.hosts, step.joined) == ("nodes-3", 4, True)
    assert step.wanted == ("nodes-3", "nodes-3-again")
    assert methods.title("nodes-3-again") == "`site.yml` again, a cluster with 3 nodes"
    assert methods.title("nodes-1") == "`site.yml`, a cluster with 1 node"
    assert methods.title("hosts-1") == "`site.yml`, 1 host"
    assert methods.title("hosts-8-again") == "`site.yml` again, 8 hosts"


def test_a_profile_has_the_longest_task_first() -> None:
    profile = page.tables(made(again=[played(3)])).partition("### Where")[2]
    assert profile.startswith(" the time of `site.yml` again goes: 2.0 of 3.0 s in tasks")
    assert profile.index("| Do more | files | 2 | 1.50 |") < profile.index("| Do it | files | 1 | 0.50 |")


def test_what_runs_afterwards_brings_the_run_before_it_unwanted() -> None:
    steps = methods.plan(("check", "kubeadm"), (1, 8))
    assert [(step.key, step.following, step.wanted) for step in steps] == [
        ("site", ("check",), ("check",)),
        ("kubeadm", (), ("kubeadm",)),
    ]


def test_each_container_runtime_has_what_runs_afterwards() -> None:
    steps = methods.plan(("containerd", "again", "containerd-again"), ())
    assert [(step.key, step.method.runtime, step.following, step.wanted) for step in steps] == [
        ("site", "docker", ("again",), ("again",)),
        ("containerd", "containerd", ("containerd-again",), ("containerd", "containerd-again")),
    ]


def test_hosts_at_once_are_run_again_too() -> None:
    steps = methods.plan((methods.HOSTS,), (8, 1))
    assert [(step.hosts, step.wanted) for step in steps] == [
        (1, ("hosts-1", "hosts-1-again")),
        (8, ("hosts-8", "hosts-8-again")),
    ]


def test_the_page_has_its_marks() -> None:
    text = page.PAGE.read_text()
    assert text.index(page.BEGIN) < text.index(page.END)
