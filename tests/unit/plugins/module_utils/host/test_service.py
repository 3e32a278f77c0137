"""A unit is touched only if it does not run what is on disk, and the reason is named."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import service
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.systemd import Unit

NAME = "kubelet.service"
BINARY, CONFIG = "/usr/local/bin/kubelet", "/etc/kubernetes/kubelet.yaml"
DESIRED = service.Desired(NAME, {BINARY: 900.0, CONFIG: 950.0}, inputs_changed=False)
RUNNING = Unit(loaded=True, enabled=True, active=True, needs_reload=False, started_at=1000.0)
ABSENT = Unit(loaded=False, enabled=False, active=False, needs_reload=False, started_at=0.0)
WANTED = "enabled, running with the configuration on disk\n"


@pytest.mark.parametrize(
    ("desired", "observed", "reasons"),
    [
        (DESIRED, RUNNING, ()),
        (DESIRED, replace(RUNNING, enabled=False), (f"{NAME} is not enabled",)),
        (DESIRED, replace(RUNNING, active=False, started_at=0.0), (f"{NAME} is not running",)),
        (DESIRED, replace(RUNNING, needs_reload=True), (f"{NAME} runs with an older unit file",)),
        (DESIRED, replace(RUNNING, started_at=940.0), (f"{NAME} started before {CONFIG} was written",)),
        (
            DESIRED,
            replace(RUNNING, started_at=800.0),
            (f"{NAME} started before {BINARY}, {CONFIG} was written",),
        ),
        (replace(DESIRED, inputs_changed=True), RUNNING, (f"{NAME} runs with what has just changed",)),
        (
            replace(DESIRED, inputs_changed=True),
            ABSENT,
            (f"{NAME} is not enabled", f"{NAME} is not running"),
        ),
    ],
)
def test_the_reasons_are_what_is_seen(
    desired: service.Desired, observed: Unit, reasons: tuple[str, ...]
) -> None:
    plan = service.plan(desired, observed)
    assert plan.reasons == reasons
    assert plan.before == ("".join(f"{reason}\n" for reason in reasons) or WANTED)
    assert plan.after == WANTED


def test_a_file_counts_from_when_it_was_put_in_place_even_if_its_date_is_older(tmp_path: Path) -> None:
    kubelet = tmp_path / "kubelet"
    kubelet.write_text("a release's file, dated years ago")
    os.utime(kubelet, (0, 0))
    assert service.written_at([str(kubelet), str(tmp_path / "missing")]) == {
        str(kubelet): kubelet.stat().st_ctime
    }
    assert kubelet.stat().st_ctime > kubelet.stat().st_mtime


@pytest.mark.parametrize("enabled", [True, False])
def test_that_it_is_not_enabled_is_no_reason_to_restart_it(enabled: bool) -> None:
    assert service.restart_reasons(DESIRED, replace(RUNNING, enabled=enabled)) == ()
    older = replace(RUNNING, enabled=enabled, started_at=940.0)
    assert service.restart_reasons(DESIRED, older) == (f"{NAME} started before {CONFIG} was written",)
    assert service.restart_reasons(DESIRED, ABSENT) == (f"{NAME} is not running",)
