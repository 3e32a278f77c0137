"""The container that is asked is the one that knows why its pod is not well."""

from __future__ import annotations

import time
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime import component_log
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.container_runtime import (
    Container,
    Details,
)

NOW = 1_795_653_660.0
OLD, NEW = (Container(identity, "name", role="etcd") for identity in ("old", "new"))


def test_a_pod_without_a_container() -> None:
    assert component_log.choose([], NOW) is None


def test_one_that_has_ended_is_asked() -> None:
    ended = (NEW, Details(runs=False, started=NOW - 10, code=1))
    assert component_log.choose([ended], NOW) == ended


def test_one_that_runs_is_asked_unless_it_has_just_been_started_again() -> None:
    ended = (OLD, Details(runs=False, started=NOW - 1860, code=1))
    just_started, settled = ((NEW, Details(runs=True, started=NOW - seconds)) for seconds in (2, 660))
    assert component_log.choose([just_started, ended], NOW) == ended
    assert component_log.choose([settled, ended], NOW) == settled
    for running in (just_started, settled):
        assert component_log.choose([running], NOW) == running


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
