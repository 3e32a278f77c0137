"""Of a component's log the one line is told that says why it is not well, in its own words."""

from __future__ import annotations

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import log_lines

USAGE = """\
Usage:
  kubelet [flags]

Generic flags:

      --feature-gates mapStringBool   A set of key=value pairs that describe feature gates:
                APIListChunking=true|false (BETA - default=true)
  -v, --v Level                       number for the log level verbosity

"""
ENDED = """\
kubelet.service: Main process exited, code=exited, status=255/EXCEPTION
kubelet.service: Failed with result 'exit-code'.
kubelet.service: Scheduled restart job, restart counter is at 5.
Stopped kubelet, the Kubernetes node agent.
Started kubelet, the Kubernetes node agent.
"""


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        # What is said over and over while others are awaited tells less than what was said once.
        (
            """\
I1123 17:26:40.000000    7 server.go:417] Version: v1.18.6
E1123 17:26:44.100000    7 kubelet.go:1845] skipping pod synchronization - PLEG is not healthy
E1123 17:26:45.100000    7 kubelet.go:2267] node "host-1" not found
E1123 17:26:45.200000    7 reflector.go:178] dial tcp 127.0.0.1:8080: connect: connection refused
""",
            "skipping pod synchronization - PLEG is not healthy",
        ),
        (
            """\
E1123 17:26:45.200000    7 reflector.go:178] dial tcp 127.0.0.1:8080: connect: connection refused
""",
            "dial tcp 127.0.0.1:8080: connect: connection refused",
        ),
        (f"Error: unknown flag: --nonsense\n{USAGE}{ENDED}", "Error: unknown flag: --nonsense"),
        (
            f"{USAGE}F1123 17:46:53.447837    8428 server.go:156] unknown flag: --nonsense\n{ENDED}",
            "unknown flag: --nonsense",
        ),
        (
            """\
F1123 17:46:53.447837    8428 server.go:274] failed to run Kubelet: running with swap on is not supported
goroutine 1 [running]:
k8s.io/kubernetes/vendor/k8s.io/klog.stacks(0xc000010001, 0xc0009c2000)
\t/go/src/k8s.io/kubernetes/vendor/k8s.io/klog/klog.go:875 +0xb9
created by k8s.io/kubernetes/vendor/k8s.io/klog.init.0
\t/go/src/k8s.io/kubernetes/vendor/k8s.io/klog/klog.go:411 +0xd6
""",
            "failed to run Kubelet: running with swap on is not supported",
        ),
        (
            """\
2026-11-23 17:26:40.123456 I | etcdmain: etcd Version: 3.4.3
2026-11-23 17:26:40.323456 C | etcdmain: cannot write to data directory: open /etcd/.touch: permission denied
""",
            "etcdmain: cannot write to data directory: open /etcd/.touch: permission denied",
        ),
        (
            '{"level":"info","ts":"2026","caller":"etcdmain/etcd.go:73","msg":"Running: "}\n'
            '{"level":"fatal","ts":"2026","caller":"etcdmain/etcd.go:204","msg":"discovery failed",'
            '"error":"listen tcp 127.0.0.1:2380: bind: address already in use"}\n',
            "discovery failed: listen tcp 127.0.0.1:2380: bind: address already in use",
        ),
        (
            """\
Starting Docker Application Container Engine...
time="2026-11-23T17:26:40.1Z" level=info msg="Starting up"
time="2026-11-23T17:26:40.2Z" level=warning msg="could not change group" error="group docker not found"
unable to configure the Docker daemon with file /etc/docker/daemon.json: the following directives are \
specified both as a flag and in the configuration file: hosts: (from flag: [fd://], from file: [tcp://127.0.0.1:2375])
docker.service: Main process exited, code=exited, status=1/FAILURE
docker.service: Failed with result 'exit-code'.
Failed to start Docker Application Container Engine.
docker.service: Start request repeated too quickly.
""",
            "unable to configure the Docker daemon with file /etc/docker/daemon.json: the following"
            " directives are specified both as a flag and in the configuration file:"
            " hosts: (from flag: [fd://], from file: [tcp://127.0.0.1:2375])",
        ),
        (
            '[INFO] plugin/ready: Still waiting on: "kubernetes"\n'
            "Listen: listen tcp 172.17.0.1:53: bind: address already in use\n",
            "Listen: listen tcp 172.17.0.1:53: bind: address already in use",
        ),
        (
            "[INFO] SIGTERM: Shutting down servers then terminating\n"
            "[ERROR] plugin/errors: 2 a.example. A: timeout\n",
            "plugin/errors: 2 a.example. A: timeout",
        ),
        ("", ""),
        (ENDED, ""),
    ],
)
def test_the_telling_line(log: str, expected: str) -> None:
    assert log_lines.most_relevant(log) == expected


def test_no_password_is_told() -> None:
    log = 'time="2026" level=error msg="proxyconnect http://user:swordfish@proxy.example:3128: refused"\n'
    assert log_lines.most_relevant(log) == "proxyconnect http://[removed]@proxy.example:3128: refused"


def test_a_line_without_end_is_cut() -> None:
    assert len(log_lines.most_relevant("E1123 17:26:45.100000    7 kubelet.go:2267] " + "x" * 5000)) < 700


def test_bytes_that_are_no_text_are_told_as_text() -> None:
    log = b'F1123 17:26:45.100000    7 server.go:198] error found in \xff"maxPods"'.decode(
        errors="surrogateescape"
    )
    assert log_lines.most_relevant(log).encode() == b'error found in ?"maxPods"'
