"""Real conditions that are in the way of a cluster, or nearly: all told at once, each to be skipped."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from bare_node import Node, changed, runtime

# With the container runtime that such a release has by itself.
OLD = {
    "cluster_version": "v1.18.20",
    "cluster_container_runtime": "",
    "cluster_artifacts": "",
    "cluster_release_url": "",
}
NEW = {**OLD, "cluster_version": "v1.20.15"}
AHEAD = """
from datetime import datetime, timedelta
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
start = datetime(2090, 1, 1)
made = x509.CertificateBuilder(name, name, key.public_key(), 1, start, start + timedelta(days=9))
made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
open("/etc/kubernetes/pki/ca.crt", "wb").write(
    made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
)
"""
# mount(8) puts a word where a program may give no source at all.
WITHOUT_A_SOURCE = """
import ctypes
assert ctypes.CDLL(None).mount(b"", b"/mnt/nameless", b"tmpfs", 0, None) == 0
"""


def shell(node: Node, script: str) -> str:
    return node.run("sh", "-ec", script)


def made(node: Node) -> str:
    """What a run leaves on the host if it changes anything."""
    return shell(node, "ls -d /var/lib/mink8s /etc/kubernetes /usr/local/bin/kubelet 2>/dev/null || true")


def preflight(node: Node, **variables: Any) -> tuple[list[str], list[str], str]:
    """The names of the failures and of the warnings of a run, and all it says; it changes nothing."""
    before = made(node)
    run = node.playbook("site.yml", "--check", **variables)
    said = run.stdout + run.stderr
    result = re.search(r'=> (\{.*"findings": \[.*\})$', run.stdout, re.MULTILINE)
    found = json.loads(result[1]) if result else {"findings": [], "cautions": []}
    assert made(node) == before
    lists = ([entry["name"] for entry in found[key]] for key in ("findings", "cautions"))
    return (*lists, found.get("msg", said))


def skipping(*names: str) -> dict[str, list[str]]:
    return {"cluster_preflight_skip": list(names)}


@contextlib.contextmanager
def on_node(node: Node, before: str, after: str) -> Iterator[None]:
    """Put the host into a state, and take it back."""
    shell(node, before)
    try:
        yield
    finally:
        shell(node, after)


@contextlib.contextmanager
def k3s(node: Node) -> Iterator[None]:
    """A unit and a process as k3s has them."""
    unit = "[Service]\\nExecStart=/usr/local/bin/k3s-server infinity\\n"
    before = "cp /bin/sleep /usr/local/bin/k3s-server; mkdir -p /etc/rancher/k3s"
    start = f"printf '{unit}' >/etc/systemd/system/k3s.service; systemctl daemon-reload; systemctl start k3s"
    after = "systemctl stop k3s; rm -r /etc/rancher /etc/systemd/system/k3s.service /usr/local/bin/k3s-server"
    with on_node(node, f"{before}; {start}", f"{after}; systemctl daemon-reload"):
        yield


@contextlib.contextmanager
def nameless_mount(node: Node) -> Iterator[None]:
    """A mount without a source, which makes a line of five fields."""
    with on_node(node, f"mkdir /mnt/nameless; python3 -c '{WITHOUT_A_SOURCE}'", "umount /mnt/nameless"):
        yield


@contextlib.contextmanager
def filled_nat_table(node: Node) -> Iterator[None]:
    """A rule of nft's in the table nat that iptables has no words for."""
    tool = "command -v nft >/dev/null || { apt-get update -q; apt-get install -qy nftables; } >/dev/null"
    chain = "add table ip nat; add chain ip nat PREROUTING { type nat hook prerouting priority -100; }"
    rule = "add rule ip nat PREROUTING meta mark set jhash ip saddr mod 16"
    with on_node(node, f"{tool}; nft '{chain}; {rule}'", "nft delete table ip nat"):
        yield


@contextlib.contextmanager
def unknown_name(node: Node) -> Iterator[None]:
    """A host that has no address for its own name."""
    forget = 'cp /etc/hosts /root; sed "/$(hostname)/d" /root/hosts >/etc/hosts'
    with on_node(node, forget, "cat /root/hosts >/etc/hosts"):
        yield


