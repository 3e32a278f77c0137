"""A unit's state is read from what `systemctl show` prints."""

from __future__ import annotations

from ansible_collections.mink8s.kubernetes.plugins.module_utils import _systemd

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


def parse(show: str) -> _systemd.Unit:
    return _systemd.parse(show, NOW, UPTIME)


def test_a_running_unit_and_when_its_process_started() -> None:
    assert parse(RUNNING) == _systemd.Unit(
        loaded=True,
        enabled=True,
        active=True,
        needs_reload=False,
        started_at=NOW - (UPTIME - 2538.500458),
        pid=4711,
    )


def test_a_unit_systemd_does_not_know() -> None:
    assert parse(UNKNOWN) == _systemd.Unit(
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


def test_of_a_log_what_was_said_last_is_told_once() -> None:
    log = """\
I1123 17:26:40.000000    7 server.go:417] Version: v1.18.6
E1123 17:26:45.100000    7 kubelet.go:2267] node "host-1" not found
E1123 17:26:45.200000    7 reflector.go:178] connection refused
E1123 17:26:45.300000    7 kubelet.go:2267] node "host-1" not found
"""
    assert _systemd.telling(log).splitlines() == [
        "I1123 17:26:40.000000    7 server.go:417] Version: v1.18.6",
        "E1123 17:26:45.200000    7 reflector.go:178] connection refused",
        'E1123 17:26:45.300000    7 kubelet.go:2267] node "host-1" not found',
    ]
    assert _systemd.telling(log, lines=1).endswith('node "host-1" not found')


def test_the_error_is_told_whether_it_comes_before_the_usage_or_after_it() -> None:
    usage = """\
Usage:
  kubelet [flags]

Generic flags:

      --feature-gates mapStringBool   A set of key=value pairs that describe feature gates:
                APIListChunking=true|false (BETA - default=true)
  -v, --v Level                       number for the log level verbosity

"""
    before = "Error: unknown flag: --nonsense\n"
    after = "F1123 17:46:53.447837    8428 server.go:156] unknown flag: --nonsense\n"
    ended = "kubelet.service: Main process exited, code=exited, status=255/EXCEPTION\n"
    assert _systemd.telling(before + usage + ended) == (before + ended).strip()
    assert _systemd.telling(usage + after + ended) == (after + ended).strip()


def test_the_error_is_told_without_where_each_goroutine_was() -> None:
    fatal = "F1123 17:46:53.447837    8428 server.go:274] failed to run Kubelet: running with swap on\n"
    trace = """\
goroutine 1 [running]:
k8s.io/kubernetes/vendor/k8s.io/klog.stacks(0xc000010001, 0xc0009c2000)
\t/go/src/k8s.io/kubernetes/vendor/k8s.io/klog/klog.go:875 +0xb9
created by k8s.io/kubernetes/vendor/k8s.io/klog.init.0
\t/go/src/k8s.io/kubernetes/vendor/k8s.io/klog/klog.go:411 +0xd6
"""
    assert _systemd.telling(fatal + trace) == fatal.strip()
