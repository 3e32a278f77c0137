"""A server that gives no answer is told of in words, whichever library stood in between."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import urllib.request
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from http.client import HTTPException
from pathlib import Path

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import kubernetes_client
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import no_answer
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from urllib3 import PoolManager

NOW = datetime.now(timezone.utc)
Asks = Callable[[str], object]


@contextlib.contextmanager
def server(serve: Callable[[socket.socket], object]) -> Iterator[str]:
    """A server that does one thing with each connection; gives its address."""
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def accept() -> None:
        while not done.is_set():
            connection, _address = listener.accept()
            # Whatever the client makes of it is what is tested.
            with connection, contextlib.suppress(OSError):
                serve(connection)

    threading.Thread(target=accept, daemon=True).start()
    yield f"127.0.0.1:{listener.getsockname()[1]}"
    done.set()


def certificate(directory: Path, days: int, name: str) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate of its own that ends in so many days."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=30))
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = directory / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def by_urllib3(url: str, authority: str | None = None) -> object:
    return PoolManager(ca_certs=authority).request("GET", url, retries=False, timeout=0.5)


def by_urllib3_again(url: str) -> object:
    return PoolManager().request("GET", url, retries=1, timeout=0.5)


def by_urllib(url: str) -> object:
    return urllib.request.build_opener(urllib.request.ProxyHandler({})).open(url, timeout=0.5)


def told(ask: Callable[[], object]) -> str:
    """How the failure of a request is explained."""
    with pytest.raises((*kubernetes_client.api_exceptions(), OSError, HTTPException)) as caught:
        ask()
    words = kubernetes_client.explain(caught.value)
    assert "object at" not in words
    assert "Error" not in words
    assert "\n" not in words
    assert "<" not in words
    return words


everybody = pytest.mark.parametrize("ask", [by_urllib3, by_urllib3_again, by_urllib])


@everybody
def test_a_port_that_nobody_listens_on(ask: Asks) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    for scheme in ("http", "https"):
        assert told(lambda scheme=scheme: ask(f"{scheme}://127.0.0.1:{port}/")) == "connection refused"


@everybody
def test_a_name_that_cannot_be_resolved(ask: Asks) -> None:
    assert told(lambda: ask("https://nowhere.invalid/")).startswith("its name cannot be resolved: ")


@everybody
def test_an_answer_that_does_not_come(ask: Asks) -> None:
    end = threading.Event()
    with server(lambda _connection: end.wait(10)) as address:
        assert told(lambda: ask(f"http://{address}/")) == "no answer in time"
        end.set()


@everybody
def test_a_listener_that_takes_no_connection(ask: Asks) -> None:
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        # These fill what the kernel keeps for a listener that accepts nobody.
        for _waiting in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        port = listener.getsockname()[1]
        assert told(lambda: ask(f"http://127.0.0.1:{port}/")) == "no answer in time"


@everybody
def test_a_connection_that_is_closed(ask: Asks) -> None:
    with server(lambda connection: connection.recv(4096)) as address:
        assert told(lambda: ask(f"http://{address}/")) == "the connection was closed before the answer"


@everybody
def test_an_answer_that_is_not_http(ask: Asks) -> None:
    with server(lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")) as address:
        assert told(lambda: ask(f"http://{address}/")) == "the answer is not HTTP"


def test_an_answer_that_is_broken_off() -> None:
    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf")

    with server(serve) as address:
        words = told(lambda: by_urllib3(f"http://{address}/"))
        assert words == "the connection was closed in the middle of the answer"


def test_a_port_without_tls() -> None:
    with server(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as address:
        assert told(lambda: by_urllib3(f"https://{address}/")) == "the port does not speak TLS"


@pytest.mark.parametrize(
    ("days", "name", "trusted", "why"),
    [
        (30, "localhost", False, "self"),
        (-1, "localhost", True, "certificate has expired"),
        (30, "elsewhere", True, "Hostname mismatch"),
    ],
)
def test_a_certificate_that_is_not_accepted(
    tmp_path: Path, days: int, name: str, trusted: bool, why: str
) -> None:
    context = certificate(tmp_path, days, name)

    def serve(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True):
            pass

    with server(serve) as address:
        url = f"https://localhost:{address.partition(':')[2]}/"
        authority = str(tmp_path / "server.pem") if trusted else None
        words = told(lambda: by_urllib3(url, authority))
    assert words.startswith("its certificate is not accepted: ")
    assert why in words


def test_a_server_that_asks_for_a_certificate(tmp_path: Path) -> None:
    context = certificate(tmp_path, 30, "localhost")
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(tmp_path / "server.pem")

    def serve(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True):
            pass

    with server(serve) as address:
        url = f"https://localhost:{address.partition(':')[2]}/"
        assert told(lambda: by_urllib3(url, str(tmp_path / "server.pem"))) in (
            "it asks for a client certificate",
            "the connection was closed before the answer",
        )


def test_what_has_no_words_of_its_own_is_named_without_pythons_objects() -> None:
    error = ValueError(f"{object()}: no such thing")
    assert no_answer.words(error) == "no such thing"
    assert no_answer.words(ValueError()) == "ValueError"
