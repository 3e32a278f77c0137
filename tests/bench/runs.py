# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""One run of a method on new nodes, and what is run on them afterwards, with everything that is measured."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import artifacts
import equipment
import machine
import methods
import nodes
import start
from common import SandboxError, output, scratch
from watching import Watcher

LONGEST_SECONDS = 1800
STEADY_SECONDS = 20
PATIENCE_SECONDS = 180
LOG_LINES = 30
# The journal's name for the message that a unit was started.
STARTED = "39f53479d3a045ac8e11786248231fbf"
MEMORY = f"""
import json, sys
sys.path.append("{artifacts.SCRIPTS}")
import memory
print(json.dumps(memory.processes()))
"""
PLUGINS = Path(__file__).parent / "callback_plugins"
RECAP = re.compile(r"changed=(\d+)\s+unreachable=(\d+)\s+failed=(\d+)")


class RunError(Exception):
    """A run that failed; the text is the end of what it said."""


def measure(setting: start.Setting, step: methods.Step) -> Iterator[tuple[str, dict[str, Any]]]:
    """Run a step and yield the key and the result of each run. One that failed has `failed` and `log`."""
    method, key = step.method, step.key
    with scratch() as work:
        try:
            names = setting.create(method, step.hosts)
            variables = setting.fetching if method.fetches else setting.variables
            variables = {**variables, "cluster_container_runtime": method.runtime}
            site = _playbook(artifacts.inventory(work, names, variables, step.joined), step.hosts)
            command = _script(setting, method, names[0]) if method.script else site
            if step.joined:
                yield key, _joined(command, names, work)
            else:
                yield key, _watched(command, names, work, has_runtime=bool(nodes.STATES[method.state]))
            for name in step.following:
                key = name if step.key in methods.METHODS else f"{step.key}-{name}"
                yield key, _nothing_to_do([*site, *methods.FOLLOWING[name].options], work)
        except (RunError, SandboxError) as problem:
            yield key, {"failed": True, "log": str(problem)}
        finally:
            nodes.remove_all()


def _playbook(hosts: Path, count: int) -> list[str]:
    playbook = str(machine.ROOT / "playbooks/site.yml")
    return ["ansible-playbook", "-i", str(hosts), f"--forks={count}", playbook]


def _script(setting: start.Setting, method: methods.Method, node: str) -> list[str]:
    name, *arguments = method.script
    program = f"{artifacts.SCRIPTS}/{name}"
    return ["docker", "exec", node, program, artifacts.ON_HOST, setting.version, *arguments]


def _watched(command: list[str], names: list[str], work: Path, has_runtime: bool) -> dict[str, Any]:
    """Run a way to a cluster. Times are in seconds since its start; of several nodes, those of the last."""
    watchers = [Watcher(node, equipment.WEB if has_runtime else "") for node in names]
    try:
        result, began = _timed(command, work)
        seconds = result["seconds"]
        time.sleep(STEADY_SECONDS)
        steady = [watcher.measure() for watcher in watchers]
        each = [watcher.milestones(time.monotonic() + PATIENCE_SECONDS) for watcher in watchers]
    finally:
        for watcher in watchers:
            watcher.end()
    for node, milestones in zip(names, each):
        milestones["kubelet"] = _kubelet_started(node)
    for name in each[0]:
        seconds[name] = max(milestones[name] for milestones in each) - began
    result["fetched"] = sum(facts["fetched"] for facts in steady)
    result["memory"] = steady[0]["memory"]
    return result


def _joined(command: list[str], names: list[str], work: Path) -> dict[str, Any]:
    """Make one cluster of nodes, of which the first has the control plane; times as for several hosts.

    `after` is how long a node took to be Ready from the later of its kubelet's start and kube-apiserver's
    first answer, of the slowest of those that join.
    """
    first, *others = names
    watcher = Watcher(first, equipment.WEB, names)
    try:
        result, began = _timed(command, work)
        time.sleep(STEADY_SECONDS)
        result["memory"] = watcher.measure()["memory"]
        result["memory_of_node"] = json.loads(output("docker", "exec", others[0], "python3", "-c", MEMORY))
        reached = watcher.milestones(time.monotonic() + PATIENCE_SECONDS)
    finally:
        watcher.end()
    ready = {name: reached[f"ready {name}"] for name in names}
    seconds = result["seconds"]
    seconds["api"] = reached["api"] - began
    seconds["ready"] = max(ready.values()) - began
    seconds["after"] = max(ready[name] - max(reached["api"], _kubelet_started(name)) for name in others)
    return result


def _kubelet_started(node: str) -> float:
    """The second, on the machine's monotonic clock, at which the unit was first started."""
    journal = ("journalctl", "UNIT=kubelet.service", f"MESSAGE_ID={STARTED}", "--output=json")
    first = output("docker", "exec", node, *journal).partition("\n")[0]
    return int(json.loads(first)["__MONOTONIC_TIMESTAMP"]) / 1e6


def _nothing_to_do(command: list[str], work: Path) -> dict[str, Any]:
    """Run what must not change a finished cluster."""
    result, _began = _timed(command, work)
    changes = result["changed"]
    if changes:
        raise RunError(
            f"{changes} tasks changed something on a finished cluster: {_changed(result['tasks'])}"
        )
    return result


def _changed(tasks: list[dict[str, Any]]) -> str:
    return ", ".join(task["name"] for task in tasks if task["changed"])


def _timed(command: list[str], work: Path) -> tuple[dict[str, Any], float]:
    """Run a command and return what can be measured of it from outside, and when it began."""
    log, tasks = work / "log", work / "tasks"
    tasks.write_text("")
    environment = {
        **os.environ,
        "ANSIBLE_CALLBACK_PLUGINS": str(PLUGINS),
        "ANSIBLE_CALLBACKS_ENABLED": "mink8s_tasks",
        "MINK8S_TASKS": str(tasks),
    }
    busy, began = machine.Busy(), time.monotonic()
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command,
            cwd=machine.ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    try:
        status, usage = _wait(process, began + LONGEST_SECONDS)
        seconds = {"end": time.monotonic() - began}
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
    if status:
        end = "\n".join(log.read_text(errors="replace").splitlines()[-LOG_LINES:])
        raise RunError(f"{command[0]} ended with {status}; the end of what it said:\n{end}")
    result: dict[str, Any] = {"seconds": seconds, "busy": busy.share()}
    if command[0] == "ansible-playbook":
        result["tasks"] = [json.loads(line) for line in tasks.read_text().splitlines()]
        result["changed"] = sum(int(found[1]) for found in RECAP.finditer(log.read_text()))
        result["controller"] = {"peak": usage.ru_maxrss * 1024, "cpu": usage.ru_utime + usage.ru_stime}
    return result, began


def _wait(process: subprocess.Popen[bytes], deadline: float) -> tuple[int, Any]:
    """The status of a process that has ended, and what it and its children used."""
    while time.monotonic() < deadline:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return process.returncode, usage
        time.sleep(0.02)
    raise RunError(f"{process.args!r} was not done after {LONGEST_SECONDS} s")
