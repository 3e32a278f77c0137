"""A ClusterRole and its binding are made, replaced and removed together."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.api.cluster_role import Observed, plan

RULES = [{"apiGroups": [""], "resources": ["services"], "verbs": ["list"]}]
PRESENT: dict[str, Any] = {"name": "reader", "rules": RULES, "state": "present"}
ABSENT: dict[str, Any] = {"name": "reader", "rules": RULES, "state": "absent"}


def test_a_role_as_wanted_needs_nothing() -> None:
    assert plan([PRESENT], {"reader": Observed(RULES, bound=True)}).reasons == ()
    assert plan([ABSENT], {"reader": Observed()}).reasons == ()


@pytest.mark.parametrize(
    ("seen", "reasons"),
    [
        (Observed(), ("clusterrole reader does not exist", "clusterrolebinding reader does not exist")),
        (Observed([], bound=True), ("clusterrole reader has other rules",)),
        (Observed(RULES, bound=False), ("clusterrolebinding reader binds something else",)),
    ],
)
def test_what_is_missing_or_different_is_named(seen: Observed, reasons: tuple[str, ...]) -> None:
    assert plan([PRESENT], {"reader": seen}).reasons == reasons


def test_both_go_together() -> None:
    assert plan([ABSENT], {"reader": Observed([], bound=False)}).reasons == (
        "clusterrole reader is not wanted any more",
        "clusterrolebinding reader is not wanted any more",
    )
