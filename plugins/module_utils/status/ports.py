# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The sockets of a host, and what somebody without credentials gets at a port."""

from __future__ import annotations

import re
import ssl
from collections.abc import Iterator
from contextlib import closing, suppress
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException, HTTPSConnection

from ansible_collections.mink8s.kubernetes.plugins.module_utils.status.model import Socket

COMMAND = ("ss", "--no-header", "--numeric", "--processes", "--all", "--tcp", "--udp", "--unix", "--oneline")
# The beginning of an IPv4 address where ss writes IPv6.
MAPPED = "::ffff:"
STATES = ("LISTEN", "ESTAB", "UNCONN")
SECONDS = 5


def parse(printed: str) -> Iterator[Socket]:
    """The sockets in what ss has printed."""
    for line in printed.splitlines():
        protocol, state, _received, _sent, *fields = line.split(maxsplit=4)
        if state not in STATES or not fields:
            continue
        ends, _users, holders = fields[0].partition("users:")
        pids = tuple(int(pid) for pid in re.findall(r"pid=(\d+)", holders))
        words = ends.split()
        if protocol.startswith("u_"):
            # Both ends have numbers, but only the server's has a name.
            protocol, local, port, peer, peer_port = "unix", " ".join(words[:-3]), words[-3], "", words[-1]
            listens, local = peer_port == "0", local.strip("*")
        else:
            (local, _c, port), (peer, _d, peer_port) = (word.rpartition(":") for word in words[:2])
            listens = peer_port == "*"
            local, peer = _plain(local), _plain(peer)
        yield Socket(protocol, local, port, *(("", "") if listens else (peer, peer_port)), pids)


def _plain(address: str) -> str:
    """An address as ss writes it, without brackets and interface, and IPv4 as such."""
    plain = address.partition("%")[0].strip("[]")
    return plain[len(MAPPED) :] if plain.startswith(MAPPED) else plain


def knock(
    address: str, port: int, health_path: str, client: tuple[str, str] | None = None
) -> tuple[int, int]:
    """The HTTP status that somebody without credentials gets for /metrics, and that for health; 0 for none.

    client: a certificate and its key, with which to ask for health where nobody is let in without.
    """
    host = "127.0.0.1" if address in ("*", "0.0.0.0", "::") else address
    for context in (_anybody(), None):
        statuses = [_status_of(host, port, path, context) for path in ("/metrics", health_path)]
        if any(statuses):
            break
    if client and HTTPStatus.UNAUTHORIZED in statuses:
        known = _anybody()
        with suppress(OSError):
            known.load_cert_chain(*client)
            statuses[1] = _status_of(host, port, health_path, known)
    return statuses[0], statuses[1]


def _anybody() -> ssl.SSLContext:
    """TLS that trusts whoever is there: who may come in is what is asked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _status_of(host: str, port: int, path: str, context: ssl.SSLContext | None) -> int:
    secure = context and HTTPSConnection(host, port, timeout=SECONDS, context=context)
    with closing(secure or HTTPConnection(host, port, timeout=SECONDS)) as connection:
        try:
            connection.connect()
        except OSError as error:
            return HTTPStatus.UNAUTHORIZED if _wants_certificate(error) else 0
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except (ssl.SSLError, ConnectionError):
            # Since TLS 1.3 a client learns only after the handshake that it is not let in.
            return HTTPStatus.UNAUTHORIZED if secure else 0
        except (OSError, HTTPException):
            return 0


def _wants_certificate(error: OSError) -> bool:
    said = str(error).lower()
    return isinstance(error, ssl.SSLError) and ("bad certificate" in said or "certificate required" in said)
