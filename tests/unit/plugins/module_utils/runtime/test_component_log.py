"""The container that is asked is the one that knows why its pod is not well."""

from __future__ import annotations

import time
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import component_log
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.component_log import Container

NOW = 1_795_653_660.0  # 2026-11-26T00:41:00Z


def container(identity: str, running: bool, started: str) -> dict[str, Any]:
    state = {"Running": running, "ExitCode": 0 if running else 1, "StartedAt": f"2026-11-26T{started}.5Z"}
    return {"Id": identity, "State": state}


def test_a_pod_without_a_container() -> None:
    assert component_log.choose("etcd", [], NOW) is None


def test_one_that_has_ended_is_asked() -> None:
    ended = container("new", running=False, started="00:40:50")
    assert component_log.choose("etcd", [ended], NOW) == Container("etcd", "new", 1)


def test_one_that_runs_is_asked_unless_it_has_just_been_started_again() -> None:
    ended = container("old", running=False, started="00:10:00")
    for started, expected in (
        ("00:40:58", Container("etcd", "old", 1)),
        ("00:30:00", Container("etcd", "new", None)),
    ):
        newest = container("new", running=True, started=started)
        assert component_log.choose("etcd", [newest, ended], NOW) == expected
        assert component_log.choose("etcd", [newest], NOW) == Container("etcd", "new", None)


class Kubelet:
    """A module on a host whose kubelet ends again and again, seen while it runs."""

    def run_command(self, command: list[str]) -> tuple[int, str, str]:
        if command[0] == "systemctl":
            started = int((time.clock_gettime(time.CLOCK_MONOTONIC) - 1) * 1e6)
            values = f"MainPID=42\nNRestarts=3\nExecMainStartTimestampMonotonic={started}\n"
            return 0, f"LoadState=loaded\nActiveState=active\n{values}", ""
        return 0, 'Error: invalid argument "many" for "-v, --v" flag\n', ""


def test_a_kubelet_that_ends_again_and_again_is_asked_though_it_runs_just_now() -> None:
    module: Any = Kubelet()
    (said,) = component_log.explain(module, "kubelet.service", ["etcd"])
    assert 'invalid argument "many" for "-v, --v" flag' in said
