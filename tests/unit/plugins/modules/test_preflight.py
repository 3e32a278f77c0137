"""Each check finds what would make a run fail, and nothing else."""

from __future__ import annotations

import os
import re
import socket
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from ansible_collections.mink8s.kubernetes.plugins.module_utils import _checks, _host
from ansible_collections.mink8s.kubernetes.plugins.modules import preflight

if TYPE_CHECKING:
    from collections.abc import Iterator

OPTIONS: dict[str, Any] = {
    "version": "v1.18.20",
    "known_versions": ["v1.18.5", "v1.18.20"],
    "checksum": "",
    "artifacts": "",
    "url": "",
    "node_name": "",
    "address": "192.0.2.1",
    "directories": [],
    "ports": [],
    "state_directory": "/nonexistent",
    "files": [],
    "daemon_json": "/nonexistent",
    "article_exact": False,
    "skip": [],
}
GOOD = _host.Host(controllers=frozenset({"cpu", "cpuacct", "cpuset", "devices", "memory"}))
V2 = replace(GOOD, cgroup_version=2, controllers=frozenset({"cpu", "cpuset", "io", "memory", "pids"}))
KUBELET = {"port": 10250, "address": "0.0.0.0", "process": "kubelet"}
ETCD = {"port": 2379, "address": "127.0.0.1", "process": "etcd"}
TARBALL = "kubernetes-server-linux-amd64.tar.gz"


def findings(host: _host.Host = GOOD, **options: object) -> dict[str, str]:
    """The name of each finding with what it says."""
    found = _checks.examine({**OPTIONS, **options}, host)
    return {finding.name: f"{finding.message} {finding.remedy}" for finding in found}


def listener(port: int, address: str, process: str = "nginx", pid: int = 42) -> _host.Host:
    return replace(GOOD, listeners=(_host.Listener(port, address, pid, process),))


def test_a_good_host_has_no_findings() -> None:
    assert findings(ports=[KUBELET, ETCD]) == {}


@pytest.mark.parametrize(
    ("host", "name", "seen"),
    [
        (replace(GOOD, system="FreeBSD"), "linux", "This is FreeBSD."),
        (replace(GOOD, init="bash"), "systemd", "Process 1 is bash, not systemd."),
        (replace(GOOD, systemd_booted=False, init=""), "systemd", "Process 1 is hidden"),
        (replace(GOOD, euid=1000), "root", "The user id is 1000, not 0. Set become: true"),
        (replace(GOOD, machine="riscv64"), "architecture", "The machine is riscv64."),
        (replace(GOOD, swaps=("/dev/sda2", "/swap")), "swap", "/dev/sda2, /swap"),
        (replace(GOOD, hostname="my_host"), "node_name", "'my_host' (7 characters). Set cluster_node_name"),
        (
            replace(GOOD, daemon_json_error="/x, line 1, column 2: y"),
            "daemon_json",
            "line 1, column 2: y. Correct",
        ),
        (
            replace(GOOD, mirror_error="HTTP 404"),
            "mirror",
            "can't be fetched: HTTP 404. Set cluster_release_url",
        ),
        (
            replace(GOOD, files=("/etc/kubernetes/manifests/etcd.yaml",)),
            "existing_cluster",
            "never touched: /etc/kubernetes/manifests/etcd.yaml.",
        ),
        (
            replace(GOOD, controllers=frozenset({"cpu", "cpuacct", "cpuset", "devices"})),
            "cgroup",
            "cgroup v1 lacks the controllers memory.",
        ),
    ],
)
def test_a_bad_host_has_one_finding(host: _host.Host, name: str, seen: str) -> None:
    found = findings(host)
    assert list(found) == [name]
    assert seen in found[name]


@pytest.mark.parametrize(
    ("version", "remedy"),
    [
        ("1.18.20", "v1.Y.Z"),
        ("v1.18", "v1.Y.Z"),
        ("latest", "v1.Y.Z"),
        ("v2.18.0", "v1.Y.Z"),
        ("v1.17.17", "Choose v1.18 to v1.23"),
        ("v1.24.0", "dockershim"),
    ],
)
def test_a_version_out_of_range_is_found(version: str, remedy: str) -> None:
    found = findings(version=version, known_versions=[version])["version_range"]
    assert f"cluster_version is {version}." in found
    assert remedy in found


def test_an_unknown_version_names_the_variable_and_where_its_sum_is() -> None:
    found = findings(version="v1.19.7")["release_checksum"]
    assert "The checksum of v1.19.7 is not known (known: v1.18.5, v1.18.20)." in found
    assert "cluster_release_checksum" in found
    assert f"SHA-512 of {TARBALL} from CHANGELOG-1.19.md" in found


