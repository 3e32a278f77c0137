"""Units and settings are taken back as far as they are the collection's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.reset import host
from ansible_collections.mink8s.kubernetes.plugins.module_utils.reset.steps import Findings, Step

NAME = "kubelet.service"
PATH = "/etc/docker/daemon.json"
RUNNING = {"ActiveState": "active", "UnitFileState": "enabled"}


def commands(steps: list[Step]) -> list[tuple[str, ...]]:
    return [step.command[1:] for step in steps]


def test_a_unit_of_ours_is_stopped_and_disabled_or_nothing_else_is_done() -> None:
    steps = host.plan_unit(NAME, RUNNING, [], ours=True, there=True)
    assert commands(steps) == [("stop", NAME), ("reset-failed", NAME), ("disable", NAME)]
    assert [step.vital for step in steps] == [True, False, False]


def test_a_unit_of_others_is_only_disabled_again() -> None:
    steps = host.plan_unit("docker.service", RUNNING, [], ours=False, there=False)
    assert commands(steps) == [("disable", "docker.service")]


def test_a_unit_whose_file_is_gone_is_stopped_and_its_link_removed() -> None:
    state = {"ActiveState": "activating", "UnitFileState": ""}
    steps = host.plan_unit(NAME, state, ["/wants/kubelet.service"], ours=True, there=False)
    assert commands(steps[:2]) == [("stop", NAME), ("reset-failed", NAME)]
    assert (steps[2].path, steps[2].action) == ("/wants/kubelet.service", "remove")


def test_a_unit_that_is_gone_or_has_failed() -> None:
    assert host.plan_unit(NAME, {"ActiveState": "inactive"}, [], ours=True, there=False) == []
    steps = host.plan_unit(NAME, {"ActiveState": "failed"}, [], ours=True, there=False)
    assert (steps[0].reason, commands(steps)) == (f"{NAME} has failed", [("reset-failed", NAME)])


def test_a_link_to_a_unit_file_that_is_gone_is_found(tmp_path: Path) -> None:
    (tmp_path / "multi-user.target.wants").mkdir()
    link = tmp_path / "multi-user.target.wants" / NAME
    assert host.links(tmp_path, NAME) == []
    link.symlink_to(tmp_path / NAME)
    assert host.links(tmp_path, NAME) == [str(link)]


def text(found: Findings) -> str:
    (step,) = found.steps
    assert step.action == "text"
    return step.data


def test_a_file_that_nobody_else_changed_is_again_what_it_was() -> None:
    before = '{"debug":true   }'
    now = json.dumps({"debug": True, "labels": ["a"]})
    assert text(host.plan_settings(PATH, now, before, {"labels": ["a"]})) == before
    assert host.plan_settings(PATH, before, before, {"labels": ["a"]}) == Findings()


def test_a_file_that_was_not_there_goes() -> None:
    (step,) = host.plan_settings(PATH, '{"debug": true}', None, {"debug": True}).steps
    assert (step.path, step.action) == (PATH, "remove")


def test_of_a_file_that_others_changed_only_ours_goes() -> None:
    now = '{\n    "bip": "10.0.0.1/24",\n    "debug": true\n}\n'
    assert text(host.plan_settings(PATH, now, None, {"debug": True})) == ('{\n    "bip": "10.0.0.1/24"\n}\n')
    assert host.plan_settings(PATH, '{"bip": "10.0.0.1/24"}', None, {"debug": True}) == Findings()


def test_a_file_that_is_no_json_any_more_is_left() -> None:
    found = host.plan_settings(PATH, "{,", None, {"debug": True})
    assert found.steps == []
    assert f"{PATH} is left" in found.kept[0]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        (f"/etc/systemd/system/{NAME}", [("systemctl", "daemon-reload")]),
        ("/etc/default/grub.d/mink8s-cgroup-v1.cfg", [("update-grub",)]),
        (PATH, []),
    ],
)
def test_who_reads_a_directory_is_told(path: str, told: list[tuple[str, ...]]) -> None:
    found = host.reload(Findings([Step("", path=path, action="remove")]))
    assert [step.command for step in found.steps] == told