@contextlib.contextmanager
def taken_port(node: Node, port: int) -> Iterator[None]:
    """Something else that listens on a port."""
    listen = f"import socket, time; s = socket.create_server(('127.0.0.1', {port})); time.sleep(600)"
    start = f'systemd-run --quiet --unit taken python3 -c "{listen}"'
    with on_node(node, f"{start}; sleep 1", "systemctl stop taken"):
        yield


@contextlib.contextmanager
def docker_with_systemd_driver(node: Node) -> Iterator[None]:
    """A Docker that is on the host before, told to use the cgroup driver systemd."""
    config = "/etc/docker/daemon.json"
    settings = "s = json.load(open(p)) if os.path.exists(p) else {}"
    write = f"{settings}; s['exec-opts'] = ['native.cgroupdriver=systemd']; json.dump(s, open(p, 'w'))"
    told = f"mkdir -p /etc/docker; python3 -c \"import json, os; p = '{config}'; {write}\""
    keep = f"[ ! -e {config} ] || cp {config} /root/daemon.json"
    install = "{ apt-get update -q; apt-get install -qy --no-install-recommends docker.io; } >/dev/null 2>&1"
    back = f"rm {config}; [ ! -e /root/daemon.json ] || mv /root/daemon.json {config}"
    restart = "systemctl restart docker"
    with on_node(node, f"{keep}; {told}; {install}; {restart}", f"{back}; {restart}"):
        yield


# A name server on loopback, a network of neighbours that is the Services', a file system that is nearly full.
POOR_NETWORK = """
echo nameserver 127.0.0.1 >/root/loopback
mount --bind /root/loopback /etc/resolv.conf
ip route add 10.0.0.0/16 dev eth0
"""
POOR_NETWORK_AFTER = "umount /etc/resolv.conf; ip route del 10.0.0.0/16"
FULL = """
mkdir -p /mnt/kept
mount --bind /var/lib/kubelet /mnt/kept
mount -t tmpfs -o size=10m none /var/lib/kubelet
head --bytes=9600000 /dev/zero >/var/lib/kubelet/full
"""
FULL_AFTER = "umount /var/lib/kubelet /mnt/kept"
# What whoever runs a container may keep from it.
WITHOUT_KERNEL = """
mv /dev/kmsg /root
echo 0 >/root/zero
mount --bind /root/zero /proc/sys/kernel/panic
mount -o remount,bind,ro /proc/sys/kernel/panic
"""
WITHOUT_KERNEL_AFTER = "umount /proc/sys/kernel/panic; mv /root/kmsg /dev"
# A pod's network on the container runtime's bridge, before there is any.
POD = f"""
ip link add {runtime().bridge} type bridge
ip address add 172.18.0.1/16 dev {runtime().bridge}
ip link set {runtime().bridge} up
ip netns add pod
ip link add beside-pod type veth peer name in-pod
ip link set beside-pod master {runtime().bridge} up
ip link set in-pod netns pod
ip netns exec pod ip address add 172.18.0.2/16 dev in-pod
ip netns exec pod ip link set in-pod up
"""
POD_AFTER = f"ip netns del pod; ip link del {runtime().bridge}; ip link del beside-pod 2>/dev/null || true"
DENY = """
iptables -P INPUT DROP
iptables -A INPUT -i lo -j ACCEPT
iptables -A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT
"""
DENY_AFTER = "iptables -P INPUT ACCEPT; iptables -D INPUT -i lo -j ACCEPT; iptables -D INPUT 1"
# From the network of a pod, a question that is answered on port 53 of its bridge, and whether it was.
ANSWER = """
import socket, sys
s = socket.socket(type=socket.SOCK_DGRAM)
s.bind((sys.argv[1], 53))
s.sendto(b"!", s.recvfrom(9)[1])
"""
ASK = """
import socket, sys
s = socket.socket(type=socket.SOCK_DGRAM)
s.settimeout(3)
s.sendto(b"?", (sys.argv[1], 53))
try:
    print(s.recv(9).decode())
except OSError as error:
    print(error)
"""


@pytest.fixture(scope="module")
def cluster(node: Node) -> Node:
    """The node, made a cluster although it does not know its own name."""
    with unknown_name(node):
        run = node.playbook("site.yml")
    assert run.returncode == 0, run.stdout + run.stderr
    assert "hostname: The host can't resolve its own name" in run.stdout + run.stderr
    return node


