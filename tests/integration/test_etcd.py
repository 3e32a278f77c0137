"""A real etcd lets nobody in without a certificate, and keeps its data whatever it asks for."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from http.client import HTTPException, HTTPSConnection
from pathlib import Path

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import etcd_client
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import waiting
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status import ports
from servers import Artifacts, Etcd, Server, configure

REFUSED = "The connection is closed."
WRONG = """
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.pem -out ca -days 1 -subj /CN=etcd-ca
openssl req -newkey rsa:2048 -nodes -keyout wrong.key -out request -subj /CN=kube-apiserver-etcd-client
openssl x509 -req -in request -CA ca -CAkey ca.pem -set_serial 1 -days 1 -out wrong.crt
"""


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the role has written, with a certificate of somebody else's authority of the same name."""
    directory = tmp_path_factory.mktemp("written")
    configure(directory, "certificates")
    subprocess.run(["sh", "-ec", WRONG], cwd=directory / "pki", check=True, capture_output=True)
    return directory


@pytest.fixture(scope="module")
def server(artifacts: Artifacts, directory: Path, run: Callable[[Server], Server]) -> Iterator[Etcd]:
    """An etcd that asks for certificates."""
    server = Etcd(artifacts.unpack_etcd(directory), directory / "etcd.log", directory / "pki")
    run(server)
    is_healthy(server)
    yield server
    server.stop()


def is_healthy(server: Etcd) -> None:
    """It is, as who has the right certificate sees it."""
    assert waiting.until_none(etcd_client.Etcd(server.access, 5).unhealthy, timeout=30) == []


def ask(server: Etcd, port: int, client: str, path: str, body: str | None = None) -> str:
    """What a client gets, or that it is not let in."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if client:
        assert server.pki
        context.load_cert_chain(server.pki / f"{client}.crt", server.pki / f"{client}.key")
    try:
        connection = HTTPSConnection("127.0.0.1", port, timeout=10, context=context)
        connection.request("POST" if body else "GET", path, body)
        return connection.getresponse().read().decode()
    except (OSError, HTTPException):
        return REFUSED


@pytest.mark.parametrize("client", ["", "wrong", "admin", "apiserver-kubelet-client", "kubelet-client"])
def test_it_lets_nobody_in_without_a_certificate_of_its_authority(server: Etcd, client: str) -> None:
    everything = json.dumps({"key": "AA==", "range_end": "AA=="})
    for port in (server.port, server.peer_port):
        for path, body in (
            ("/version", None),
            ("/health", None),
            ("/metrics", None),
            ("/v3/kv/range", everything),
        ):
            assert ask(server, port, client, path, body) == REFUSED


def test_it_lets_nobody_in_without_tls(server: Etcd) -> None:
    for port in (server.port, server.peer_port):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as stream:
            stream.sendall(b"GET /version HTTP/1.0\r\n\r\n")
            assert b"etcdserver" not in stream.recv(1000)


def test_it_lets_kube_apiserver_in(server: Etcd) -> None:
    assert "etcdserver" in ask(server, server.port, "apiserver-etcd-client", "/version")


def test_data_stays_when_it_begins_and_ceases_to_ask_for_certificates(server: Etcd, directory: Path) -> None:
    encoded = {name: base64.b64encode(name.encode()).decode() for name in ("key", "value")}
    for pki in (None, directory / "pki", None, directory / "pki"):
        server.stop()
        server.secure(pki)
        server.start()
        is_healthy(server)
        if pki is None:
            server.post("/v3/kv/put", encoded)
        (found,) = server.post("/v3/kv/range", {"key": encoded["key"]})["kvs"]
        assert found["value"] == encoded["value"]


def test_a_renewed_certificate_changes_its_manifest_and_is_served(server: Etcd, directory: Path) -> None:
    def annotation() -> str:
        text = (directory / "manifests" / "etcd.yaml").read_text()
        return next(line for line in text.splitlines() if "mink8s/certificates:" in line)

    before, pki = annotation(), directory / "pki"
    authority, certificate = ((pki / f"{name}.crt").read_text() for name in ("etcd-ca", "etcd"))
    configure(directory, "certificates", valid_days=800, renew_days=400)
    assert (pki / "etcd-ca.crt").read_text() == authority
    assert (pki / "etcd.crt").read_text() != certificate
    assert annotation() != before
    server.stop()
    server.secure(pki)
    server.start()
    is_healthy(server)
    context = ssl.create_default_context(cafile=pki / "etcd-ca.crt")
    context.load_cert_chain(server.access.certificate, server.access.key)
    with context.wrap_socket(
        socket.create_connection(("127.0.0.1", server.port)), server_hostname="127.0.0.1"
    ) as tls:
        der = tls.getpeercert(binary_form=True)
    assert der == ssl.PEM_cert_to_DER_cert((pki / "etcd.crt").read_text())


def test_status_sees_that_it_lets_nobody_in_and_is_well(server: Etcd) -> None:
    client = (server.access.certificate, server.access.key)
    assert ports.knock("127.0.0.1", server.port, "/health", client) == (401, 200)
    assert ports.knock("127.0.0.1", server.port, "/health") == (401, 401)
    assert ports.knock("127.0.0.1", server.peer_port, "/health")[0] == 401
