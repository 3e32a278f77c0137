# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why a server gave no answer, in words instead of the exceptions of the libraries in between."""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from http.client import BadStatusLine, IncompleteRead, RemoteDisconnected

# What OpenSSL calls them; the rest of its vocabulary is read as it stands.
ALERTS = {
    "WRONG_VERSION_NUMBER": "the port does not speak TLS",
    "HTTP_REQUEST": "the port does not speak TLS",
    "TLSV1_ALERT_UNKNOWN_CA": "it does not know the authority of the client's certificate",
    "SSLV3_ALERT_BAD_CERTIFICATE": "it refuses the client's certificate",
    "TLSV1_ALERT_BAD_CERTIFICATE": "it refuses the client's certificate",
    "TLSV1_ALERT_CERTIFICATE_REQUIRED": "it asks for a client certificate",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "the client's certificate has expired",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it asks for a client certificate",
}
CLOSED = "the connection was closed before the answer"
# Where in Python OpenSSL was asked.
OPENSSL = re.compile(r"\s*\(_ssl\.c:\d+\)|\[[^]]*\]\s*")
# How Python shows an object that has no text of its own.
OBJECT = re.compile(r"<[\w.]+ object at 0x[0-9a-f]+>:? ?")


def words(error: BaseException) -> str:
    """Why there was no answer, in one line without the names of Python's objects."""
    chain = list(_causes(error))
    for cause in reversed(chain):
        told = _told(cause)
        if told:
            return told
    # urllib3 gives up with exceptions that have no cause.
    if any("timed out" in str(cause).lower() for cause in chain):
        return "no answer in time"
    return " ".join(OBJECT.sub("", str(chain[-1])).split()) or type(chain[-1]).__name__


def _causes(error: BaseException, depth: int = 8) -> Iterator[BaseException]:
    """The error and what led to it, the first cause last."""
    yield error
    inner = [getattr(error, "reason", None), *error.args, error.__cause__, error.__context__]
    for cause in inner:
        if depth and isinstance(cause, BaseException) and cause is not error:
            yield from _causes(cause, depth - 1)
            return


def _told(error: BaseException) -> str:
    """What one exception of Python's own says; empty for any other."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}"
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return CLOSED
    if isinstance(error, ssl.SSLError):
        # Python's own table of reasons lacks those of TLS 1.3.
        said = error.reason or OPENSSL.sub("", str(error)).upper().replace(" ", "_")
        return ALERTS.get(said) or f"TLS failed: {said.replace('_', ' ').lower()}"
    if isinstance(error, socket.gaierror):
        return f"its name cannot be resolved: {error.strerror}"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, (socket.timeout, TimeoutError)):
        return "no answer in time"
    if isinstance(error, (ConnectionResetError, BrokenPipeError, RemoteDisconnected)):
        return CLOSED
    if isinstance(error, IncompleteRead):
        return "the connection was closed in the middle of the answer"
    if isinstance(error, BadStatusLine):
        return "the answer is not HTTP"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[0].lower() + error.strerror[1:]
    reason = getattr(error, "reason", None)
    return reason if isinstance(reason, str) else ""