def test_all_that_is_wrong_with_a_host_is_told_at_once_and_can_be_skipped(node: Node) -> None:
    with k3s(node), nameless_mount(node), filled_nat_table(node), unknown_name(node):
        failures, warnings, said = preflight(node)
        assert (failures, warnings) == (["other_kubernetes", "mounts", "iptables"], ["hostname"])
        assert "k3s is on this host, which is never touched: /etc/rancher/k3s, " in said
        assert "/etc/systemd/system/k3s.service, the process k3s-server." in said
        assert "a line of 5 fields, with which the kubelet does not start: '/mnt/nameless tmpfs rw" in said
        assert "table `nat' is incompatible, use 'nft' tool" in said
        assert "The host: Debian GNU/Linux 12 (bookworm), kernel " in said
        assert f"no {runtime().title}, SELinux disabled, AppArmor " in said
        assert preflight(node, **skipping("mounts", "iptables", "hostname"))[:2] == (["other_kubernetes"], [])
        assert preflight(node, **skipping("other_kubernetes", "iptables"))[:2] == (["mounts"], ["hostname"])
        assert preflight(node, **skipping("other_kubernetes", "mounts"))[:2] == (["iptables"], ["hostname"])


def test_what_a_host_keeps_from_pods_is_told(node: Node) -> None:
    with on_node(node, WITHOUT_KERNEL, WITHOUT_KERNEL_AFTER):
        failures, _warnings, said = preflight(node)
        assert failures == ["kernel_log", "sysctl"]
        assert "There is no /dev/kmsg, without which the kubelet does not start." in said
        assert "The kubelet sets kernel.panic when it starts, and can't" in said
        assert "/proc/sys is read-only here. Remount it with mount -o remount,rw /proc/sys." in said
    with on_node(node, POOR_NETWORK, POOR_NETWORK_AFTER), on_node(node, FULL, FULL_AFTER):
        failures, warnings, said = preflight(node, cluster_node_name="No_Name")
        assert failures == ["node_name"]
        assert {"eviction", "name_servers", "routes"} <= set(warnings)


def test_what_a_daemon_could_not_be_given_is_refused(node: Node) -> None:
    failures, _warnings, said = preflight(
        node,
        cluster_address="203.0.113.10",
        cluster_apiserver_bind_address="node.example.com",
        cluster_apiserver_alternative_names=["https://api.example.com"],
        cluster_service_account_namespaces=["Default"],
        cluster_etcd_data_dir="/var/lib/my etcd",
        cluster_image_registry="https://registry.example.com",
    )
    assert failures == ["address", "bind_address", "names", "names", "directories", "image_registry"]
    assert "which is on no network interface of the host. Leave it out, or set it to one of" in said
    assert node.address in said
    assert "clients use go into cluster_apiserver_alternative_names" in said
    failures, _warnings, said = preflight(
        node,
        **OLD,
        cluster_components=["etcd", "kube-apiserver", "kube-controller-manager"],
        cluster_apiserver_bind_address="0.0.0.0",
    )
    assert failures == ["authentication"]
    assert "Every pod would be administrator of the cluster" in said


def asks_the_host(node: Node) -> str:
    """What a pod gets on port 53 of the host."""
    start = f"systemd-run --quiet --unit answer --collect python3 -c '{ANSWER}' 172.18.0.1; sleep 1"
    with on_node(node, start, "systemctl stop answer || true"):
        return node.run("ip", "netns", "exec", "pod", "python3", "-c", ASK, "172.18.0.1").strip()


def test_a_firewall_before_coredns_is_told_with_the_rule_that_is_missing(node: Node) -> None:
    dns = {"cluster_components": ["etcd", "kube-apiserver", "kube-controller-manager", "coredns"]}
    bad = {**dns, "cluster_node_name": "No_Name"}
    with on_node(node, POD, POD_AFTER), on_node(node, DENY, DENY_AFTER):
        assert asks_the_host(node) == "timed out"
        _failures, warnings, _said = preflight(node, **bad)
        assert warnings.count("firewall") == 2
        printed = node.playbook("site.yml", "--check", **bad).stdout
        rules = sorted(set(re.findall(r"Let it in: (iptables [^,]*),", printed)))
        add = "; ".join(rules)
        with on_node(node, add, add.replace("-I INPUT", "-D INPUT")):
            assert asks_the_host(node) == "!"
            assert "firewall" not in preflight(node, **bad)[1]