def test_a_sum_given_or_among_the_artifacts_makes_a_version_known() -> None:
    assert findings(version="v1.19.7", checksum="ab" * 64) == {}
    with_sums = replace(GOOD, artifacts=frozenset({TARBALL}), artifact_sums={TARBALL: "ab" * 64})
    assert findings(with_sums, version="v1.19.7", artifacts="/srv") == {}


def test_a_sum_of_another_length_is_found() -> None:
    assert "not 128 hexadecimal digits: abc." in findings(checksum="abc")["release_checksum"]


def test_the_article_to_the_letter_needs_the_insecure_port() -> None:
    assert findings(article_exact=True) == {}
    found = findings(article_exact=True, version="v1.20.15", known_versions=["v1.20.15"])
    assert "cluster_article_exact is true with v1.20.15" in found["article_exact"]


@pytest.mark.parametrize(
    ("systemd", "remedy"),
    [
        (
            252,
            "kernel parameters systemd.unified_cgroup_hierarchy=0, or set cluster_version to v1.19 or later.",
        ),
        (257, "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1 systemd.unified_cgroup_hierarchy=0"),
        (258, "systemd 258 has no cgroup v1 any more: set cluster_version to v1.19 or later."),
    ],
)
def test_cgroup_v2_is_found_with_the_remedy_the_host_has(systemd: int, remedy: str) -> None:
    assert remedy in findings(replace(V2, systemd_version=systemd))["cgroup"]


def test_cgroup_v2_is_fine_from_1_19() -> None:
    assert findings(V2, version="v1.19.16", known_versions=["v1.19.16"]) == {}


@pytest.mark.parametrize(
    ("seen", "wanted", "taken"),
    [
        ("0.0.0.0", "127.0.0.1", True),
        ("::", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.1", True),
        ("192.0.2.1", "0.0.0.0", True),
        ("192.0.2.1", "127.0.0.1", False),
        ("::1", "0.0.0.0", False),
    ],
)
def test_addresses_that_overlap_conflict(seen: str, wanted: str, taken: bool) -> None:
    assert bool(findings(listener(2379, seen), ports=[{**ETCD, "address": wanted}])) is taken


def test_a_taken_port_names_its_owner_and_who_wants_it() -> None:
    found = findings(listener(10250, "::"), ports=[KUBELET])
    assert "Port 10250 on :: is taken by nginx (pid 42); kubelet needs it." in found["ports"]


def test_every_taken_port_is_reported() -> None:
    host = replace(GOOD, listeners=tuple(_host.Listener(port, "::", 1, "x") for port in (2379, 10250, 80)))
    assert len(_checks.examine({**OPTIONS, "ports": [KUBELET, ETCD]}, host)) == 2


def test_a_port_held_by_its_own_process_is_fine_where_the_collection_has_worked() -> None:
    ours = listener(10250, "::", "kubelet")
    assert "ports" in findings(ours, ports=[KUBELET])
    assert findings(replace(ours, has_state=True), ports=[KUBELET]) == {}
    assert "ports" in findings(replace(ours, has_state=True), ports=[{**KUBELET, "process": "etcd"}])


def test_too_little_space_is_found_unless_the_release_is_already_there() -> None:
    full = replace(GOOD, file_systems=(_host.FileSystem(("/var/lib", "/usr"), wanted=500, free=499),))
    assert "499 MB are free where /var/lib, /usr are, 500 MB are needed." in findings(full)["disk_space"]
    assert findings(replace(full, has_release=True)) == {}


def test_a_host_without_an_address_is_told_to_name_one() -> None:
    assert "Set cluster_address" in findings(address="")["address"]
    assert "address" not in findings(address=None)


@pytest.mark.parametrize(
    ("name", "version", "good"),
    [
        ("node-1.example.com", "v1.18.20", True),
        ("a" * 63, "v1.18.20", True),
        ("a" * 64, "v1.18.20", False),
        ("a" * 52, "v1.20.15", True),
        ("a" * 53, "v1.20.15", False),
        ("Node", "v1.18.20", False),
        ("node-", "v1.18.20", False),
        ("a..b", "v1.18.20", False),
    ],
)
def test_the_node_name_is_one_kubernetes_takes(name: str, version: str, good: bool) -> None:
    assert ("node_name" not in findings(node_name=name, version=version, known_versions=[version])) is good


def test_files_of_its_own_are_no_other_cluster() -> None:
    assert findings(replace(GOOD, files=("/etc/kubernetes/manifests/etcd.yaml",), has_state=True)) == {}


def test_artifacts_are_where_they_are_said_to_be() -> None:
    assert "There is no directory /srv." in findings(artifacts="/srv")["artifacts"]
    empty = replace(GOOD, artifacts=frozenset({"etcd.tar"}))
    assert f"/srv has no {TARBALL}. Put" in findings(empty, artifacts="/srv")["artifacts"]


def test_checks_can_be_skipped() -> None:
    assert findings(replace(GOOD, swaps=("/swap",), euid=1), skip=["swap", "root"]) == {}


def test_the_report_numbers_every_finding() -> None:
    host = replace(GOOD, swaps=("/swap",), euid=1000)
    lines = preflight.report("v1.18.20", _checks.examine(OPTIONS, host)).splitlines()
    assert lines[0].endswith("Nothing was changed. Findings: 2")
    assert [line.split(":")[0] for line in lines[1:]] == ["1. root", "2. swap"]


def test_the_documentation_lists_every_check() -> None:
    documented = yaml.safe_load(preflight.DOCUMENTATION)["options"]["skip"]["choices"]
    assert documented == sorted(_checks.CHECKS)


def test_listeners_are_found_with_their_owner() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as four,
        socket.create_server(("::", 0), family=socket.AF_INET6) as six,
    ):
        ports = {server.getsockname()[1]: address for server, address in ((four, "127.0.0.1"), (six, "::"))}
        found = set(_host.find_listeners(Path("/proc"), set(ports)))
    process = Path("/proc/self/comm").read_text().strip()
    assert found == {_host.Listener(port, address, os.getpid(), process) for port, address in ports.items()}


