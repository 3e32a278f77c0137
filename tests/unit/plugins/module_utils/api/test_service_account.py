"""A ServiceAccount is made where it is missing, and of one that is there only one field is looked at."""

from __future__ import annotations

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.api.service_account import Observed, plan


def test_an_account_as_wanted_needs_nothing() -> None:
    seen = Observed(namespace_exists=True, account_exists=True, automount=False)
    decided = plan({"default": seen})
    assert (decided.reasons, decided.before, decided.after) == ((), "", "")


@pytest.mark.parametrize(("automount", "said"), [(True, "true"), (None, "none")])
def test_another_automount_is_a_reason(automount: bool | None, said: str) -> None:
    seen = Observed(namespace_exists=True, account_exists=True, automount=automount)
    decided = plan({"default": seen})
    assert decided.reasons == (f"serviceaccount default/default has automountServiceAccountToken {said}",)
    assert decided.before == f"serviceaccount default/default: automountServiceAccountToken: {said}\n"
    assert decided.after == "serviceaccount default/default: automountServiceAccountToken: false\n"


def test_each_namespace_is_looked_at() -> None:
    observed = {
        "default": Observed(namespace_exists=True, account_exists=True, automount=False),
        "team-a": Observed(namespace_exists=True),
        "team-b": Observed(),
    }
    decided = plan(observed)
    assert decided.reasons == (
        "serviceaccount team-a/default does not exist",
        "namespace team-b does not exist",
        "serviceaccount team-b/default does not exist",
    )
    assert decided.before == ""
    assert decided.after == (
        "serviceaccount team-a/default: automountServiceAccountToken: false\n"
        "namespace/team-b\n"
        "serviceaccount team-b/default: automountServiceAccountToken: false\n"
    )


def test_only_what_was_set_here_is_taken_back_for_a_controller() -> None:
    theirs = Observed(namespace_exists=True, account_exists=True, automount=False)
    ours = Observed(namespace_exists=True, account_exists=True, automount=False, ours=True)
    decided = plan({"default": ours, "team-a": theirs, "team-b": Observed()}, unmanaged=True)
    assert decided.reasons == (
        "serviceaccount default/default is a controller's from now on",
        "namespace team-b does not exist",
    )
    assert decided.before == "serviceaccount default/default: automountServiceAccountToken: false\n"
    assert decided.after == (
        "serviceaccount default/default: automountServiceAccountToken: not set\nnamespace/team-b\n"
    )