def test_without_grub_a_host_can_not_be_switched_to_cgroup_v1(node: Node) -> None:
    mounted = "mount -t cgroup2 none /sys/fs/cgroup"
    with on_node(node, mounted, "umount /sys/fs/cgroup"):
        failures, _warnings, said = preflight(node, **OLD, preflight_switch_to_cgroup_v1=True)
    assert failures == ["cgroup"]
    assert "update-grub or /boot/grub/grub.cfg is missing here. Reboot with the kernel parameters" in said


def test_port_8080_and_the_driver_are_in_the_way_of_the_article_alone(node: Node) -> None:
    with docker_with_systemd_driver(node), taken_port(node, 8080), k3s(node):
        failures, _warnings, said = preflight(node, **OLD, cluster_article_exact=True)
        assert failures == ["other_kubernetes", "ports", "cgroup_driver"]
        assert "Port 8080 on 127.0.0.1 is taken by python3" in said
        assert "native.cgroupdriver=cgroupfs" in said
        failures, _warnings, said = preflight(node, **NEW)
        assert failures == ["other_kubernetes"]
        assert "cgroup driver systemd), SELinux" in said


def test_a_cluster_that_runs_is_in_nobodys_way_and_a_warning_neither(cluster: Node) -> None:
    # Docker was on this node before the cluster, see above.
    failures, warnings, said = preflight(cluster, **skipping("runtime_defaults"))
    assert (failures, warnings) == ([], [])
    assert "failed=0" in said


def test_beside_a_cluster_of_ours_another_kubernetes_is_told_still(cluster: Node) -> None:
    with k3s(cluster):
        assert preflight(cluster)[0] == ["other_kubernetes"]


def test_a_release_never_goes_down_nor_an_authority_into_the_future(
    cluster: Node, given: dict[str, Any]
) -> None:
    wanted = {**NEW, "cluster_version": "v1.18.0", "cluster_release_checksum": "ab" * 64}
    keep = "cp /etc/kubernetes/pki/ca.crt /root/ca.crt"
    with on_node(cluster, f"{keep}; python3 -c '{AHEAD}'", "mv /root/ca.crt /etc/kubernetes/pki/ca.crt"):
        failures, _warnings, said = preflight(cluster, **wanted)
    assert failures == ["clock", "downgrade"]
    assert "/etc/kubernetes/pki/ca.crt is not valid before 2090-01-01" in said
    assert f"The host runs {given['cluster_version']}, which is newer than v1.18.0" in said


def test_a_minor_version_is_not_left_out(cluster: Node) -> None:
    failures, _warnings, said = preflight(cluster, **{**NEW, "cluster_version": "v1.23.17"})
    assert failures == ["skipped_minor"]
    assert "upgrade_skip_minor: true" in said


def test_a_cluster_stays_the_one_it_is(cluster: Node) -> None:
    old = cluster.run("hostname").strip()
    with on_node(cluster, "hostname elsewhere", f"hostname {old}"):
        failures, _warnings, said = preflight(cluster)
        assert failures == ["registered_name"]
        assert f"Set cluster_node_name: {old} to keep it" in said
        assert preflight(cluster, cluster_node_name=old)[0] == []
    failures, _warnings, said = preflight(
        cluster, cluster_config_dir="/etc/k8s", cluster_etcd_data_dir="/srv/etcd", cluster_bin_dir="/opt/bin"
    )
    assert failures == ["moved_directories", "moved_directories"]
    assert "Set cluster_config_dir: /etc/kubernetes" in said
    assert "Set cluster_etcd_data_dir: /var/lib/etcd" in said


def test_facts_of_long_ago_change_nothing(
    cluster: Node, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSIBLE_CACHE_PLUGIN", "jsonfile")
    monkeypatch.setenv("ANSIBLE_CACHE_PLUGIN_CONNECTION", str(tmp_path))
    monkeypatch.setenv("ANSIBLE_GATHERING", "smart")
    assert changed(cluster.playbook("site.yml", "--check")) == []
    (cached,) = tmp_path.iterdir()
    fresh = cached.read_text()
    cached.write_text(fresh.replace(cluster.address, "203.0.113.9"))
    assert changed(cluster.playbook("site.yml", "--check")) == []
    assert cached.read_text() == fresh
