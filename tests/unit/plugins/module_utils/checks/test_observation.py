"""What is seen of a host is what is there."""

from __future__ import annotations

import functools
import hashlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks import host_facts, observation
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host import (
    cgroup,
    disk,
    kernel_features,
    network,
    other_kubernetes,
    own_cluster,
    packet_filter,
    procfs,
    programs,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.pki import signing, x509
from ansible_collections.mink8s.kubernetes.plugins.module_utils.release import server as release_server
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker import dockerd
from ansible_collections.mink8s.kubernetes.plugins.module_utils.runtime.docker.observed import DockerObserved
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import versions

OPTIONS: dict[str, Any] = {
    "version": "v1.18.20",
    "artifacts": "",
    "url": "",
    "directories": [],
    "ports": [],
    "kubeconfig_users": [],
    "state_directory": "/nonexistent",
    "ledger": "/nonexistent",
    "arguments": {},
    "files": [],
    "authorities": [],
    "container_runtime": "docker",
    "pod_network": "",
    "runtime_settings": None,
    "runtime_pause_image": "",
    "runtime_registries": {},
    "runtime_packages": [],
}
TARBALL = "kubernetes-server-linux-amd64.tar.gz"
MANIFEST = """
spec:
  containers:
  - name: kube-apiserver
    image: registry.example:5000/kube-apiserver:v1.20.2
"""


def run(command: list[str]) -> tuple[int, str, str]:
    """A command, as a module runs it."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def observe(**options: object) -> observation.Host:
    return observation.observe({**OPTIONS, **options}, run)


def test_listeners_are_found_with_their_owner() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as four,
        socket.create_server(("::", 0), family=socket.AF_INET6) as six,
    ):
        ports = {server.getsockname()[1]: address for server, address in ((four, "127.0.0.1"), (six, "::"))}
        found = set(procfs.find_listeners(Path("/proc"), set(ports)))
    process = Path("/proc/self/comm").read_text().strip()
    expected = {procfs.Listener(port, address, os.getpid(), process) for port, address in ports.items()}
    assert found == expected


def test_a_port_nobody_listens_on_is_not_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    assert list(procfs.find_listeners(Path("/proc"), {port})) == []


def test_processes_are_those_of_the_host_and_not_of_containers(tmp_path: Path) -> None:
    for pid, name, space in (
        ("1", "systemd", "pid:[1]"),
        ("7", "kubelet", "pid:[1]"),
        ("9", "k3s", "pid:[2]"),
    ):
        (tmp_path / pid / "ns").mkdir(parents=True)
        (tmp_path / pid / "comm").write_text(f"{name}\n")
        (tmp_path / pid / "ns/pid").symlink_to(space)
    (tmp_path / "self").symlink_to("1")
    assert procfs.find_processes(tmp_path) == {"systemd", "kubelet"}
    assert Path("/proc/self/comm").read_text().strip() in procfs.find_processes(Path("/proc"))


@pytest.mark.parametrize(
    ("options", "bridge", "address"),
    [
        ({}, "docker0", "172.17.0.1"),
        ({"pod_network": "10.244.0.0/16"}, "cni0", "10.244.0.1"),
        ({"pod_network": "10.96.0.0/20", "container_runtime": "containerd"}, "cni0", "10.96.0.1"),
        ({"pod_network": "many"}, "cni0", ""),
        ({"container_runtime": "containerd"}, "", ""),
    ],
)
def test_pods_are_on_the_runtimes_own_bridge_or_on_that_of_the_pod_network(
    options: dict[str, Any], bridge: str, address: str
) -> None:
    seen = observe(**options).runtime
    assert (seen.bridge, seen.bridge_address) == (bridge, address)


def test_the_way_to_other_hosts_is_what_the_kernel_says() -> None:
    near = '[{"dst":"192.0.2.8","dev":"eth0","prefsrc":"192.0.2.7","flags":[],"uid":0,"cache":[]}]'
    far = '[{"dst":"9.9.9.9","gateway":"192.0.2.1","dev":"eth0","flags":[],"cache":[]}]'
    own = '[{"type":"local","dst":"192.0.2.7","dev":"lo","flags":[],"cache":["local"]}]'
    all_of = '[{"type":"broadcast","dst":"192.0.2.255","dev":"eth0"}]'
    unreachable = "RTNETLINK answers: Network is unreachable\n"
    assert network.next_hop(0, near, "") == network.NextHop("", "eth0")
    assert network.next_hop(0, far, "") == network.NextHop("192.0.2.1", "eth0")
    assert network.next_hop(0, own, "").own
    assert network.next_hop(0, all_of, "").error == "it is a broadcast address"
    assert network.next_hop(2, "", unreachable).error == "Network is unreachable"
    assert network.next_hop(2, "", "").error == "ip ended with code 2"
    assert network.next_hop(0, "[]", "").error == "[]"


def test_routes_of_the_pod_network_are_nobody_elses() -> None:
    seen = network.observe("docker0").routes
    assert network.observe("docker0", [str(each.network) for each in seen]).routes == ()


def test_space_is_added_up_on_each_file_system(tmp_path: Path) -> None:
    wanted = [
        {"path": str(tmp_path), "megabytes": 10},
        {"path": str(tmp_path / "not" / "yet" / "there"), "megabytes": 32},
    ]
    (found,) = disk.measure(wanted, "/nonexistent")
    assert found.wanted == 42
    assert found.paths == (str(tmp_path), str(tmp_path / "not" / "yet" / "there"))
    assert found.free > 0


def test_images_fill_the_directory_that_the_container_runtime_has(tmp_path: Path) -> None:
    (found,) = disk.measure([{"path": "", "megabytes": 10, "percent": 15}], str(tmp_path / "images"))
    assert (found.paths, found.keep) == ((str(tmp_path / "images"),), (str(tmp_path / "images"), 15))


def test_mounts_the_kubelet_can_not_read_are_those_without_six_fields() -> None:
    mounts = (
        "/dev/vda / ext4 rw,relatime 0 0\n"
        "none /mnt/a\\040b tmpfs rw 0 0\n"
        " /mnt/c tmpfs rw 0 0\n"
        "drvfs /mnt/d 9p rw,aname=drvfs;path=C:\\Program Files,cache=5 0 0\n"
    )
    assert procfs.unreadable_mounts(mounts) == (
        "/mnt/c tmpfs rw 0 0",
        "drvfs /mnt/d 9p rw,aname=drvfs;path=C:\\Program Files,cache=5 0 0",
    )


def test_available_memory_is_in_megabytes() -> None:
    assert procfs.memory_available("MemTotal:  2000000 kB\nMemAvailable:  1000000 kB\n") == 1024
    assert procfs.memory_available("") == 0


def test_mounted_controllers_are_read_from_the_mount_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cgroup, "UNIFIED", Path("/nonexistent"))
    mounts = (
        "tmpfs /sys/fs/cgroup tmpfs ro 0 0\n"
        "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,nosuid,cpu,cpuacct 0 0\n"
        "cgroup2 /sys/fs/cgroup/unified cgroup2 rw,memory 0 0\n"
    )
    assert {"cpu", "cpuacct"} <= cgroup.controllers(mounts)
    assert "memory" not in cgroup.controllers(mounts)


def test_a_limit_of_kernel_memory_is_tried_and_nothing_stays(tmp_path: Path) -> None:
    mounts = f"cgroup {tmp_path} cgroup rw,memory 0 0\n"
    assert cgroup.kernel_memory_error(mounts) == ""  # a kernel without such a file
    (tmp_path / "memory.kmem.limit_in_bytes").touch()
    (tmp_path / "memory.kmem.limit_in_bytes").chmod(0o400)
    assert cgroup.kernel_memory_error("") == ""
    assert list(tmp_path.iterdir()) == [tmp_path / "memory.kmem.limit_in_bytes"]


def test_what_the_kernel_says_to_a_limit_is_the_error(tmp_path: Path) -> None:
    assert cgroup.write_limits(Path("/dev/full")) == "No space left on device"
    assert cgroup.write_limits(tmp_path / "limit") == ""


def test_a_real_cgroup_is_made_and_removed() -> None:
    mounts, hierarchy = procfs.text("/proc/self/mounts"), Path("/sys/fs/cgroup/memory")
    assert cgroup.kernel_memory_error(mounts) in ("", "Operation not supported")
    assert list(hierarchy.glob("mink8s-preflight-*")) == []


@pytest.mark.parametrize(
    ("line", "version"),
    [
        ("    image: registry.k8s.io/kube-apiserver:v1.18.20", "v1.18.20"),
        ("  - image: 'k8s.gcr.io/kube-apiserver-amd64:v1.18.5'", "v1.18.5"),
        ("    image: r:5000/kube-apiserver:v1.20.2@sha256:ab", "v1.20.2"),
        ("    image: registry.k8s.io/kube-apiserver:latest", ""),
        ("    image: registry.k8s.io/etcd:v3.4.3", ""),
        ("    command: [kube-apiserver:v1.18.20]", ""),
    ],
)
def test_a_manifest_says_which_release_it_runs(line: str, version: str) -> None:
    assert versions.of_manifest(f"spec:\n  containers:\n{line}\n  hostNetwork: true\n") == version


def test_versions_have_an_order() -> None:
    assert versions.parse("v1.18.5") < versions.parse("v1.18.20") < versions.parse("v1.20.2")
    assert versions.parse("latest") == (1, 18, 0)
    assert versions.minor("v1.20") == 20


def test_the_programs_of_a_bare_path_are_found() -> None:
    assert programs.find("sh")
    assert programs.find("no-such-program") == ""


def names(others: Iterator[other_kubernetes.Other]) -> dict[str, tuple[str, ...]]:
    return {other.name: other.signs for other in others}


def test_processes_and_containers_give_other_distributions_away() -> None:
    found = names(other_kubernetes.find({"k3s-server", "kubelite", "bash"}, {"kind-control-plane"}, [], True))
    assert found == {
        "k3s": ("the process k3s-server",),
        "MicroK8s": ("the process kubelite",),
        "kind": ("the container kind-control-plane",),
    }


def test_paths_give_other_distributions_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    unit = tmp_path / "k0scontroller.service"
    unit.touch()
    distribution = other_kubernetes.Distribution("k0s", (str(tmp_path / "k0s*.service"), "/nonexistent"))
    monkeypatch.setattr(other_kubernetes, "DISTRIBUTIONS", (distribution,))
    assert names(other_kubernetes.find([], [], [], True)) == {"k0s": (str(unit),)}


def test_a_kubernetes_by_hand_is_one_only_where_the_collection_has_not_worked() -> None:
    signs = {"kubelet"}, {"k8s_etcd"}, ["/etc/kubernetes/manifests/etcd.yaml"]
    assert names(other_kubernetes.find(*signs, ours=True)) == {}
    assert names(other_kubernetes.find(*signs, ours=False)) == {
        "Another Kubernetes": (
            "/etc/kubernetes/manifests/etcd.yaml",
            "the process kubelet",
            "the container k8s_etcd",
        )
    }
    assert list(names(other_kubernetes.find({"kubelet", "k3s"}, set(), [], ours=False))) == ["k3s"]


def test_a_clean_host_has_no_other_kubernetes() -> None:
    assert list(other_kubernetes.find({"systemd", "dockerd"}, {"web"}, [], ours=False)) == []


def test_an_iptables_that_fails_is_quoted() -> None:
    said = "iptables v1.8.9 (nf_tables): table `nat' is incompatible, use 'nft' tool.\n\n"
    assert packet_filter.observe(lambda command: (1, "", said)).error.endswith("use 'nft' tool")
    assert packet_filter.observe(lambda command: (4, "", "")).error == "code 4"
    seen = packet_filter.observe(lambda command: (0, f"-N {command[-2]}", ""))
    assert (seen.nat, seen.filter, seen.error) == ("-N nat", "-N filter", "")


def test_the_version_of_nft_is_asked_for_where_it_is_of_interest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nft = tmp_path / "nft"
    nft.write_text("#!/bin/sh\necho 'nftables v1.0.6 (Lester Gooch #5)'\n")
    nft.chmod(0o755)
    monkeypatch.setattr(programs, "PATH", str(tmp_path))
    assert packet_filter.nft_version(run) == "1.0.6"
    nft.unlink()
    assert packet_filter.nft_version(run) == ""
    monkeypatch.undo()
    with_nftables = {"kube-proxy": {"proxy-mode": "nftables"}}
    assert observe(arguments=with_nftables).nft_version == packet_filter.nft_version(run)
    repeated = {"kube-proxy": {"proxy-mode": ["ipvs", "nftables"]}}
    assert observation.proxy_mode({"arguments": repeated}) == "nftables"
    for others in ({}, {"kube-proxy": {"proxy-mode": "ipvs"}}, {"kube-proxy": None}, {"kube-proxy": []}):
        assert observation.proxy_mode({"arguments": others}) != "nftables"


def test_a_name_that_has_no_address_is_an_error() -> None:
    assert network.name_error("localhost") == ""
    assert network.name_error("a" * 64)


def test_the_default_route_has_an_address_of_this_host() -> None:
    addresses = run(["hostname", "--all-ip-addresses"])[1].split()
    assert network.default_address() in ["", *addresses]


def test_name_servers_are_read_as_the_resolver_does() -> None:
    text = "# nameserver 192.0.2.1\n;nameserver 192.0.2.2\nsearch nameserver\n\n"
    assert network.nameservers(f"{text} nameserver\t192.0.2.3\nnameserver ::1") == ["192.0.2.3", "::1"]


def test_facts_are_those_asked_for_in_the_form_of_setup() -> None:
    host = observation.Host(nodename="Node.Example", address="192.0.2.7")
    facts = host_facts.facts(["default_ipv4", "machine", "nodename"], {}, host)
    assert facts == {
        "ansible_default_ipv4": {"address": "192.0.2.7"},
        "ansible_machine": "x86_64",
        "ansible_nodename": "Node.Example",
    }
    assert host_facts.facts(["default_ipv4"], {}, observation.Host()) == {"ansible_default_ipv4": {}}


def test_facts_of_long_ago_are_replaced_where_they_have_changed() -> None:
    host = observation.Host(nodename="new", address="192.0.2.7")
    old = {
        "default_ipv4": {"address": "192.0.2.6", "interface": "eth0"},
        "machine": "x86_64",
        "nodename": "old",
    }
    assert host_facts.facts(old, old, host) == {
        "ansible_default_ipv4": {"address": "192.0.2.7"},
        "ansible_nodename": "new",
    }
    more = {"default_ipv4": {"address": "192.0.2.7", "interface": "eth0"}, "nodename": "new"}
    assert host_facts.facts(more, more, host) == {}
    assert host_facts.facts(["default_ipv4"], more, observation.Host()) == {"ansible_default_ipv4": {}}


def test_facts_are_what_setup_gathers() -> None:
    command = ["ansible", "localhost", "-c", "local", "-m", "ansible.builtin.setup", "-a"]
    subset = "gather_subset=!all,!min,apparmor,distribution,dns,network,platform"
    done = run([str(Path(sys.executable).with_name(command[0])), *command[1:], subset])[1]
    gathered = json.loads(done.partition("=>")[2])["ansible_facts"]
    for name, value in host_facts.facts(host_facts.NAMES, {}, observe()).items():
        parts = value if isinstance(value, dict) else {}
        assert {key: gathered[name].get(key) for key in parts} == parts
        assert parts or gathered[name] == value


TRIE = """Main:
  +-- 0.0.0.0/0 3 0 4
     |-- 0.0.0.0
        /0 universe UNICAST
     |-- 127.0.0.1
        /32 host LOCAL
     |-- 192.0.2.0
        /24 link UNICAST
     |-- 192.0.2.7
        /32 host LOCAL
     |-- 192.0.2.255
        /32 link BROADCAST
Local:
     |-- 192.0.2.7
        /32 host LOCAL
"""


def test_the_addresses_are_those_of_all_interfaces_but_loopback() -> None:
    assert network.addresses(TRIE) == ("192.0.2.7",)
    assert set(network.observe("docker0").addresses) >= {network.default_address()} - {""}


def test_routes_are_read_without_the_default_route() -> None:
    routes = run(["ip", "-4", "route", "show"])[1].splitlines()
    wanted = {line.split()[0] for line in routes if "/" in line.split()[0]}
    assert {str(route.network) for route in network.observe("docker0").routes} >= wanted
    table = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\neth0 " + " ".join(
        ("0000000A", "0", "1", "0", "0", "0", "00FFFFFF", "0", "0", "0")
    )
    assert [str(route) for route in network.routes(table)] == ["10.0.0.0/24 (eth0)"]


@pytest.mark.parametrize(
    ("own", "upstream", "found"),
    [
        ("nameserver 192.0.2.1\n", "nameserver 192.0.2.2\n", ("own", 0)),
        ("search example.com\n", "nameserver 192.0.2.2\n", ("own", 0)),
        ("nameserver 127.0.0.53\n", "nameserver 192.0.2.2\n", ("upstream", 1)),
        ("nameserver 127.0.0.1\nnameserver ::1%lo\n", "nameserver 127.0.0.1\n", ("", 2)),
        ("nameserver 127.0.0.1\n", "", ("", 1)),
        ("nameserver 127.0.0.1\nnameserver 192.0.2.1\n", "", ("own", 1)),
        ("nameserver somewhere\n", "", ("own", 0)),
    ],
)
def test_the_name_servers_for_pods_are_read_where_they_are_not_on_loopback(
    own: str, upstream: str, found: tuple[str, int], tmp_path: Path
) -> None:
    (tmp_path / "own").write_text(own)
    (tmp_path / "upstream").write_text(upstream)
    seen = network.resolver(str(tmp_path / "own"), ("/nonexistent", str(tmp_path / "upstream")))
    assert (Path(seen.path).name, len(seen.loopback), seen.error) == (*found, "")


def test_a_file_of_name_servers_that_the_kubelet_can_not_read_is_an_error(tmp_path: Path) -> None:
    own = tmp_path / "resolv.conf"
    assert network.resolver(str(own)).error == f"{own} can't be read: No such file or directory"
    own.symlink_to("/nonexistent")
    assert "can't be read" in network.resolver(str(own)).error
    own.unlink()
    own.write_text("nameserver \n")
    assert network.resolver(str(own)).error == f"{own} has a line nameserver without an address"


def test_what_the_kernel_was_booted_with_is_read() -> None:
    assert kernel_features.switched_off("quiet cgroup_disable=memory,cpuset x cgroup_disable=cpu") == {
        "memory",
        "cpuset",
        "cpu",
    }
    text = "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t1\t3\t1\nmemory\t0\t1\t0\n"
    assert kernel_features.controllers(text) == {"cpu": True, "memory": False}
    seen = kernel_features.observe(procfs.text("/proc/self/mounts"), os.uname().release)
    assert seen.controllers.keys() >= {"cpu", "memory"}


def test_settings_that_can_not_be_changed_are_those_that_would_have_to_be(tmp_path: Path) -> None:
    for name, value in kernel_features.SYSCTLS.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{value}\n")
    assert list(kernel_features.unwritable(tmp_path)) == []
    (tmp_path / "kernel/panic").write_text("0\n")
    assert list(kernel_features.unwritable(tmp_path)) == []
    (tmp_path / "kernel/panic").unlink()
    assert list(kernel_features.unwritable(tmp_path)) == ["kernel.panic"]


def test_overlay_is_in_the_kernel_or_in_a_module(tmp_path: Path) -> None:
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc/filesystems").write_text("nodev\tproc\n\text4\n")
    assert not kernel_features.has_overlay(tmp_path, "6.1")
    modules = tmp_path / "lib/modules/6.1"
    modules.mkdir(parents=True)
    (modules / "modules.dep").write_text("kernel/fs/overlayfs/overlay.ko.xz:\n")
    assert kernel_features.has_overlay(tmp_path, "6.1")
    (tmp_path / "proc/filesystems").write_text("nodev\toverlay\n")
    assert kernel_features.has_overlay(tmp_path, "6.2")


def test_a_bridge_needs_a_module_that_is_loaded_or_can_be(tmp_path: Path) -> None:
    seen = functools.partial(kernel_features.bridge_netfilter, tmp_path, "6.1")
    assert seen() == "module"
    modules = tmp_path / "lib/modules/6.1"
    modules.mkdir(parents=True)
    (modules / "modules.dep").write_text(
        "kernel/net/bridge/br_netfilter.ko.xz: kernel/net/bridge/bridge.ko\n"
    )
    assert seen() == ""
    # A container may load none, though it has the files.
    status = tmp_path / "proc/self/status"
    status.parent.mkdir(parents=True)
    status.write_text("CapPrm:\t000001ffffffffff\nCapEff:\t00000000a80425fb\n")
    assert seen() == "module"
    status.write_text("CapEff:\t000001ffffffffff\n")
    assert seen() == ""
    (modules / "modules.dep").write_text("kernel/net/bridge/bridge.ko:\n")
    assert seen() == "module"
    (modules / "modules.builtin").write_text("kernel/net/bridge/br_netfilter.ko\n")
    assert seen() == ""


def test_a_bridge_whose_packets_pass_iptables_needs_no_module(tmp_path: Path) -> None:
    setting = tmp_path / "proc/sys/net/bridge/bridge-nf-call-iptables"
    setting.parent.mkdir(parents=True)
    for value in ("0\n", "1\n"):
        setting.write_text(value)
        assert kernel_features.bridge_netfilter(tmp_path, "6.1") == ""


def test_this_kernel_offers_what_it_has() -> None:
    seen = kernel_features.observe(procfs.text("/proc/self/mounts"), os.uname().release)
    assert seen.has_cpu_stat == (cgroup.version() == 1 or Path("/sys/fs/cgroup/cpu.stat").exists())
    assert (seen.bridge_netfilter == "") >= Path("/proc/sys/net/bridge/bridge-nf-call-iptables").exists()


def test_hierarchies_that_are_read_only_are_those_the_kubelet_needs() -> None:
    mounts = (
        "tmpfs /sys/fs/cgroup tmpfs ro 0 0\n"
        "cgroup /sys/fs/cgroup/memory cgroup ro,memory 0 0\n"
        "cgroup /sys/fs/cgroup/net_cls cgroup ro,net_cls 0 0\n"
        "cgroup /sys/fs/cgroup/cpu cgroup rw,cpu 0 0\n"
        "cgroup2 /sys/fs/cgroup/unified cgroup2 ro 0 0\n"
    )
    assert cgroup.read_only(mounts) == ("/sys/fs/cgroup/memory",)
    assert cgroup.read_only("cgroup2 /sys/fs/cgroup cgroup2 ro,nsdelegate 0 0\n") == ("/sys/fs/cgroup",)


UNIT = """[Service]
ExecStart=/usr/local/bin/kubelet \\
  --config={directory}/kubelet.yaml \\
  --hostname-override=old \\
  --kubeconfig={directory}/kubelet.conf
"""
ARTICLE_UNIT = (
    "ExecStart=kubelet --pod-manifest-path={directory}/manifests --kubeconfig={directory}/kubelet.conf\n"
)
ETCD = """spec:
  volumes:
  - hostPath:
      path: {data}
      type: DirectoryOrCreate
    name: etcd-data
"""


def test_a_cluster_is_known_by_its_unit_and_manifests(tmp_path: Path) -> None:
    unit, logs, data = tmp_path / "kubelet.service", tmp_path / "pods", tmp_path / "etcd"
    (tmp_path / "manifests").mkdir()
    assert own_cluster.observe(str(unit), logs) == own_cluster.Cluster()
    unit.write_text("ExecStart=kubelet --config=/etc/kubernetes/kubelet.yaml --hostname-override=alone\n")
    assert own_cluster.observe(str(unit), logs) == own_cluster.Cluster()
    unit.write_text(UNIT.format(directory=tmp_path))
    (tmp_path / "manifests/etcd.yaml").write_text(ETCD.format(data=data))
    seen = own_cluster.Cluster("old", str(tmp_path), "")
    assert own_cluster.observe(str(unit), logs) == seen
    (data / "member").mkdir(parents=True)
    with_data = own_cluster.Cluster("old", str(tmp_path), str(data))
    assert own_cluster.observe(str(unit), logs) == with_data


def test_the_articles_kubelet_is_known_by_the_logs_of_etcd(tmp_path: Path) -> None:
    unit, logs = tmp_path / "kubelet.service", tmp_path / "pods"
    unit.write_text(ARTICLE_UNIT.format(directory="/etc/kubernetes"))
    assert own_cluster.observe(str(unit), logs).node_name == ""
    for seconds, name in ((9, "node.example"), (5, "older")):
        (logs / f"kube-system_etcd-{name}_0a1b").mkdir(parents=True)
        os.utime(logs / f"kube-system_etcd-{name}_0a1b", (seconds, seconds))
    assert own_cluster.observe(str(unit), logs).node_name == "node.example"


def test_authorities_are_read_with_their_start(tmp_path: Path) -> None:
    start = datetime(2031, 1, 1, tzinfo=timezone.utc)
    request = x509.Request("ca", x509.Contents("kubernetes"), 10)
    found = x509.load(tmp_path, "ca")
    made = signing.sign(request, found, None, start + signing.CLOCK_SKEW, start + timedelta(days=10))
    (tmp_path / "ca.crt").write_bytes(x509.certificate_pem(made.certificate))
    (tmp_path / "none.crt").write_text("no certificate")
    paths = [str(tmp_path / name) for name in ("ca.crt", "missing.crt", "none.crt")]
    assert observe(authorities=paths).authorities == {paths[0]: start}


def test_this_host_is_observed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dockerd, "DAEMON_JSON", str(tmp_path / "daemon.json"))
    artifacts, state = tmp_path / "artifacts", tmp_path / "state"
    (state / "v1.18.20").mkdir(parents=True)
    (state / "v1.18.20" / "release.json").write_text("{}")
    artifacts.mkdir()
    (artifacts / "SHA512SUMS").write_text(f"{'a' * 128}  {TARBALL}\n")
    (tmp_path / "daemon.json").write_text("{")
    (tmp_path / "kube-apiserver.yaml").write_text(MANIFEST)
    (tmp_path / "ledger.json").write_text("{}")
    host = observe(
        artifacts=str(artifacts),
        state_directory=str(state),
        ledger=str(tmp_path / "ledger.json"),
        files=["/nonexistent", str(tmp_path / "kube-apiserver.yaml")],
        url="http://127.0.0.1:1",
    )
    assert host.system == "Linux"
    assert host.kernel == os.uname().release
    assert host.hostname == host.nodename.lower() == os.uname().nodename.lower()
    assert host.euid == os.geteuid()
    assert host.cgroup_version in (1, 2)
    assert host.memory_available > 0
    assert abs(host.time - datetime.now(timezone.utc)) < timedelta(minutes=1)
    assert host.artifacts == frozenset({"SHA512SUMS"})
    assert host.artifact_sums == {TARBALL: "a" * 128}
    assert host.has_ledger
    assert host.has_release
    assert host.installed == "v1.20.2"
    assert isinstance(host.runtime, DockerObserved)
    assert "daemon.json, line 1, column 2" in host.runtime.unreadable
    assert host.mirror_error == ""
    said = str(host)
    for word in (
        "kernel",
        "cgroup v",
        "Docker",
        "SELinux",
        "AppArmor",
        "MB of memory available",
        "Python 3.",
    ):
        assert word in said


def test_a_tarball_is_read_where_it_is_to_be_unpacked(tmp_path: Path) -> None:
    assert observe(artifacts=str(tmp_path)).tarball_digest == ""
    (tmp_path / TARBALL).write_text("a release")
    wanted = hashlib.sha512(b"a release").hexdigest()
    assert observe(artifacts=str(tmp_path)).tarball_digest == wanted


def test_a_host_without_a_ledger_has_no_release_of_ours(tmp_path: Path) -> None:
    manifest = tmp_path / "kube-apiserver.yaml"
    manifest.write_text(MANIFEST)
    host = observe(files=[str(manifest)])
    assert host.installed == ""
    assert str(manifest) in {sign for other in host.others for sign in other.signs}


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
    host = observe(url=mirror, version=version)
    assert host.mirror_error.startswith(error)
    assert bool(host.mirror_error) is bool(error)


def test_a_server_that_is_not_there_is_a_finding() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
    assert "refused" in release_server.fetch_error(url)
    assert release_server.fetch_error("not a url")
