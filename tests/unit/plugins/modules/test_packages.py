"""Packages are installed where they are missing, and not where something else stands in for them."""

from __future__ import annotations

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import apt_packages
from ansible_collections.mink8s.kubernetes.plugins.modules import packages

DOCKER = ["docker.io", "docker-cli"]


def needed(statuses: dict[str, str], dockerd: str) -> list[str]:
    programs = {"dockerd": dockerd}
    return apt_packages.needed(["socat", *DOCKER], {"dockerd": DOCKER}, statuses, lambda name: programs[name])


def test_what_is_missing_is_planned_and_shown() -> None:
    plan, missing = packages.plan(["iptables", "socat=1.7"], {"iptables": "installed"})
    assert missing == ("socat=1.7",)
    assert plan.reasons == ("socat is not installed",)
    assert (plan.before, plan.after) == ("socat: not-installed\n", "socat: installed\n")


def test_nothing_is_planned_where_all_is_there() -> None:
    plan, missing = packages.plan(["socat"], {"socat": "installed"})
    assert (plan.reasons, plan.before, plan.after, missing) == ((), "", "", ())


def test_an_engine_from_elsewhere_is_left_alone() -> None:
    for statuses in ({}, {"docker.io": "config-files"}, {"docker-ce": "installed"}):
        assert needed(statuses, "/opt/bin/dockerd") == ["socat"]
        assert needed(statuses, "") == ["socat", *DOCKER]


def test_an_engine_that_an_interrupted_run_left_is_completed() -> None:
    for status in ("unpacked", "installed"):
        assert needed({"docker.io": status}, "/usr/sbin/dockerd") == ["socat", *DOCKER]
