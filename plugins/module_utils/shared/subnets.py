# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What is decided of a network by its addresses alone. Text that is no network has none of it."""

from __future__ import annotations

from ipaddress import IPv4Network

# 256 addresses are enough for the 110 pods that a kubelet runs at most by default.
NODE_PREFIX = 24


def first_address(network: str) -> str:
    """The first address: the host's own in a network of pods, and kube-apiserver's in that of Services."""
    try:
        return str(IPv4Network(network)[1])
    except (ValueError, IndexError):
        return ""


def is_part(subnet: str, network: str) -> bool:
    """Whether a network has all addresses of the other. No network, as empty text, is part of none only."""
    try:
        return IPv4Network(subnet).subnet_of(IPv4Network(network))
    except ValueError:
        return subnet == network


def is_node_subnet(subnet: str, network: str) -> bool:
    """Whether this is a part of a network of pods that one of several nodes may have."""
    return is_part(subnet, network) and subnet.endswith(f"/{NODE_PREFIX}")


def node_subnet(network: str) -> str:
    """The part of a network of pods that those of one node have: the first 256 addresses, or all if fewer."""
    try:
        whole = IPv4Network(network)
    except ValueError:
        return ""
    return str(next(whole.subnets(new_prefix=max(NODE_PREFIX, whole.prefixlen))))
