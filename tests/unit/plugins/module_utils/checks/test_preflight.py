"""Each check finds what would make a run fail, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from ipaddress import IPv4Network
from typing import Any

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks import network, observation, preflight
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import packet_filter
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.disk import FileSystem
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.kernel_features import Kernel
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.network import (
    Network,
    Resolver,
    Route,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.other_kubernetes import Other
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.own_cluster import Cluster
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.procfs import Listener
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker.dockerd_plan import DockerdPlan
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker.observed import DockerObserved
from rendering import variables

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
TABLE = variables("release", "vars")["release_table"]
OPTIONS: dict[str, Any] = {
    "version": "v1.18.20",
    "releases": TABLE,
    "checksum": "",
    "artifacts": "",
    "url": "",
    "node_name": "",
    "address": "192.0.2.1",
    "memory_minimum": 600,
    "memory_comfortable": 1000,
    "ports": [],
    "components": ["etcd", "kube-apiserver"],
    "authentication": "",
    "apiserver_bind_address": "127.0.0.1",
    "arguments": {},
    "service_network": "10.0.0.0/24",
    "apiserver_alternative_names": [],
    "service_account_namespaces": ["default"],
    "image_registry": "registry.k8s.io",
    "config_directory": "/etc/kubernetes",
    "etcd_data_directory": "/var/lib/etcd",
    "state_directory": "/var/lib/mink8s",
    "article_exact": False,
    "switch_to_cgroup_v1": False,
    "container_runtime": "docker",
    "pod_network": "",
    "runtime_settings": None,
    "runtime_pause_image": "",
    "runtime_registries": {},
    "runtime_defaults": True,
    "time": int(NOW.timestamp()),
    "skip": [],
}
GOOD = observation.Host(
    time=NOW,
    controllers=frozenset({"cpu", "cpuacct", "cpuset", "devices", "memory"}),
    memory_available=4000,
    runtime=DockerObserved(),
)
V2 = replace(GOOD, cgroup_version=2, controllers=frozenset({"cpu", "cpuset", "io", "memory", "pids"}))
OURS = replace(GOOD, has_ledger=True)
DOCKER = DockerObserved(version="20.10.24", running=True, min_api="1.12", api="1.41", containers=("web",))
KUBELET = {"port": 10250, "address": "0.0.0.0", "process": "kubelet"}
ETCD = {"port": 2379, "address": "127.0.0.1", "process": "etcd"}
TARBALL = "kubernetes-server-linux-amd64.tar.gz"


def examine(host: observation.Host, **options: object) -> preflight.Findings:
    return preflight.examine({**OPTIONS, **options}, host)


def failures(host: observation.Host = GOOD, **options: object) -> dict[str, str]:
    """The name of each failure with what it says, where nothing is warned of."""
    found = examine(host, **options)
    assert found.warnings == []
    return {finding.name: f"{finding.message} {finding.remedy}" for finding in found.failures}


def warnings(host: observation.Host, **options: object) -> dict[str, str]:
    """The name of each warning with what it says, where nothing fails."""
    found = examine(host, **options)
    assert found.failures == []
    return {finding.name: f"{finding.message} {finding.remedy}" for finding in found.warnings}


def listener(port: int, address: str, process: str = "nginx", pid: int = 42) -> observation.Host:
    return replace(GOOD, listeners=(Listener(port, address, pid, process),))


def known(version: str) -> dict[str, Any]:
    return {"version": version, "releases": with_release(version)}


def with_release(version: str, **sums: str) -> dict[str, Any]:
    """The table of releases with the sums of one more, or others of one that it has."""
    minor = version.removeprefix("v").rpartition(".")[0]
    row = TABLE.get(minor)
    if row is None:
        return dict(TABLE)
    return {**TABLE, minor: {**row, "checksums": {**row["checksums"], version: sums}}}


def test_a_good_host_has_no_findings() -> None:
    assert failures(ports=[KUBELET, ETCD]) == {}
    assert failures(replace(GOOD, runtime=DOCKER)) == {}


@pytest.mark.parametrize(
    ("host", "name", "seen"),
    [
        (replace(GOOD, system="FreeBSD"), "linux", "The host runs FreeBSD."),
        (replace(GOOD, init="bash"), "systemd", "Process 1 is bash, not systemd"),
        (replace(GOOD, systemd_booted=False, init=""), "systemd", "Process 1 is hidden"),
        (replace(GOOD, euid=1000), "root", "works on the host as user 1000, not as root. Set become: true"),
        (replace(GOOD, machine="riscv64"), "architecture", "The machine is riscv64, for which"),
        (replace(GOOD, swaps=("/dev/sda2", "/swap")), "swap", "/dev/sda2, /swap"),
        (replace(GOOD, nodename="my_host"), "node_name", "my_host (7 characters), which Kubernetes"),
        (
            replace(GOOD, runtime=DockerObserved(unreadable="/x, line 1: y")),
            "runtime_settings",
            "line 1: y. Correct",
        ),
        (replace(GOOD, mirror_error="HTTP 404"), "mirror", "fetched: HTTP 404. Set cluster_release_url"),
        (
            replace(GOOD, kernel="6.1.0", kernel_memory_error="Operation not supported"),
            "kernel_memory",
            "which the kernel 6.1.0 refuses: Operation not supported. Boot a kernel before 5.16",
        ),
        (
            replace(GOOD, unreadable_mounts=("x /mnt 9p rw,aname=a b 0 0",)),
            "mounts",
            "7 fields, with which the kubelet does not start: 'x /mnt 9p rw,aname=a b 0 0'. Unmount",
        ),
        (
            replace(GOOD, filter=packet_filter.Filter(error="table `nat' is incompatible, use 'nft' tool")),
            "iptables",
            "iptables -t nat -S fails: table `nat' is incompatible",
        ),
        (replace(GOOD, has_iptables=False, has_apt=False), "iptables", "no apt-get to install it with"),
        (replace(GOOD, memory_available=599), "memory", "599 MB of memory are available, and the control"),
    ],
)
def test_a_bad_host_has_one_failure(host: observation.Host, name: str, seen: str) -> None:
    found = failures(host)
    assert list(found) == [name]
    assert seen in found[name]


@pytest.mark.parametrize(
    ("host", "name", "seen"),
    [
        (replace(GOOD, memory_available=999), "memory", "With less than 1000 MB little is left for pods."),
        (replace(GOOD, hostname_error="not known"), "hostname", "127.0.1.1 node to /etc/hosts"),
        (replace(GOOD, selinux="enforcing"), "security", "container_file_t"),
    ],
)
def test_a_host_with_a_flaw_has_one_warning(host: observation.Host, name: str, seen: str) -> None:
    found = warnings(host)
    assert list(found) == [name]
    assert seen in found[name]


@pytest.mark.parametrize(
    "host",
    [
        replace(GOOD, has_iptables=False),
        replace(GOOD, selinux="permissive"),
        replace(GOOD, memory_available=0),
        replace(OURS, memory_available=100, processes=frozenset({"kubelet"})),
    ],
)
def test_a_host_that_is_good_enough_has_no_findings(host: observation.Host) -> None:
    assert failures(host) == {}


def test_too_little_memory_is_found_where_the_collection_has_worked_but_nothing_runs() -> None:
    assert list(failures(replace(OURS, memory_available=100))) == ["memory"]


@pytest.mark.parametrize(
    ("version", "remedy"),
    [
        ("1.18.20", "v1.Y.Z"),
        ("v1.18", "v1.Y.Z"),
        ("latest", "v1.Y.Z"),
        ("v2.18.0", "v1.Y.Z"),
        ("v1.17.17", "Choose v1.18 to v1.37."),
        (
            "v1.38.0",
            "Choose v1.18 to v1.37. A later release needs a row of its own in roles/release/vars/main.yml",
        ),
    ],
)
def test_a_version_out_of_range_is_found(version: str, remedy: str) -> None:
    found = failures(**known(version))["version_range"]
    assert f"cluster_version is {version}." in found
    assert remedy in found


def test_an_unknown_version_names_the_variable_and_where_its_sum_is() -> None:
    found = failures(version="v1.19.7")["release_checksum"]
    assert "The checksum of v1.19.7 is not known (known: v1.18.5, v1.18.20, v1.19.16," in found
    assert "cluster_release_checksum" in found
    assert f"SHA-512 of {TARBALL} from CHANGELOG-1.19.md" in found


def test_a_minor_release_of_which_no_sum_is_known_takes_one_that_is_given() -> None:
    wanted: dict[str, Any] = {"version": "v1.37.1", "container_runtime": "containerd"}
    found = failures(V2, **wanted)
    assert list(found) == ["release_checksum"]
    assert found["release_checksum"].endswith(
        f"Set cluster_release_checksum to the SHA-512 of {TARBALL} from CHANGELOG-1.37.md of"
        " github.com/kubernetes/kubernetes."
    )
    assert failures(V2, checksum="ab" * 64, **wanted) == {}


def test_what_is_no_version_is_only_said_to_be_none() -> None:
    assert list(failures(version="latest", article_exact=True)) == ["version_range"]


def test_a_sum_given_or_among_the_artifacts_makes_a_version_known() -> None:
    assert failures(version="v1.19.7", checksum="ab" * 64) == {}
    with_sums = replace(GOOD, artifacts=frozenset({TARBALL}), artifact_sums={TARBALL: "ab" * 64})
    assert failures(with_sums, version="v1.19.7", artifacts="/srv") == {}


def test_a_sum_of_another_length_is_found() -> None:
    assert "not 128 hexadecimal digits: abc." in failures(checksum="abc")["release_checksum"]


def test_the_article_to_the_letter_needs_the_insecure_port() -> None:
    assert failures(article_exact=True) == {}
    found = failures(article_exact=True, **known("v1.20.15"))
    assert "cluster_article_exact is true with v1.20.15" in found["article_exact"]


@pytest.mark.parametrize(
    ("systemd", "remedy"),
    [
        (252, "parameters systemd.unified_cgroup_hierarchy=0, or run v1.19 or later by adding: -e "),
        (257, "SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1 systemd.unified_cgroup_hierarchy=0"),
        (258, "systemd 258 has no cgroup v1 any more, so run v1.19 or later by adding: -e "),
    ],
)
def test_cgroup_v2_is_found_with_the_remedy_the_host_has(systemd: int, remedy: str) -> None:
    assert remedy in failures(replace(V2, systemd_version=systemd))["cgroup"]


def test_cgroup_v2_is_fine_from_1_19() -> None:
    assert failures(V2, **known("v1.19.16")) == {}
    assert failures(replace(V2, has_grub=True), switch_to_cgroup_v1=True, **known("v1.19.16")) == {}


def test_cgroup_v2_that_can_be_switched_is_a_failure_until_it_is_told_to() -> None:
    host = replace(V2, has_grub=True, systemd_version=252)
    assert "preflight_switch_to_cgroup_v1: true sets them" in failures(host)["cgroup"]
    found = warnings(host, switch_to_cgroup_v1=True)["cgroup"]
    assert "it is told to boot with systemd.unified_cgroup_hierarchy=0." in found


def test_cgroup_v2_that_can_not_be_switched_says_what_to_do_instead() -> None:
    without_grub = failures(replace(V2, systemd_version=252), switch_to_cgroup_v1=True)["cgroup"]
    assert "update-grub or /boot/grub/grub.cfg is missing here" in without_grub
    assert "parameters systemd.unified_cgroup_hierarchy=0, which you set in" in without_grub
    new = replace(V2, has_grub=True, systemd_version=258)
    assert "no cgroup v1 any more" in failures(new, switch_to_cgroup_v1=True)["cgroup"]


@pytest.mark.parametrize(
    ("apart", "fails", "warns"),
    [
        (timedelta(seconds=119), [], []),
        (timedelta(minutes=-5), [], ["clock"]),
        (timedelta(hours=23), [], ["clock"]),
        (timedelta(days=1), ["clock"], []),
        (timedelta(days=-4000), ["clock"], []),
    ],
)
def test_a_clock_may_differ_a_little(apart: timedelta, fails: list[str], warns: list[str]) -> None:
    found = examine(replace(GOOD, time=NOW + apart))
    assert [finding.name for finding in found.failures] == fails
    assert [finding.name for finding in found.warnings] == warns


def test_both_times_are_named() -> None:
    found = failures(replace(GOOD, time=NOW.replace(year=1970)))["clock"]
    assert "It is 1970-11-23 12:00:00 UTC on the host, and 2026-11-23 12:00:00 on the controller." in found
    assert failures(replace(GOOD, time=NOW.replace(year=1970)), time=0) == {}


def test_an_authority_of_the_future_is_found() -> None:
    past, future = NOW - timedelta(days=1), NOW + timedelta(minutes=1)
    found = failures(replace(GOOD, authorities={"/pki/old.crt": past, "/pki/ca.crt": future}))["clock"]
    assert "/pki/ca.crt is not valid before 2026-11-23 12:01:00" in found
    assert "old.crt" not in found


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
    assert bool(failures(listener(2379, seen), ports=[{**ETCD, "address": wanted}])) is taken


def test_a_taken_port_names_its_owner_and_who_wants_it() -> None:
    found = failures(listener(10250, "::"), ports=[KUBELET])
    assert "Port 10250 on :: is taken by nginx (pid 42); kubelet needs it." in found["ports"]


def test_every_taken_port_is_reported() -> None:
    host = replace(GOOD, listeners=tuple(Listener(port, "::", 1, "x") for port in (2379, 10250, 80)))
    assert len(examine(host, ports=[KUBELET, ETCD]).failures) == 2


def test_a_port_held_by_its_own_process_is_fine_where_the_collection_has_worked() -> None:
    ours = listener(10250, "::", "kubelet")
    assert "ports" in failures(ours, ports=[KUBELET])
    assert failures(replace(ours, has_ledger=True), ports=[KUBELET]) == {}
    assert "ports" in failures(replace(ours, has_ledger=True), ports=[{**KUBELET, "process": "etcd"}])


def test_too_little_space_is_found_unless_the_release_is_already_there() -> None:
    full = replace(GOOD, file_systems=(FileSystem(("/var/lib", "/usr"), wanted=500, free=499),))
    assert "499 MB are free where /var/lib, /usr are, 500 MB are needed." in failures(full)["disk_space"]
    assert failures(replace(full, has_release=True)) == {}


def test_a_host_without_an_address_is_told_to_name_one() -> None:
    assert "Set cluster_address" in failures(address="")["address"]
    assert "address" not in failures(replace(GOOD, address="192.0.2.7"), address="")
    assert "address" not in failures(address="192.0.2.7")


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
    assert ("node_name" not in failures(node_name=name, **known(version))) is good


def test_a_node_with_a_certificate_has_a_name_that_fits_in_it() -> None:
    assert failures(node_name="a" * 52, authentication="certificates") == {}
    said = failures(node_name="a" * 53, authentication="certificates")["node_name"]
    assert "Set cluster_node_name to at most 52" in said


def test_artifacts_are_where_they_are_said_to_be() -> None:
    assert "There is no directory /srv." in failures(artifacts="/srv")["artifacts"]
    empty = replace(GOOD, artifacts=frozenset({"etcd.tar"}))
    assert f"/srv has no {TARBALL}. Put" in failures(empty, artifacts="/srv")["artifacts"]


def test_the_tarball_among_the_artifacts_is_the_one_it_has_to_be() -> None:
    there = replace(GOOD, artifacts=frozenset({TARBALL}), tarball_digest="ab" * 64)
    assert failures(there, version="v1.19.7", checksum="ab" * 64, artifacts="/srv") == {}
    found = failures(there, version="v1.19.7", checksum="cd" * 64, artifacts="/srv")["artifacts"]
    assert f"has the SHA-512 {'ab' * 64}, but cluster_release_checksum says {'cd' * 64}. Copy the" in found
    table = with_release("v1.18.20", amd64="12" * 64)
    found = failures(there, artifacts="/srv", checksum="ab" * 64, releases=table)["artifacts"]
    assert f"/srv/{TARBALL} has the SHA-512 {'ab' * 64}, but the collection's own table says" in found
    listed = replace(there, artifact_sums={TARBALL: "ef" * 64})
    found = failures(listed, version="v1.19.7", artifacts="/srv")["artifacts"]
    assert f"but /srv/SHA512SUMS says {'ef' * 64}" in found


@pytest.mark.parametrize(
    ("installed", "wanted", "names"),
    [
        ("", "v1.18.20", []),
        ("v1.18.20", "v1.18.20", []),
        ("v1.18.5", "v1.18.20", []),
        ("v1.18.20", "v1.19.16", []),
        ("v1.20.15", "v1.20.9", ["downgrade"]),
        ("v1.21.0", "v1.20.15", ["downgrade"]),
        ("v1.18.20", "v1.20.15", ["skipped_minor"]),
    ],
)
def test_a_release_goes_up_by_one_minor_version(installed: str, wanted: str, names: list[str]) -> None:
    assert list(failures(replace(OURS, installed=installed), **known(wanted))) == names


def test_a_release_that_may_not_go_names_both_and_what_to_do() -> None:
    later = failures(replace(OURS, installed="v1.21.14"), **known("v1.20.15"))["downgrade"]
    assert "The host runs v1.21.14, which is newer than v1.20.15" in later
    assert "restore.yml" in later
    earlier = failures(replace(OURS, installed="v1.18.20"), **known("v1.20.15"))["skipped_minor"]
    assert "upgrade_skip_minor: true" in earlier


def test_a_version_that_is_none_goes_nowhere() -> None:
    assert list(failures(replace(OURS, installed="v1.20.15"), **known("latest"))) == ["version_range"]


def test_a_restart_names_its_reason_and_the_containers_of_others_that_stop() -> None:
    why = "docker.service started before /etc/docker/daemon.json was written"
    docker = replace(DOCKER, containers=("k8s_etcd", "web"), restarts=(why,))
    restarted = replace(GOOD, runtime=docker)
    found = warnings(restarted)["runtime_restart"]
    assert (
        f"Docker is going to be restarted ({why}), and these containers stop by it: k8s_etcd, web." in found
    )
    ours = replace(restarted, has_ledger=True)
    assert "stop by it: web." in warnings(ours)["runtime_restart"]
    for harmless in (
        replace(restarted, runtime=replace(docker, restarts=())),
        replace(restarted, runtime=replace(docker, keeps_containers=True)),
        replace(ours, runtime=replace(docker, containers=("k8s_etcd",))),
    ):
        assert failures(harmless) == {}
    moved = replace(docker, data_root_wanted="/data", keeps_containers=True)
    found = warnings(replace(restarted, runtime=moved))["runtime_restart"]
    assert f"restarted with its data in /data ({why})." in found
    assert "stay behind in /var/lib/docker, stopped: k8s_etcd, web." in found


@pytest.mark.parametrize(
    ("runtime", "name", "said"),
    [
        (DockerObserved(version="1.12.6", min_api="1.12", api="1.24"), "runtime_version", "Upgrade Docker"),
        (DockerObserved(snap="/snap/docker"), "runtime_packages", "snap remove docker"),
        (
            replace(DOCKER, loaded=False),
            "runtime_unit",
            "Docker is on this host, and systemd has no unit docker",
        ),
        (replace(DOCKER, masked=True), "runtime_unit", "systemctl unmask docker.service"),
    ],
)
def test_a_container_runtime_that_is_in_the_way_is_found(
    runtime: DockerObserved, name: str, said: str
) -> None:
    found = failures(replace(GOOD, runtime=runtime))
    assert list(found) == [name]
    assert said in found[name]


def test_the_unit_of_a_runtime_that_is_not_there_is_in_nobodys_way() -> None:
    assert failures(replace(GOOD, runtime=DockerObserved(loaded=False, masked=True))) == {}


def test_what_a_runtime_lacks_that_was_there_before_is_told() -> None:
    theirs = replace(GOOD, runtime=replace(DOCKER, plan=DockerdPlan(ours=False)))
    assert list(warnings(theirs)) == ["runtime_defaults"]


def test_the_articles_kubelet_does_not_adapt_to_the_systemd_driver() -> None:
    systemd = replace(GOOD, runtime=replace(DOCKER, cgroup_driver="systemd"))
    assert failures(systemd) == {}
    assert "native.cgroupdriver=cgroupfs" in failures(systemd, article_exact=True)["cgroup_driver"]
    assert failures(replace(GOOD, runtime=DOCKER), article_exact=True) == {}


def test_another_kubernetes_is_named_with_its_signs() -> None:
    k3s = Other("k3s", ("/etc/rancher/k3s", "the process k3s-server"))
    found = failures(replace(OURS, others=(k3s,)))["other_kubernetes"]
    assert "k3s is on this host, which is never touched: /etc/rancher/k3s, the process k3s-server." in found
    many = Other("k0s", tuple(f"sign {number}" for number in range(9)))
    assert "sign 4 and 4 more." in failures(replace(GOOD, others=(many,)))["other_kubernetes"]


def test_another_kubernetes_in_containers_of_its_own_is_a_warning() -> None:
    kind = Other("kind", ("the container kind-control-plane",), apart=True)
    assert "kind is on this host" in warnings(replace(GOOD, others=(kind,)))["other_kubernetes"]


def test_checks_can_be_skipped() -> None:
    assert failures(replace(GOOD, swaps=("/swap",), euid=1), skip=["swap", "root"]) == {}
    assert warnings(replace(GOOD, selinux="enforcing"), skip=["security"]) == {}


def test_findings_stand_in_the_order_of_the_groups() -> None:
    host = replace(GOOD, swaps=("/swap",), runtime=DockerObserved(unreadable="x"), mirror_error="y", euid=1)
    names = [finding.name for finding in examine(host, address="").failures]
    assert names == ["root", "swap", "mirror", "address", "runtime_settings"]


ALL = ["coredns", "kube-proxy", "kube-scheduler", "kube-controller-manager", "etcd", "kube-apiserver"]


def test_every_component_is_known_in_any_order() -> None:
    assert failures(components=ALL) == {}


def test_a_word_that_is_no_component_is_named_with_those_that_are() -> None:
    found = failures(components=[*ALL, "kube-dns"])["components"]
    assert "cluster_components has kube-dns" in found
    assert found.endswith(
        "Known are etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kube-proxy, coredns."
    )


def test_etcd_and_kube_apiserver_are_needed_and_each_word_once() -> None:
    found = examine(GOOD, components=["coredns", "coredns"]).failures
    assert [finding.message for finding in found] == [
        "cluster_components has coredns 2 times.",
        "cluster_components lacks etcd, without which nothing works.",
        "cluster_components lacks kube-apiserver, without which nothing works.",
    ]


def test_a_proxy_without_controllers_is_warned_of() -> None:
    found = warnings(GOOD, components=["etcd", "kube-apiserver", "kube-proxy"])
    assert "without kube-controller-manager" in found["components"]


def test_names_without_a_proxy_are_warned_of() -> None:
    found = warnings(GOOD, components=["etcd", "kube-apiserver", "coredns"])
    assert "without kube-proxy" in found["components"]


def test_pods_that_cannot_reach_the_api_are_warned_of() -> None:
    options: dict[str, Any] = {"components": ALL, "authentication": "certificates"}
    assert "Set cluster_apiserver_bind_address to 0.0.0.0" in warnings(GOOD, **options)["components"]
    assert failures(apiserver_bind_address="0.0.0.0", **options) == {}


@pytest.mark.parametrize("authentication", ["", "none", "certificates"])
def test_the_articles_releases_can_both(authentication: str) -> None:
    assert failures(authentication=authentication) == {}


def test_later_releases_have_certificates_only() -> None:
    assert failures(authentication="certificates", **known("v1.20.15")) == {}
    found = failures(authentication="none", **known("v1.20.15"))["authentication"]
    assert "cluster_authentication is none with v1.20.15" in found
    assert "cluster_authentication is token." in failures(authentication="token")["authentication"]


def test_the_article_has_nothing_more() -> None:
    found = examine(GOOD, components=[*ALL[2:]], authentication="certificates", article_exact=True).failures
    assert [finding.name for finding in found] == ["article_exact", "article_exact"]
    assert "with kube-scheduler, kube-controller-manager, which" in found[0].message


@pytest.mark.parametrize("network", ["10.0.0.0/12", "10.96.0.0/16", "192.168.7.8/29"])
def test_a_network_of_services_that_kube_apiserver_takes(network: str) -> None:
    assert failures(service_network=network) == {}
    assert failures(replace(OURS, service_network=network), service_network=network) == {}


@pytest.mark.parametrize(
    "network", ["", "10.0.0.0", "10.0.0.1/24", "10.0.0.0/11", "10.0.0.0/30", "fd00::/112", "services"]
)
def test_a_network_of_services_that_kube_apiserver_does_not_take(network: str) -> None:
    said = failures(service_network=network)["service_network"]
    assert f"cluster_service_network is {network}, which is no IPv4 network of /12 to /29" in said


def test_services_keep_their_network() -> None:
    said = failures(replace(OURS, service_network="10.0.0.0/24"), service_network="10.96.0.0/16")
    assert "Leave cluster_service_network at 10.0.0.0/24, or reset the host first" in said["service_network"]


def test_the_article_has_one_network_of_services() -> None:
    said = failures(service_network="10.96.0.0/16", article_exact=True)
    assert (
        "cluster_article_exact is true with cluster_service_network: 10.96.0.0/16" in said["service_network"]
    )


def test_a_login_that_can_not_have_a_kubeconfig() -> None:
    said = failures(replace(GOOD, login_problems=("There is no login alice on this host.",)))["logins"]
    assert "There is no login alice on this host. It is in cluster_kubeconfig_users." in said


def test_a_limit_of_kernel_memory_is_a_matter_of_kubelets_that_set_it() -> None:
    refuses = replace(GOOD, kernel_memory_error="Operation not supported")
    assert "or set cluster_version to v1.21.2 or later." in failures(refuses)["kernel_memory"]
    for version, found in (("v1.21.1", ["kernel_memory"]), ("v1.21.2", []), ("v1.22.17", [])):
        assert list(failures(refuses, **known(version))) == found


def test_a_release_is_one_row_of_the_table() -> None:
    row = {**TABLE["1.23"], "checksums": {"v1.99.1": {}}, "docker_api": {"oldest": "1.50", "newest": "1.60"}}
    invented = {"version": "v1.99.1", "releases": {**TABLE, "1.99": row}}
    assert failures(**invented) == {}
    found = failures(replace(GOOD, runtime=DOCKER), **invented)["runtime_version"]
    assert "and the kubelet 1.50 to 1.60." in found
    assert "Choose v1.18 to v1.99" in failures(**{**invented, "version": "v1.100.0"})["version_range"]


def test_a_kubelet_that_does_not_speak_with_the_container_runtime_is_one_finding() -> None:
    assert list(failures(replace(GOOD, runtime=DOCKER), **known("v1.24.17"))) == ["container_runtime"]


def test_the_finding_on_cgroup_v2_ends_with_what_to_type() -> None:
    assert failures(V2)["cgroup"].endswith("or run v1.19 or later by adding: -e cluster_version=v1.36.2")
    # A kubelet on its own keeps its container runtime.
    alone: dict[str, Any] = {"components": [], "skip": ["components"]}
    assert failures(V2, **alone)["cgroup"].endswith(": -e release_version=v1.23.17")
    # Only v1.18 and v1.19 have an API without credentials, as the article's is.
    for wanted in ({"article_exact": True}, {"authentication": "none"}):
        assert failures(V2, **wanted)["cgroup"].endswith(": -e cluster_version=v1.19.16")


def test_cgroup_v1_has_to_be_allowed_from_1_35_on() -> None:
    newest: dict[str, Any] = {"version": "v1.35.5", "container_runtime": "containerd"}
    found = failures(**newest)["cgroup"]
    assert found.startswith(
        "The host has cgroup v1, which the kubelet v1.35.5 can't use unless it is told to."
    )
    assert "cluster_arguments: {KubeletConfiguration: {failCgroupV1: false}}" in found
    assert found.endswith("or run v1.34 or earlier by adding: -e cluster_version=v1.34.8")
    assert failures(V2, **newest) == failures(**{**newest, "version": "v1.34.8"}) == {}
    for fields, passes in (
        ({"failCgroupV1": False}, True),
        ({"failCgroupV1": True}, False),
        ({"maxPods": 50}, False),
    ):
        assert (failures(arguments={"KubeletConfiguration": fields}, **newest) == {}) == passes
    # It changes nothing about cgroup v2, nor about what can be told to use nothing else.
    told = {"KubeletConfiguration": {"failCgroupV1": False}}
    assert failures(V2, arguments=told, **newest) == {}
    assert list(failures(V2, arguments=told)) == ["cgroup"]
    assert list(failures(switch_to_cgroup_v1=True, **newest)) == ["cgroup"]


@pytest.mark.parametrize(
    ("offers", "seen"),
    [
        (
            Kernel(controllers={"memory": False}, switched_off=frozenset({"memory"})),
            "memory, which the kubelet needs: cgroup_disable= on the kernel command line switches them off."
            " Take it off",
        ),
        (Kernel(controllers={"memory": False}), "has them switched off. Add cgroup_enable= for each"),
        (Kernel(), "the kernel 6.1.0 was built without them. Boot a kernel of the distribution"),
        (Kernel(controllers={"memory": True}), "not given to this host. Mount them"),
        (
            Kernel("lxc", {"memory": True}),
            "container (lxc): run it privileged with lxc.mount.auto = cgroup:rw",
        ),
    ],
)
def test_the_remedy_for_a_missing_controller_fits_its_cause(offers: Kernel, seen: str) -> None:
    host = replace(GOOD, kernel="6.1.0", controllers=GOOD.controllers - {"memory"}, offers=offers)
    assert seen in failures(host)["cgroup"]
    assert seen in failures(replace(host, cgroup_version=2), **known("v1.19.16"))["cgroup"]


def test_controllers_that_are_missing_for_different_causes_are_different_findings() -> None:
    offers = Kernel(controllers={"cpuset": True}, switched_off=frozenset({"memory"}))
    host = replace(GOOD, kernel="6.1.0", controllers=frozenset({"cpu", "cpuacct"}), offers=offers)
    found = [finding.message for finding in examine(host).failures]
    assert [message.partition(",")[0] for message in found] == [
        "cgroup v1 lacks the controllers memory",
        "cgroup v1 lacks the controllers cpuset",
        "cgroup v1 lacks the controllers devices",
    ]


@pytest.mark.parametrize(
    ("offers", "name", "seen"),
    [
        (
            Kernel(has_kmsg=False),
            "kernel_log",
            "There is no /dev/kmsg, without which the kubelet does not start.",
        ),
        (
            Kernel(sysctls=("vm.overcommit_memory",)),
            "sysctl",
            "sets vm.overcommit_memory when it starts, and can't",
        ),
        (Kernel("lxc", sysctls=("kernel.panic",)), "sysctl", "lxc.mount.auto = proc:rw sys:rw, or choose"),
        (Kernel(read_only=("/sys/fs/cgroup",)), "cgroup", "/sys/fs/cgroup is mounted read-only"),
    ],
)
def test_a_container_that_keeps_things_from_the_kubelet_is_found(
    offers: Kernel, name: str, seen: str
) -> None:
    found = failures(replace(GOOD, offers=offers))
    assert list(found) == [name]
    assert seen in found[name]


def test_a_kernel_without_overlay_is_warned_of_unless_the_runtime_runs_anyway() -> None:
    host = replace(GOOD, offers=Kernel(has_overlay=False))
    assert "no file system overlay" in warnings(host)["overlay"]
    assert failures(replace(host, runtime=DOCKER)) == {}


@pytest.mark.parametrize(
    ("offers", "seen"),
    [
        (
            Kernel(bridge_netfilter="module"),
            "can't be loaded from here: a pod that asks a Service gets no answer",
        ),
        (Kernel(bridge_netfilter="module"), "Boot a kernel of the distribution, which has it; run modprobe"),
        (
            Kernel("lxc", bridge_netfilter="module"),
            "that this container (lxc) runs on, run modprobe br_netfilter",
        ),
        (Kernel(bridge_netfilter="setting"), "bridge-nf-call-iptables is 0, and can't be changed: a pod"),
        (Kernel("lxc", bridge_netfilter="setting"), "privileged with lxc.mount.auto = proc:rw sys:rw"),
    ],
)
def test_a_bridge_beside_iptables_is_warned_of_where_there_is_a_kube_proxy(offers: Kernel, seen: str) -> None:
    host = replace(GOOD, offers=offers)
    assert failures(host) == {}
    assert seen in warnings(host, components=ALL)["bridge_netfilter"]
    assert failures(replace(host, offers=replace(offers, bridge_netfilter="")), components=ALL) == {}


def test_a_kernel_that_is_too_old_for_cgroup_v2_is_warned_of() -> None:
    host = replace(V2, kernel="5.4.0", offers=Kernel(has_cpu_stat=False))
    found = warnings(host, **known("v1.19.16"))["cgroup"]
    assert found.startswith("The kernel 5.4.0 has no cpu.stat in the root of cgroup v2, as those before 5.8")
    assert found.endswith("Boot a kernel of 5.8 or later.")


@pytest.mark.parametrize(
    ("free", "wanted", "warned"),
    [(160, 0, False), (149, 0, True), (600, 500, True), (660, 500, False), (400, 500, False)],
)
def test_space_that_the_kubelet_wants_free_is_counted_in_percent(
    free: int, wanted: int, warned: bool
) -> None:
    full = FileSystem(("/var/lib/docker",), wanted, free, size=1000, keep=("/var/lib/docker", 15))
    found = examine(replace(GOOD, file_systems=(full,))).warnings
    assert [finding.name for finding in found] == ["eviction"] * warned


def test_a_full_file_system_is_told_of_where_the_cluster_runs_too() -> None:
    full = FileSystem(("/var/lib/docker",), 1500, 100, size=1000, keep=("/var/lib/docker", 15))
    found = warnings(replace(OURS, has_release=True, file_systems=(full,)))["eviction"]
    assert "10 % of the file system of /var/lib/docker is free; below 15 % the kubelet evicts pods" in found
    assert "Free 51 MB there" in found


def test_inodes_are_counted_as_well() -> None:
    few = FileSystem((), 0, 500, size=1000, keep=("/var/lib/kubelet", 10), inodes=4)
    assert (
        "4 % of the inodes of the file system of /var/lib/kubelet"
        in warnings(replace(GOOD, file_systems=(few,)))["eviction"]
    )


def test_every_pod_an_administrator_is_refused() -> None:
    with_controllers: dict[str, Any] = {"components": ALL[2:], "apiserver_bind_address": "0.0.0.0"}
    found = failures(**with_controllers)["authentication"]
    assert "Every pod would be administrator of the cluster" in found
    assert "Set cluster_authentication: certificates" in found
    assert "authentication" in failures(authentication="none", **with_controllers)
    assert failures(authentication="certificates", **with_controllers) == {}
    assert failures(**{**with_controllers, "apiserver_bind_address": "127.0.0.1"}) == {}
    assert failures(**{**with_controllers, "components": ["etcd", "kube-apiserver"]}) == {}


HERE = replace(GOOD, address="192.0.2.1", network=Network(("192.0.2.1", "172.17.0.1")))


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        (
            "203.0.113.10",
            "which is on no network interface of the host. Leave it out, or set it to one of the",
        ),
        ("2001:db8::1", "which is an IPv6 address, and the cluster has IPv4"),
        ("node.example.com", "which is no IPv4 address"),
        ("192.0.2.256", "which is no IPv4 address"),
        ("192.0.2.1/24", "which is no IPv4 address"),
        ("127.0.0.1", "at which no other host can reach this one"),
        ("0.0.0.0", "at which no other host can reach this one"),
    ],
)
def test_an_address_that_is_not_the_hosts_is_found(given: str, seen: str) -> None:
    found = failures(HERE, address=given)["address"]
    assert f"cluster_address is {given}, {seen}" in found
    assert "IPv4 addresses (192.0.2.1, 172.17.0.1)" in found
    if given not in ("127.0.0.1", "0.0.0.0"):
        bind = failures(HERE, apiserver_bind_address=given)["bind_address"]
        assert f"cluster_apiserver_bind_address is {given}, which" in bind
        assert "cluster_apiserver_alternative_names" in bind


def test_kube_apiserver_has_to_be_able_to_put_the_address_into_endpoints() -> None:
    host = replace(GOOD, address="169.254.7.1", network=Network(("169.254.7.1", "192.0.2.1")))
    for given in ("", "169.254.7.1"):
        found = failures(host, address=given)["address"]
        assert "The node would register with 169.254.7.1, a link-local address" in found
        assert found.endswith("another of the host's IPv4 addresses (169.254.7.1, 192.0.2.1).")
    assert failures(host, address="192.0.2.1") == {}


@pytest.mark.parametrize("given", ["127.0.0.1", "127.0.0.2", "0.0.0.0", "192.0.2.1"])
def test_the_api_listens_on_loopback_or_an_address_of_the_host(given: str) -> None:
    assert failures(HERE, apiserver_bind_address=given) == {}


@pytest.mark.parametrize("name", ["api.example.com", "*.example.com", "API", "192.0.2.9", "2001:db8::9"])
def test_names_and_addresses_of_the_api_are_taken(name: str) -> None:
    assert failures(apiserver_alternative_names=[name]) == {}


@pytest.mark.parametrize(
    "name", ["https://api", "api:6443", "192.0.2.300", "a_b", "", "api..x", "192.0.2.0/24"]
)
def test_other_words_are_no_name_of_the_api(name: str) -> None:
    found = failures(apiserver_alternative_names=["api", name])["names"]
    assert f"cluster_apiserver_alternative_names has {name}, which is neither" in found


@pytest.mark.parametrize("name", ["Default", "a.b", "-a", "a" * 64, ""])
def test_a_namespace_has_a_name_that_kubernetes_takes(name: str) -> None:
    assert "names" in failures(service_account_namespaces=["default", name])


@pytest.mark.parametrize(
    "path", ["/var/lib/my etcd", "relative", "/a/../b", "/", "/a%b", "/a:b", "/a'b", "/x$y"]
)
@pytest.mark.parametrize("option", ["config_directory", "etcd_data_directory", "state_directory"])
def test_a_directory_is_read_alike_by_all(option: str, path: str) -> None:
    assert f" is {path}." in failures(**{option: path})["directories"]


@pytest.mark.parametrize(
    ("registry", "good"),
    [
        ("registry.k8s.io", True),
        ("localhost:5000/mirror/k8s", True),
        ("10.0.0.9:5000", True),
        ("https://registry.k8s.io", False),
        ("registry.k8s.io/", False),
        ("registry.k8s.io/K8s", False),
        ("my registry", False),
    ],
)
def test_a_registry_begins_the_name_of_an_image(registry: str, good: bool) -> None:
    assert ("image_registry" not in failures(image_registry=registry)) is good


EXISTING = Cluster("old", "/etc/kubernetes", "/var/lib/etcd")


def test_a_cluster_is_not_made_another_by_a_variable() -> None:
    host = replace(OURS, nodename="old", cluster=EXISTING)
    assert failures(host) == {}
    found = examine(host, config_directory="/etc/k", etcd_data_directory="/srv").failures
    assert [finding.name for finding in found] == ["moved_directories", "moved_directories"]
    assert found[0].remedy.startswith("Set cluster_config_dir: /etc/kubernetes, or run reset.yml")
    assert found[1].remedy.startswith("Set cluster_etcd_data_dir: /var/lib/etcd; or stop the kubelet")
    assert failures(host, config_directory="/etc/kubernetes/") == {}


def test_a_host_with_another_name_keeps_its_node() -> None:
    host = replace(OURS, nodename="New", cluster=EXISTING)
    found = failures(host)["registered_name"]
    assert "registered as old, and would register a second node, new" in found
    assert "Set cluster_node_name: old to keep it" in found
    assert failures(host, node_name="old") == {}
    assert "registered_name" in failures(replace(host, nodename="old"), node_name="other")


def test_the_articles_kubelet_has_the_hosts_name() -> None:
    host = replace(OURS, nodename="new", cluster=EXISTING)
    assert "Run hostnamectl set-hostname old" in failures(host, article_exact=True)["registered_name"]
    found = failures(replace(GOOD, nodename="host"), article_exact=True, node_name="other")
    assert "cluster_node_name: other, of which the article's kubelet is not told" in found["article_exact"]


@pytest.mark.parametrize(
    ("resolver", "kind", "seen"),
    [
        (
            Resolver("", error="/etc/resolv.conf can't be read: No such file"),
            failures,
            "starts no pod. Write",
        ),
        (Resolver("", ("127.0.0.1",)), warnings, "names only 127.0.0.1, which no pod reaches"),
    ],
)
def test_name_servers_that_no_pod_reaches_are_found(resolver: Resolver, kind: Any, seen: str) -> None:
    assert seen in kind(replace(GOOD, network=Network(resolver=resolver)))["name_servers"]


def test_a_kubelet_that_is_told_of_a_file_reads_that() -> None:
    host = replace(GOOD, network=Network(resolver=Resolver("", ("127.0.0.1",))))
    told = {"KubeletConfiguration": {"resolvConf": "/etc/upstream.conf"}}
    assert failures(host, arguments=told) == {}


def test_the_articles_kubelet_reads_the_hosts_own_name_servers() -> None:
    host = replace(GOOD, network=Network(resolver=Resolver("/run/upstream.conf", ("127.0.0.53",))))
    assert failures(host) == {}
    assert "ln -sf /run/upstream.conf" in warnings(host, article_exact=True)["name_servers"]


RUNS = replace(OURS, used_runtime="docker", runtime=DOCKER)


def test_a_change_of_the_pod_network_is_told_before_pods_are_removed_for_it() -> None:
    own, ours = replace(RUNS, pod_subnet=""), replace(RUNS, pod_subnet="10.244.0.0/24")
    found = warnings(own, pod_network="10.244.0.0/16")["pod_network_change"]
    assert "are on the network that Docker has by itself, and are going to be in 10.244.0.0/16" in found
    assert "Leave cluster_pod_network empty" in found
    found = warnings(ours)["pod_network_change"]
    assert "are in 10.244.0.0/24, and are going to be on the network that Docker has" in found
    assert found.endswith("Set cluster_pod_network: 10.244.0.0/24 to leave them as they are.")
    assert "10.96.0.0/16" in warnings(ours, pod_network="10.96.0.0/16")["pod_network_change"]


def test_a_change_of_the_container_runtime_is_told_once() -> None:
    host = replace(RUNS, pod_subnet="")
    found = examine(host, **known("v1.20.15"), container_runtime="containerd", pod_network="10.244.0.0/16")
    assert [finding.name for finding in found.warnings] == ["runtime_change"]


@pytest.mark.parametrize(
    ("subnet", "options", "runtime"),
    [
        ("", {}, ""),
        ("", {"pod_network": "10.244.0.0/16"}, "docker"),
        ("10.244.0.0/24", {"pod_network": "10.244.0.0/16"}, ""),
        ("10.244.0.0/24", {"pod_network": "10.244.0.0/20"}, ""),
        ("10.244.0.0/24", {"pod_network": "10.244.0.0/25"}, "docker"),
        ("10.244.0.0/24", {"pod_network": "10.244.0.0/16", "container_runtime": "containerd"}, "docker"),
        ("10.244.7.0/24", {"pod_network": "10.244.0.0/16"}, ""),
        ("10.244.7.0/24", {"pod_network": "10.200.0.0/16"}, "docker"),
        # Nobody knows which, as with somebody's own CNI configuration.
        (None, {"pod_network": "10.244.0.0/16"}, ""),
        (None, {}, ""),
    ],
)
def test_pods_are_removed_only_where_they_would_be_in_the_wrong_place(
    subnet: str | None, options: dict[str, Any], runtime: str
) -> None:
    desired = {**OPTIONS, **options}
    assert network.stale_pods(desired, replace(RUNS, pod_subnet=subnet)) == runtime
    assert network.stale_pods(desired, GOOD) == ""


def test_the_articles_pods_are_on_the_container_runtimes_own_network() -> None:
    found = failures(article_exact=True, pod_network="10.244.0.0/16")["article_exact"]
    assert "with pods in 10.244.0.0/16" in found
    assert "Leave cluster_pod_network" in found


def test_a_route_into_the_services_range_is_warned_of() -> None:
    near, far = Route(IPv4Network("10.0.0.0/16"), "eth1"), Route(IPv4Network("192.168.0.0/16"), "eth0")
    host = replace(GOOD, network=Network(routes=(near, far)))
    found = warnings(host)["routes"]
    assert "a route to 10.0.0.0/16 (eth1), which overlaps the Services' range 10.0.0.0/24" in found
    assert found.endswith("that the host has no route to.")
    assert failures(host, service_network="10.96.0.0/16") == {}
    here = replace(host, nodename="old", cluster=EXISTING, has_ledger=True, service_network="10.0.0.0/24")
    assert failures(here) == {}
    proxied = warnings(here, components=["etcd", "kube-apiserver", "kube-controller-manager", "kube-proxy"])
    assert "after reset.yml" in proxied["routes"]


DENY = "-P INPUT DROP\n-P FORWARD DROP\n-A INPUT -i lo -j ACCEPT\n"
DNS: dict[str, Any] = {"components": ALL}


def test_a_firewall_between_pods_and_coredns_is_warned_of_with_the_rule_that_is_missing() -> None:
    host = replace(GOOD, filter=packet_filter.Filter(filter=DENY))
    assert failures(host) == {}
    found = [str(finding) for finding in examine(host, **DNS).warnings]
    assert len(found) == 2
    assert "The chain INPUT drops what pods send to coredns on the host (53/udp)." in found[0]
    assert "iptables -I INPUT -i docker0 -p udp --dport 53 -j ACCEPT" in found[0]
    assert "-p tcp --dport 53 -j ACCEPT" in found[1]
    rules = "".join(
        f"-A INPUT -i docker0 -p {word} -m {word} --dport 53 -j ACCEPT\n" for word in ("udp", "tcp")
    )
    assert failures(replace(host, filter=packet_filter.Filter(filter=DENY + rules)), **DNS) == {}


def test_a_firewall_is_one_for_the_pod_network_that_is_going_to_be_there() -> None:
    runtime = replace(DOCKER, bridge="cni0", bridge_address="10.244.0.1")
    rules = "-P INPUT DROP\n" + "".join(
        f"-A INPUT -d 10.244.0.1/32 -i cni0 -p {word} -m {word} --dport 53 -j ACCEPT\n"
        for word in ("udp", "tcp")
    )
    host = replace(GOOD, runtime=runtime, filter=packet_filter.Filter(filter=rules))
    assert failures(host, **DNS) == {}
    there = replace(host, network=Network(bridge="10.96.0.1"))
    assert "iptables -I INPUT -i cni0" in warnings(there, **DNS)["firewall"]
    assert failures(replace(host, runtime=replace(runtime, bridge="", bridge_address="")), **DNS) == {}


def test_a_firewall_before_the_api_is_one_for_those_who_get_there_from_pods() -> None:
    host = replace(GOOD, filter=packet_filter.Filter(filter=DENY))
    options: dict[str, Any] = {"authentication": "certificates", "components": ALL[1:]}
    assert (
        "kube-apiserver on the host (6443/tcp)"
        in warnings(host, apiserver_bind_address="0.0.0.0", **options)["firewall"]
    )


@pytest.mark.parametrize(
    ("kernel", "nft", "seen"),
    [
        ("6.1.0-37-amd64", "1.0.6", []),
        ("5.13.0", "1.0.1", []),
        ("6.1.0-37-amd64", "", []),
        ("5.10.0-30-amd64", "1.0.6", ["The kernel is 5.10.0-30-amd64, and kube-proxy does not start"]),
        ("5.9.1", "1.0.6", ["The kernel is 5.9.1, and"]),
        ("6.1.0", "1.0.0", ["The host's nft is 1.0.0, and one before 1.0.1 may fail on every command"]),
        ("5.10.0", "0.9.8", ["The kernel is 5.10.0", "The host's nft is 0.9.8"]),
    ],
)
def test_kube_proxys_mode_nftables_needs_a_kernel_and_an_nft(kernel: str, nft: str, seen: list[str]) -> None:
    host = replace(GOOD, kernel=kernel, nft_version=nft)
    flags = {"kube-proxy": {"proxy-mode": "nftables"}}
    asked: dict[str, Any] = {"arguments": flags, "components": ALL}
    asked.update(known("v1.34.8"), container_runtime="containerd")
    found = examine(host, **asked).failures
    assert {finding.name for finding in found} <= {"nftables"}
    assert len(found) == len(seen)
    assert all(finding.message.startswith(said) for finding, said in zip(found, seen))
    assert all("take proxy-mode out of cluster_arguments" in finding.remedy for finding in found)
    assert failures(host, components=ALL) == failures(host) == {}
    assert failures(host, arguments={"kube-proxy": {"proxy-mode": "ipvs"}}, components=ALL) == {}


RULES = packet_filter.Filter(
    nat="-P PREROUTING ACCEPT\n-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER\n",
    filter="-P FORWARD DROP\n-A FORWARD -j DOCKER-USER\n",
)


def test_rules_of_the_container_runtime_that_are_gone_are_warned_of() -> None:
    host = replace(GOOD, runtime=DOCKER, filter=RULES)
    assert failures(host) == {}
    gone = replace(RULES, nat="-P PREROUTING ACCEPT\n")
    assert "Run systemctl restart docker" in warnings(replace(host, filter=gone))["runtime_rules"]


def test_forwarding_switched_off_beside_a_container_runtime_is_warned_of() -> None:
    host = replace(GOOD, runtime=DOCKER, filter=RULES, network=Network(forwards=False))
    found = warnings(host)["runtime_rules"]
    assert "Docker runs, and net.ipv4.ip_forward is 0" in found
    assert "sysctl -w net.ipv4.ip_forward=1" in found
    assert failures(replace(host, runtime=DockerObserved(version="20.10.24"))) == {}


def test_no_password_is_told() -> None:
    options = {"url": "https://me:s3cret@mirror.example.com", "image_registry": "https://me:s3cret@registry"}
    found = failures(replace(GOOD, mirror_error="HTTP 404"), **options)
    assert list(found) == ["mirror", "image_registry"]
    assert "s3cret" not in str(found)
    assert "mirror.example.com" in found["mirror"]
