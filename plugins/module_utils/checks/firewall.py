# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks of the packet filter, between pods and what they have to reach."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.finding import check
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.observation import Host, proxy_mode
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.iptables import Packet
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.finding import (
    Problems,
    failure,
    warning,
)

# What kube-proxy's mode nftables takes: it does not start with an older kernel, and an older nft of the
# host's may not be able to read rules of the newer one that kube-proxy brings.
NFTABLES_KERNEL, NFTABLES_NFT = "5.13", "1.0.1"
# Any server on the internet: rules rarely tell one from another.
SERVER = "192.0.2.1"


@check
def iptables(desired: Mapping[str, Any], host: Host) -> Problems:
    """Whether iptables works, or can be installed: the kubelet and the container runtime need it."""
    if host.filter.error:
        yield failure(
            f"iptables -t nat -S fails: {host.filter.error}.",
            "If nft has filled that table, empty it with nft; if the kernel lacks the tables, choose"
            " the other"
            " kind with update-alternatives --config iptables.",
        )
    elif not (host.has_iptables or host.has_apt):
        yield failure(
            "There is no iptables, and no apt-get to install it with.",
            "Install it with the package manager of the host.",
        )


@check
def nftables(desired: Mapping[str, Any], host: Host) -> Problems:
    """The kernel and nft, if cluster_arguments has the mode nftables for kube-proxy."""
    if proxy_mode(desired) != "nftables" or "kube-proxy" not in desired["components"]:
        return
    remedy = "take proxy-mode out of cluster_arguments, for the mode iptables."
    if _is_before(host.kernel, NFTABLES_KERNEL):
        yield failure(
            f"The kernel is {host.kernel}, and kube-proxy does not start in its mode nftables before"
            f" {NFTABLES_KERNEL}.",
            f"Boot a later kernel, or {remedy}",
        )
    if _is_before(host.nft_version, NFTABLES_NFT):
        yield failure(
            f"The host's nft is {host.nft_version}, and one before {NFTABLES_NFT} may fail on every command"
            " once kube-proxy has written its rules in its mode nftables, a firewall's among them.",
            f"Upgrade nftables, or {remedy}",
        )


def _is_before(version: str, first: str) -> bool:
    """Whether a version is known, and before the first that will do."""
    seen, wanted = ([int(number) for number in re.findall(r"\d+", each)] for each in (version, first))
    return bool(seen) and seen < wanted


@check
def firewall(desired: Mapping[str, Any], host: Host) -> Problems:
    """Rules that keep pods from coredns or the API on the host, or from other hosts."""
    wanted = [("coredns", "udp", 53), ("coredns", "tcp", 53)] if "coredns" in desired["components"] else []
    if not desired["apiserver_bind_address"].startswith("127.") and "kube-proxy" in desired["components"]:
        wanted.append(("kube-apiserver", "tcp", 6443))
    bridge, address = host.runtime.bridge, host.network.bridge or host.runtime.bridge_address
    if not address:
        return
    pod = f"{address.rpartition('.')[0]}.250"
    for process, protocol, port in wanted:
        for chain in host.filter.dropped(Packet(bridge, "", pod, address, protocol, port)):
            yield warning(
                f"The chain {chain} drops what pods send to {process} on the host ({port}/{protocol}).",
                f"Let it in: {_input_rule(host, chain, protocol, port)}",
            )
    # The container runtime lets these through itself, in the tables of iptables and when it starts.
    for chain in host.filter.dropped(Packet(bridge, "eth0", pod, SERVER, "tcp", 443)):
        if chain.startswith("nft "):
            yield warning(
                f"The chain {chain} drops what pods send to other hosts, whatever {host.runtime.name}'s own"
                " rules say.",
                f"Let it through: nft insert rule {chain[4:]} iifname {bridge} accept, the same with oifname,"
                " and keep both rules as you keep the others.",
            )


def _input_rule(host: Host, chain: str, protocol: str, port: int) -> str:
    """The rule that is missing, in the words of whoever wrote the others."""
    bridge = host.runtime.bridge
    if chain.startswith("nft inet firewalld "):
        return f"firewall-cmd --permanent --zone=trusted --add-interface={bridge}, then firewall-cmd --reload"
    if not chain.startswith("nft ") and "-N ufw-user-input\n" in host.filter.filter:
        return f"ufw allow in on {bridge} to any port {port} proto {protocol}"
    rule = f"iptables -I {chain} -i {bridge} -p {protocol} --dport {port} -j ACCEPT"
    if chain.startswith("nft "):
        rule = f"nft insert rule {chain[4:]} iifname {bridge} {protocol} dport {port} accept"
    return f"{rule}, and keep this rule where you keep the others."


@check
def runtime_rules(desired: Mapping[str, Any], host: Host) -> Problems:
    """Whether the container runtime's rules are still in the packet filter, and ip_forward is on."""
    yield from host.runtime.rules_problems(host.filter)
    if host.runtime.running and host.filter.nat and not host.network.forwards:
        yield warning(
            f"{host.runtime.name} runs, and net.ipv4.ip_forward is 0: pods reach nothing beyond this host.",
            "Run sysctl -w net.ipv4.ip_forward=1, and take what sets it to 0 out of /etc/sysctl.conf and"
            " /etc/sysctl.d.",
        )
