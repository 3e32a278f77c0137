# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Checks of the packet filter, between pods and what they have to reach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.finding import (
    Problems,
    check,
    failure,
    warning,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.checks.observation import Host
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.iptables import Packet
from ansible_collections.mink8s.kubernetes.plugins.module_utils.host.network import BRIDGE

# Any server on the internet: rules rarely tell one from another.
SERVER = "192.0.2.1"


@check
def iptables(desired: Mapping[str, Any], host: Host) -> Problems:
    """Whether iptables works, or can be installed: Docker and the kubelet write rules with it."""
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
def firewall(desired: Mapping[str, Any], host: Host) -> Problems:
    """Rules that keep pods from coredns or the API on the host, or from other hosts."""
    wanted = [("coredns", "udp", 53), ("coredns", "tcp", 53)] if "coredns" in desired["components"] else []
    if not desired["apiserver_bind_address"].startswith("127.") and "kube-proxy" in desired["components"]:
        wanted.append(("kube-apiserver", "tcp", 6443))
    bridge = host.network.bridge
    pod = f"{bridge.rpartition('.')[0]}.250"
    for process, protocol, port in wanted:
        for chain in host.filter.dropped(Packet(BRIDGE, "", pod, bridge, protocol, port)):
            yield warning(
                f"The chain {chain} drops what pods send to {process} on the host ({port}/{protocol}).",
                f"Let it in: {_input_rule(host, chain, protocol, port)}",
            )
    # Docker lets these through itself, in the tables of iptables and when it starts.
    for chain in host.filter.dropped(Packet(BRIDGE, "eth0", pod, SERVER, "tcp", 443)):
        if chain.startswith("nft "):
            yield warning(
                f"The chain {chain} drops what pods send to other hosts, whatever Docker's own rules say.",
                f"Let it through: nft insert rule {chain[4:]} iifname {BRIDGE} accept, the same with"
                " oifname, and"
                " keep both rules as you keep the others.",
            )


def _input_rule(host: Host, chain: str, protocol: str, port: int) -> str:
    """The rule that is missing, in the words of whoever wrote the others."""
    if chain.startswith("nft inet firewalld "):
        return f"firewall-cmd --permanent --zone=trusted --add-interface={BRIDGE}, then firewall-cmd --reload"
    if not chain.startswith("nft ") and "-N ufw-user-input\n" in host.filter.filter:
        return f"ufw allow in on {BRIDGE} to any port {port} proto {protocol}"
    rule = f"iptables -I {chain} -i {BRIDGE} -p {protocol} --dport {port} -j ACCEPT"
    if chain.startswith("nft "):
        rule = f"nft insert rule {chain[4:]} iifname {BRIDGE} {protocol} dport {port} accept"
    return f"{rule}, and keep this rule where you keep the others."


@check
def docker_rules(desired: Mapping[str, Any], host: Host) -> Problems:
    """Whether Docker's rules of the packet filter are still there, and packets go between interfaces."""
    if not (host.engine.api and host.filter.nat):
        return
    if not host.filter.has_docker_rules:
        yield warning(
            "Docker runs, and its rules are gone from the packet filter, as after nft flush ruleset:"
            " pods reach"
            " nothing beyond this host, and published ports do not answer.",
            "Run systemctl restart docker, which restarts all containers, too.",
        )
    if not host.network.forwards:
        yield warning(
            "Docker runs, and net.ipv4.ip_forward is 0: pods reach nothing beyond this host.",
            "Run sysctl -w net.ipv4.ip_forward=1, and take what sets it to 0 out of /etc/sysctl.conf and"
            " /etc/sysctl.d.",
        )