def test_a_port_nobody_listens_on_is_not_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert list(_host.find_listeners(Path("/proc"), {port})) == []


def test_space_is_added_up_on_each_file_system(tmp_path: Path) -> None:
    wanted = [
        {"path": str(tmp_path), "megabytes": 10},
        {"path": str(tmp_path / "not" / "yet" / "there"), "megabytes": 32},
    ]
    (found,) = _host.measure(wanted)
    assert found.wanted == 42
    assert found.paths == (str(tmp_path), str(tmp_path / "not" / "yet" / "there"))
    assert found.free > 0


def test_mounted_controllers_are_read_from_the_mount_table() -> None:
    mounts = (
        "tmpfs /sys/fs/cgroup tmpfs ro 0 0\n"
        "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,nosuid,cpu,cpuacct 0 0\n"
        "cgroup2 /sys/fs/cgroup/unified cgroup2 rw,memory 0 0\n"
    )
    assert {"cpu", "cpuacct"} <= _host.v1_controllers(mounts)
    assert "memory" not in _host.v1_controllers(mounts)


def test_this_host_is_observed(tmp_path: Path) -> None:
    artifacts, state = tmp_path / "artifacts", tmp_path / "state"
    (state / "v1.18.20").mkdir(parents=True)
    (state / "v1.18.20" / "release.json").write_text("{}")
    artifacts.mkdir()
    (artifacts / "SHA512SUMS").write_text(f"{'a' * 128}  {TARBALL}\n")
    (tmp_path / "daemon.json").write_text("{")
    options = {
        **OPTIONS,
        "artifacts": str(artifacts),
        "state_directory": str(state),
        "daemon_json": str(tmp_path / "daemon.json"),
        "files": [str(artifacts / "SHA512SUMS"), "/nonexistent"],
        "url": "http://127.0.0.1:1",
    }
    host = _host.observe(options, lambda command: (0, "systemd 252 (252.1)\n", ""))
    assert host.system == "Linux"
    assert host.hostname == os.uname().nodename.lower()
    assert host.euid == os.geteuid()
    assert host.cgroup_version in (1, 2)
    assert host.artifacts == frozenset({"SHA512SUMS"})
    assert host.artifact_sums == {TARBALL: "a" * 128}
    assert host.has_state
    assert host.has_release
    assert host.files == (str(artifacts / "SHA512SUMS"),)
    assert "daemon.json, line 1, column 2" in host.daemon_json_error
    assert host.mirror_error == ""


@pytest.fixture
def mirror() -> Iterator[str]:
    """A server that has v1.18.20, knows no HEAD for v1.18.5, and has nothing else."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            answers = {"/v1.18.20": 200, "/v1.18.5": 501}
            self.send_response(answers.get(re.sub(r"/kubernetes-server.*", "", self.path), 404))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep the test's output clean."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(("version", "error"), [("v1.18.20", ""), ("v1.18.5", ""), ("v1.18.6", "HTTP 404")])
def test_a_mirror_is_asked_for_the_release(mirror: str, version: str, error: str) -> None:
    host = _host.observe({**OPTIONS, "url": mirror, "version": version}, lambda command: (0, "", ""))
    assert host.mirror_error.startswith(error)
    assert bool(host.mirror_error) is bool(error)


def test_a_server_that_is_not_there_is_a_finding() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    assert "refused" in _host.ask(url)
    assert _host.ask("not a url")
