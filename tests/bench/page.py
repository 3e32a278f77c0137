# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""docs/performance.md: the tables between its marks, made of the results."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from cells import NONE, cost, mebibytes, median, ratio, rss, short, spread, table
from methods import FOLLOWING, HOSTS, METHODS, NODES, title
from results import Figure, figure, runs, seconds, typical

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE, RAW = DOCS / "performance.md", DOCS / "performance.json"
PLOTS = (DOCS / "performance.png", DOCS / "performance.svg")
BEGIN, END = "<!-- results: written by make bench -->\n", "<!-- end of results -->"
BASE = "by-hand"
GOALS = {
    "ready": "Until the node is Ready",
    "static pods": "Until the static pods are visible in the API",
    "pod": "Until a first pod is Running",
}
COLUMNS = {
    "kubelet": "kubelet started",
    "api": "API healthy",
    "registered": "node registered",
    "ready": "node Ready",
    "static pods": "static pods visible",
    "pod": "first pod Running",
    "end": "the command's end",
}
SINCE = ("api", "registered", "ready", "static pods", "pod")
PARTS = ("kube-apiserver", "etcd", "kubelet", "dockerd", "containerd")
SHORT_SECONDS = 0.25


def write(results: dict[str, Any]) -> None:
    """Put the tables into the page. Raises ValueError if it has no marks."""
    text = PAGE.read_text()
    begin, end = text.index(BEGIN) + len(BEGIN), text.index(END)
    PAGE.write_text(f"{text[:begin]}\n{tables(results)}\n{text[end:]}")


def tables(results: dict[str, Any]) -> str:
    """All tables."""
    parts = [_about(results)]
    parts += [_goal(results, milestone, heading) for milestone, heading in GOALS.items()]
    parts += [
        _milestones(results, "", "Every milestone, since the start"),
        _milestones(results, "kubelet", "Every milestone, since the kubelet's start"),
    ]
    parts += [_again(results), _hosts(results), _nodes(results), _memory(results), _work(results)]
    parts += [_profile(results, key) for key in ("site", "again")]
    return "\n".join(part for part in parts if part)


def _about(results: dict[str, Any]) -> str:
    """On what everything was run, and when."""
    machine = results["machine"]
    lines = [
        f"{machine['cores']} cores of {machine['cpu']}, {machine['memory_gib']} GiB, {machine['system']}, "
        f"Linux {machine['kernel']}, Docker {machine['engine']}. All times are in seconds, medians unless a "
        "column says otherwise.\n"
    ]
    occasions: dict[str, list[str]] = {}
    for key, method in results["methods"].items():
        occasion = "{date} at commit {commit}, Kubernetes {kubernetes}, ansible-core {ansible_core}"
        occasions.setdefault(occasion.format(**method), []).append(key)
    for occasion, keys in occasions.items():
        which = f": {', '.join(title(key) for key in keys)}" if len(occasions) > 1 else ""
        lines.append(f"Run on {occasion}{which}.\n")
    return "\n".join(lines)


def _goal(results: dict[str, Any], milestone: str, heading: str) -> str:
    base = seconds(results, BASE, milestone)
    rows = []
    for key in METHODS:
        found = seconds(results, key, milestone)
        if found:
            rows.append([title(key), len(runs(results, key)), *spread(found), ratio(found, base)])
    return table(heading, ("", "Runs", "Median", "Minimum", "Maximum", "Ratio to by hand"), rows)


def _milestones(results: dict[str, Any], since: str, heading: str) -> str:
    names = SINCE if since else (*COLUMNS,)
    rows = [
        [title(key), *(median(seconds(results, key, name, since)) for name in names)]
        for key in METHODS
        if runs(results, key)
    ]
    return table(heading, ("", *(COLUMNS[name] for name in names)), rows)


def _again(results: dict[str, Any]) -> str:
    base = seconds(results, BASE, "ready")
    rows = []
    for key in FOLLOWING:
        found = seconds(results, key, "end")
        if found:
            rows.append([title(key), len(runs(results, key)), *spread(found), ratio(found, base)])
    heads = ("", "Runs", "Median", "Minimum", "Maximum", "Ratio to by hand until Ready")
    return table("On a finished cluster, with nothing to do", heads, rows)


