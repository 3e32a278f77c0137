"""Packages are installed where they are missing, and not where something else stands in for them."""

from __future__ import annotations

from ansible_collections.mink8s.kubernetes.plugins.modules import packages

DOCKER = ["docker.io", "docker-cli"]


def test_what_is_missing_is_planned_and_shown() -> None:
    plan, missing = packages.plan(["iptables", "socat=1.7"], {"iptables": "installed"}, complete_only=False)
    assert missing == ("socat=1.7",)
    assert plan.reasons == ("socat is not installed",)
    assert (plan.before, plan.after) == ("socat: not-installed\n", "socat: installed\n")


def test_nothing_is_planned_where_all_is_there() -> None:
    plan, missing = packages.plan(["socat"], {"socat": "installed"}, complete_only=False)
    assert (plan.reasons, plan.before, plan.after, missing) == ((), "", "", ())


def test_an_engine_from_elsewhere_is_left_alone() -> None:
    for statuses in ({}, {"docker.io": "config-files"}, {"docker-ce": "installed"}):
        plan, missing = packages.plan(DOCKER, statuses, complete_only=True)
        assert (plan.reasons, missing) == ((), ())


def test_an_engine_that_an_interrupted_run_left_is_completed() -> None:
    assert packages.plan(DOCKER, {"docker.io": "unpacked"}, complete_only=True)[1] == (
        "docker.io",
        "docker-cli",
    )
    assert packages.plan(DOCKER, {"docker.io": "installed"}, complete_only=True)[1] == ("docker-cli",)
