"""Settings of ours come out again, and nothing else with them."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import nested_settings

BEFORE = {
    "hosts": ["fd://"],
    "exec-opts": ["native.cgroupdriver=cgroupfs", "a=1"],
    "log-opts": {"max-file": "3"},
}
OURS = {
    "hosts": ["unix://"],
    "exec-opts": ["native.cgroupdriver=systemd"],
    "log-opts": {"max-size": "1m", "max-file": "5"},
    "features": {"x": True},
    "debug": True,
}


def test_what_nobody_else_changed_comes_back() -> None:
    after = nested_settings.undo(nested_settings.merge(BEFORE, OURS), BEFORE, OURS)
    assert {**after, "exec-opts": sorted(after["exec-opts"])} == {
        **BEFORE,
        "exec-opts": sorted(BEFORE["exec-opts"]),
    }


@pytest.mark.parametrize(
    ("since", "left"),
    [
        ({"bip": "10.0.0.1/24"}, {"bip": "10.0.0.1/24"}),
        ({"debug": False}, {"debug": False}),
        ({"hosts": ["fd://", "unix://", "tcp://127.0.0.1"]}, {"hosts": ["fd://", "tcp://127.0.0.1"]}),
        ({"log-opts": {"max-size": "9m"}}, {"log-opts": {"max-size": "9m"}}),
        ({"log-opts": "none"}, {"log-opts": "none"}),
        ({"features": {"x": True, "y": True}}, {"features": {"y": True}}),
    ],
)
def test_what_others_changed_since_stays(since: dict[str, Any], left: dict[str, Any]) -> None:
    after = nested_settings.undo({**nested_settings.merge(BEFORE, OURS), **since}, BEFORE, OURS)
    assert {key: after[key] for key in left} == left
    assert {key for key in after if key not in BEFORE} <= left.keys()


def test_a_setting_that_others_took_out_stays_out() -> None:
    assert nested_settings.undo({}, BEFORE, OURS) == {}


def test_a_value_that_both_want_stays() -> None:
    assert nested_settings.undo({"debug": True}, {"debug": True}, {"debug": True}) == {"debug": True}


def test_neither_side_is_modified() -> None:
    now = nested_settings.merge(BEFORE, OURS)
    copy = nested_settings.merge(now, {})
    nested_settings.undo(now, BEFORE, OURS)
    assert now == copy


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        (OURS, {}),
        ({}, OURS),
        (
            {**OURS, "log-opts": {"max-size": "2m"}, "hosts": [], "debug": False},
            {"log-opts": {"max-file": "5"}, "hosts": ["unix://"]},
        ),
        ({**OURS, "hosts": "unix://", "features": None}, {}),
    ],
)
def test_what_is_not_wanted_any_more_is_told_apart(wanted: dict[str, Any], left: dict[str, Any]) -> None:
    assert nested_settings.stale(OURS, wanted) == left
