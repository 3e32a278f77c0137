"""A kubelet waits for the kube-apiserver that it may be as new as."""

from __future__ import annotations

import pytest
from ansible_collections.mink8s.kubernetes.plugins.modules import apiserver_health


def answer(version: str) -> bytes:
    return f'{{"major": "1", "gitVersion": "{version}"}}'.encode()


@pytest.mark.parametrize(
    ("reported", "version"),
    [
        ("v1.20.2", None),
        ("v1.20.2", "v1.20.2"),
        ("v1.20.2-build", "v1.20.2"),
        ("v1.22.17", "v1.20.2"),
        ("v1.20.15", "v1.20.2"),
    ],
)
def test_the_same_release_or_a_later_one_is_no_problem(reported: str, version: str | None) -> None:
    assert apiserver_health.too_old(answer(reported), version) == []


@pytest.mark.parametrize("reported", ["v1.20.2", "v1.19.16"])
def test_an_earlier_one_is_waited_out(reported: str) -> None:
    assert apiserver_health.too_old(answer(reported), "v1.20.3") == [
        f"it is {reported}, and a kubelet v1.20.3 must not be newer"
    ]
