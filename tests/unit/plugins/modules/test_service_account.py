"""A ServiceAccount is made where it is missing, and of one that is there only one field is looked at."""

from __future__ import annotations

import pytest
from ansible_collections.mink8s.kubernetes.plugins.modules.service_account import Observed, plan


def test_an_account_as_wanted_needs_nothing() -> None:
    seen = Observed(namespace_exists=True, account_exists=True, automount=False)
    decided = plan("default", automount=False, observed={"default": seen})
    assert (decided.reasons, decided.before, decided.after) == ((), "", "")


@pytest.mark.parametrize(("automount", "said"), [(True, "true"), (None, "none")])
def test_another_automount_is_a_reason(automount: bool | None, said: str) -> None:
    seen = Observed(namespace_exists=True, account_exists=True, automount=automount)
    decided = plan("default", automount=False, observed={"default": seen})
    assert decided.reasons == (f"serviceaccount default/default has automountServiceAccountToken {said}",)
    assert decided.before == f"serviceaccount default/default: automountServiceAccountToken: {said}\n"
    assert decided.after == "serviceaccount default/default: automountServiceAccountToken: false\n"


def test_each_namespace_is_looked_at() -> None:
    observed = {
        "default": Observed(namespace_exists=True, account_exists=True, automount=True),
        "team-a": Observed(namespace_exists=True),
        "team-b": Observed(),
    }
    decided = plan("robot", automount=True, observed=observed)
    assert decided.reasons == (
        "serviceaccount team-a/robot does not exist",
        "namespace team-b does not exist",
        "serviceaccount team-b/robot does not exist",
    )
    assert decided.before == ""
    assert decided.after == (
        "serviceaccount team-a/robot: automountServiceAccountToken: true\n"
        "namespace/team-b\n"
        "serviceaccount team-b/robot: automountServiceAccountToken: true\n"
    )
