"""Real conditions that are in the way of a cluster, or nearly: all told at once, each to be skipped."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from bare_node import Node

OLD = {"cluster_version": "v1.18.20", "cluster_artifacts": "", "cluster_release_url": ""}
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
        assert (failures, warnings) == (["mounts", "other_kubernetes", "iptables"], ["hostname"])
        assert "k3s is on this host, which is never touched: /etc/rancher/k3s, " in said
        assert "/etc/systemd/system/k3s.service, the process k3s-server." in said
        assert "a line of 5 fields, with which the kubelet does not start: '/mnt/nameless tmpfs rw" in said
        assert "table `nat' is incompatible, use 'nft' tool" in said
        assert "The host: Debian GNU/Linux 12 (bookworm), kernel " in said
        assert "no Docker, SELinux disabled, AppArmor " in said
        assert preflight(node, **skipping("mounts", "iptables", "hostname"))[:2] == (["other_kubernetes"], [])
        assert preflight(node, **skipping("other_kubernetes", "iptables"))[:2] == (["mounts"], ["hostname"])
        assert preflight(node, **skipping("other_kubernetes", "mounts"))[:2] == (["iptables"], ["hostname"])


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
    failures, warnings, said = preflight(cluster)
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
