# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Whether clients on other hosts can use an address of kube-apiserver."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

PORT = 6443
SECONDS = 10
EVERYWHERE = ("0.0.0.0", "::")


@dataclass(frozen=True)
class Seen:
    """What the host has: the URL in its own kubeconfig, where the port is open, and for whom the certificate.

    own: whether the wanted address is one of the host's.
    """

    url: str
    listening: tuple[str, ...]
    names: tuple[str, ...]
    own: bool


def names(url: str, authority: str) -> tuple[str, ...]:
    """The names and addresses in the certificate of a server. Raises OSError."""
    address = urlsplit(url)
    with connect(address.hostname or "", address.port or PORT, authority) as stream:
        certificate: dict[str, Any] = dict(stream.getpeercert() or {})
    return tuple(value for _kind, value in certificate.get("subjectAltName", ()))


def connect(host: str, port: int, authority: str) -> ssl.SSLSocket:
    """A connection to a server whose certificate is of that authority and for that host. Raises OSError."""
    context = ssl.create_default_context(cadata=authority)
    stream = socket.create_connection((host, port), timeout=SECONDS)
    try:
        return context.wrap_socket(stream, server_hostname=host)
    except BaseException:
        stream.close()
        raise


def usual(listening: Sequence[str], address: str) -> str:
    """The address to take where none is asked for."""
    own = [each for each in listening if each not in EVERYWHERE and not ip_address(each).is_loopback]
    return own[0] if own else address


def is_own(server: str) -> bool:
    """Whether this is an address of the host."""
    try:
        family = socket.AF_INET6 if ip_address(server).version == 6 else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind((server, 0))
    except (OSError, ValueError):
        return False
    return True


def problem(server: str, seen: Seen) -> str:
    """Why clients on other hosts can't use it, and what to do; empty if they can."""
    if not seen.url.startswith("https:"):
        return (
            f"kube-apiserver answers at {seen.url} alone, without asking for credentials, so nobody beyond"
            " the host reaches it. Set cluster_authentication to certificates and"
            " cluster_apiserver_bind_address to 0.0.0.0, and run the playbook site."
        )
    if all(ip_address(each).is_loopback for each in seen.listening):
        return (
            f"kube-apiserver listens on {' and '.join(seen.listening) or 'no address'}, where nobody beyond"
            " the host reaches it. Set cluster_apiserver_bind_address to 0.0.0.0 or to an address of the"
            " host, and run the playbook site."
        )
    if not server:
        return "The host has no default route. Set kubeconfig_server to the address by which it is reached."
    if seen.own and server not in seen.listening and not set(EVERYWHERE) & set(seen.listening):
        return (
            f"kube-apiserver listens on {' and '.join(seen.listening)}, and not on {server}. Set"
            " cluster_apiserver_bind_address to 0.0.0.0, and run the playbook site."
        )
    if server.lower() not in (name.lower() for name in seen.names):
        return (
            f"The certificate of kube-apiserver is for {', '.join(seen.names)}, and not for {server}. Add"
            f" {server} to cluster_apiserver_alternative_names, and run the playbook site."
        )
    return ""