def _hosts(results: dict[str, Any]) -> str:
    numbers = _numbers(results, HOSTS)
    one = {again: _of_hosts(results, 1, again) for again in (False, True)}
    rows = []
    for number in numbers:
        ready, again = (_of_hosts(results, number, each) for each in (False, True))
        known = runs(results, f"{HOSTS}-{number}")
        busy = figure(run["busy"] for run in known)
        if ready and again and busy:
            cells = [*spread(ready), ratio(ready, one[False]), f"{100 * busy.median:.0f} %"]
            rows.append([number, len(known), *cells, median(again), ratio(again, one[True])])
    heads = ("Hosts", "Runs", "All Ready", "Minimum", "Maximum", "Ratio to one", "Processors busy", "Again")
    return table("Several hosts at once", (*heads, "Ratio to one"), rows)


def _numbers(results: dict[str, Any], what: str) -> list[int]:
    """Of how many hosts or nodes there are results."""
    return sorted(int(key.split("-")[1]) for key in results["methods"] if re.fullmatch(rf"{what}-\d+", key))


def _nodes(results: dict[str, Any]) -> str:
    rows, before = [], (0, NONE)
    for number in _numbers(results, NODES):
        key = f"{NODES}-{number}"
        known, ready, after = (
            runs(results, key),
            seconds(results, key, "ready"),
            seconds(results, key, "after"),
        )
        if not ready:
            continue
        more = NONE
        if before[0]:
            more = f"{(ready.median - float(before[1])) / (number - before[0]):.1f}"
        before = (number, f"{ready.median}")
        memory = [
            mebibytes(sum(process["pss"] for process in processes.values()) for processes in each)
            for each in (
                [run["memory"]["processes"] for run in known],
                [run["memory_of_node"] for run in known],
            )
        ]
        again = median(seconds(results, f"{key}-again", "end"))
        rows.append([number, len(known), *spread(ready), more, median(after), again, *memory])
    heads = (
        "Nodes that join",
        "Runs",
        "All Ready",
        "Minimum",
        "Maximum",
        "One more costs",
        "Ready after API and kubelet",
    )
    memory_heads = ("MiB on the control plane host", "MiB on a node")
    return table("One cluster of several nodes", (*heads, "Again", *memory_heads), rows)


def _of_hosts(results: dict[str, Any], number: int, again: bool) -> Figure | None:
    key = f"{HOSTS}-{number}"
    return seconds(results, f"{key}-again", "end") if again else seconds(results, key, "ready")


def _memory(results: dict[str, Any]) -> str:
    rows = []
    for key in METHODS:
        known = [run["memory"] for run in runs(results, key)]
        if known:
            parts = [[rss(each, name) for each in known] for name in PARTS]
            whole = [
                [sum(process[kind] for process in each["processes"].values()) for each in known]
                for kind in ("rss", "pss")
            ]
            others = [total - sum(rss(each, name) for name in PARTS) for total, each in zip(whole[0], known)]
            peak = [each["peak"] for each in known]
            rows.append([title(key), *(mebibytes(each) for each in (*parts, others, *whole, peak))])
    heads = ("", *PARTS, "others", "sum", "proportional sum", "peak of the host")
    return table("Memory, in MiB", heads, rows)


def _work(results: dict[str, Any]) -> str:
    rows = []
    for key in (*METHODS, *FOLLOWING):
        run = typical(results, key)
        if run:
            tasks = run.get("tasks")
            cells = [NONE] * 4
            if tasks:
                used = run["controller"]
                trips = sum(task["trips"] for task in tasks)
                cells = [str(len(tasks)), str(trips), f"{used['cpu']:.1f} s", mebibytes([used["peak"]])]
            fetched = f"{run['fetched'] / 2**20:.1f}" if "fetched" in run else NONE
            rows.append([title(key), *cells, fetched])
    heads = (
        "",
        "Tasks",
        "Modules run",
        "Processor time of ansible-playbook",
        "its peak memory, MiB",
        "MiB received",
    )
    return table("What it takes", heads, rows)


def _profile(results: dict[str, Any], key: str) -> str:
    run = typical(results, key)
    if not run:
        return ""
    tasks = sorted(run["tasks"], key=lambda task: -task["seconds"])
    long = [task for task in tasks if task["seconds"] >= SHORT_SECONDS]
    rows = [[short(task["name"]), short(task["action"]), *cost([task])] for task in long]
    if tasks[len(long) :]:
        rows.append([f"{len(tasks) - len(long)} others", "", *cost(tasks[len(long) :])])
    whole = f"{sum(task['seconds'] for task in tasks):.1f} of {run['seconds']['end']:.1f} s"
    heads = ("Task", "Action", "Modules run", "Seconds")
    return table(f"Where the time of {title(key)} goes: {whole} in tasks, longest first", heads, rows)
