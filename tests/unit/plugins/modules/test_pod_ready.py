"""What a pod waits for is told in the words of its containers and events."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mink8s.kubernetes.plugins.modules import pod_ready


def pod(ready: str, state: dict[str, Any], restarts: int = 0, phase: str = "Running") -> dict[str, Any]:
    return {
        "status": {
            "phase": phase,
            "conditions": [
                {"type": "PodScheduled", "status": "True"},
                {"type": "Ready", "status": ready, "message": "containers with unready status: [web]"},
            ],
            "containerStatuses": [{"name": "web", "restartCount": restarts, "state": state}],
        }
    }


def test_a_pod_that_is_ready_lacks_nothing() -> None:
    assert list(pod_ready.missing(pod("True", {"running": {}}), 0)) == []


def test_a_pod_that_has_not_restarted_yet_is_waited_for_although_it_is_still_called_ready() -> None:
    assert list(pod_ready.missing(pod("True", {"running": {}}), 1)) == [
        "container web has not been started again"
    ]
    assert list(pod_ready.missing(pod("True", {"running": {}}, restarts=1), 1)) == []


def test_a_container_says_what_it_waits_for() -> None:
    waiting = {"waiting": {"reason": "ErrImagePull", "message": "no such host"}}
    assert list(pod_ready.missing(pod("False", waiting), 0)) == [
        "container web waits: ErrImagePull: no such host",
        "it is not Ready: containers with unready status: [web]",
    ]


def test_a_pod_without_a_node_says_why_it_has_none() -> None:
    scheduled = {"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available"}
    waiting = {"status": {"phase": "Pending", "conditions": [scheduled]}}
    assert list(pod_ready.missing(waiting, 0)) == ["it is not Ready: 0/1 nodes are available"]
    assert list(pod_ready.missing({"status": {}}, 0)) == ["it is not Ready"]


def test_a_pod_that_has_ended_is_not_waited_for() -> None:
    ended = pod("False", {"terminated": {"exitCode": 3}}, phase="Failed")
    with pytest.raises(pod_ready.PodError, match=r"it has ended \(Failed\): container web ended with code 3"):
        list(pod_ready.missing(ended, 0))


def test_the_first_container_has_the_id_of_the_container_runtime() -> None:
    states = [{"containerID": "containerd://0123abcd"}, {"containerID": "containerd://4567cdef"}]
    assert pod_ready.first_container({"status": {"containerStatuses": states}}) == "0123abcd"
    for waiting in ({}, {"status": {}}, {"status": {"containerStatuses": [{"name": "web"}]}}):
        assert pod_ready.first_container(waiting) == ""


def test_the_latest_warning_is_told() -> None:
    events = [
        {"type": "Warning", "lastTimestamp": "2026-11-26T01:00:01Z", "message": "older"},
        {"type": "Warning", "lastTimestamp": "2026-11-26T01:00:09Z", "message": "no space\nleft"},
        {"type": "Normal", "lastTimestamp": "2026-11-26T01:00:10Z", "message": "Pulled"},
    ]
    assert pod_ready.latest_warning(events) == "no space left"
    assert pod_ready.latest_warning([]) == ""
