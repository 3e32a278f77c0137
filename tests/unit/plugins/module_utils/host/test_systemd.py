"""A unit's state is read from what `systemctl show` prints."""

from __future__ import annotations

from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import systemd

NOW, UPTIME = 1_795_000_000.0, 2_600.0
RUNNING = """\
ExecMainStartTimestampMonotonic=2538500458
LoadState=loaded
ActiveState=active
UnitFileState=enabled
NeedDaemonReload=no
MainPID=4711
"""
UNKNOWN = """\
ExecMainStartTimestampMonotonic=0
LoadState=not-found
ActiveState=inactive
UnitFileState=
NeedDaemonReload=no
"""


def parse(show: str) -> systemd.Unit:
    return systemd.parse(show, NOW, UPTIME)


def test_a_running_unit_and_when_its_process_started() -> None:
    assert parse(RUNNING) == systemd.Unit(
        loaded=True,
        enabled=True,
        active=True,
        needs_reload=False,
        started_at=NOW - (UPTIME - 2538.500458),
        pid=4711,
    )


def test_a_unit_systemd_does_not_know() -> None:
    assert parse(UNKNOWN) == systemd.Unit(
        loaded=False, enabled=False, active=False, needs_reload=False, started_at=0.0
    )


def test_a_host_where_systemd_does_not_answer() -> None:
    assert parse("") == parse(UNKNOWN)


def test_a_stopped_unit_has_no_start_although_systemd_remembers_one() -> None:
    for state in ("inactive", "failed", "deactivating"):
        stopped = parse(RUNNING.replace("=active", f"={state}"))
        assert (stopped.active, stopped.started_at) == (False, 0.0)


def test_a_unit_that_is_being_started_is_active() -> None:
    starting = parse(RUNNING.replace("=active", "=activating").replace("2538500458", "0"))
    assert (starting.active, starting.started_at) == (True, 0.0)


def test_a_unit_file_that_changed_and_a_unit_that_is_disabled() -> None:
    assert parse(RUNNING.replace("Reload=no", "Reload=yes")).needs_reload
    assert not parse(RUNNING.replace("=enabled", "=disabled")).enabled


def test_the_command_of_a_unit_without_its_variables() -> None:
    show = (
        "ExecStart={ path=/usr/sbin/dockerd ; argv[]=/usr/sbin/dockerd -H fd:// $DOCKER_OPTS ;"
        " ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }\n"
    )
    assert parse(RUNNING + show).command == ("/usr/sbin/dockerd", "-H", "fd://")
    assert parse("LoadState=masked\n").masked


def test_how_often_a_unit_was_started_again_and_the_journal_of_its_last_start() -> None:
    unit = parse(f"{RUNNING}NRestarts=3\nInvocationID=0123abcd\n")
    assert (unit.restarts, unit.invocation) == (3, "0123abcd")
    assert (parse(UNKNOWN).restarts, parse(UNKNOWN).invocation) == (0, "")


class Journal:
    """A module on a host with a journal."""

    def __init__(self, *lines: str) -> None:
        self.lines = lines

    def run_command(self, _command: list[str]) -> tuple[int, str, str]:
        return 0, "\n".join(self.lines), ""


def test_what_a_program_says_as_it_ends_tells_most() -> None:
    lines = ('time="x" level=error msg="no network yet"', "some: mkdir /x: no such file", "Stopped some.")
    assert systemd.last_error(Journal(*lines), "some.service", 0) == "some: mkdir /x: no such file"
    assert systemd.last_error(Journal(*lines), "other.service", 0) == "no network yet"
