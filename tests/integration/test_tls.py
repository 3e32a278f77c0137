"""A kube-apiserver serves and knows its clients with the certificates that are made for it."""

from __future__ import annotations

import hashlib
import json
import ssl
from http.client import HTTPSConnection
from typing import TYPE_CHECKING

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.api import kubernetes_client, service_account
from kubernetes.client.exceptions import ApiException
from servers import NODE

if TYPE_CHECKING:
    from pathlib import Path

    from servers import Apiserver


def connect(
    apiserver: Apiserver, authority: str = "ca", client: str | None = None, host: str = "127.0.0.1"
) -> HTTPSConnection:
    """A connection that trusts one authority and shows one certificate."""
    pki = apiserver.directory / "pki"
    context = ssl.create_default_context(cafile=pki / f"{authority}.crt")
    if client:
        context.load_cert_chain(pki / f"{client}.crt", pki / f"{client}.key")
    connection = HTTPSConnection(host, apiserver.port, context=context, timeout=30)
    connection.connect()
    return connection


def ask(connection: HTTPSConnection, path: str = "/healthz") -> tuple[int, bytes]:
    connection.request("GET", path)
    response = connection.getresponse()
    return response.status, response.read()


def fingerprint(path: Path) -> str:
    der = ssl.PEM_cert_to_DER_cert(path.read_text())
    return hashlib.sha256(der).hexdigest()


def fingerprints(apiserver: Apiserver) -> dict[str, str]:
    return {path.stem: fingerprint(path) for path in (apiserver.directory / "pki").glob("*.crt")}


def served(apiserver: Apiserver) -> str:
    """The fingerprint of the certificate that the running server shows."""
    connection = connect(apiserver)
    assert isinstance(connection.sock, ssl.SSLSocket)
    der = connection.sock.getpeercert(binary_form=True)
    assert der
    return hashlib.sha256(der).hexdigest()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_it_serves_with_its_certificate_to_who_shows_one(tls_apiserver: Apiserver, host: str) -> None:
    assert ask(connect(tls_apiserver, client="admin", host=host)) == (200, b"ok")
    assert served(tls_apiserver) == fingerprints(tls_apiserver)["apiserver"]


def test_it_answers_health_checks_alone_to_nobody(tls_apiserver: Apiserver) -> None:
    admin = connect(tls_apiserver, client="admin")
    paths = json.loads(ask(admin, "/")[1])["paths"]
    answers = {path: ask(connect(tls_apiserver), path)[0] for path in paths}
    # Health as a whole: its parts, and everything else, are for those it knows.
    public = ("/healthz", "/livez", "/readyz", "/version")
    assert answers == {path: 200 if path in public else 403 for path in paths}


def test_it_knows_nobody_with_the_kubelets_certificate(tls_apiserver: Apiserver) -> None:
    assert ask(connect(tls_apiserver, client="apiserver-kubelet-client"))[0] == 401


def test_it_is_not_trusted_by_who_trusts_only_the_kubelets_authority(tls_apiserver: Apiserver) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(tls_apiserver, authority="kubelet-ca")


def test_the_kubelet_is_known_as_its_node_and_may_do_what_a_node_may(tls_apiserver: Apiserver) -> None:
    core = tls_apiserver.core("kubelet.conf")
    with pytest.raises(ApiException) as caught:
        core.read_node(NODE)
    assert caught.value.status == 404
    with pytest.raises(ApiException) as caught:
        core.list_secret_for_all_namespaces()
    assert caught.value.status == 403
    assert f'User \\"system:node:{NODE}\\" cannot list resource' in str(caught.value.body)
    with pytest.raises(ApiException) as caught:
        service_account.observe(core, ["default"])
    assert kubernetes_client.explain(caught.value).startswith("HTTP 403 Forbidden")


def test_renewed_certificates_are_accepted(tls_apiserver: Apiserver) -> None:
    before, manifest = fingerprints(tls_apiserver), tls_apiserver.manifest()
    tls_apiserver.configure(valid_days=800, renew_days=400)
    after = fingerprints(tls_apiserver)
    unchanged = [name for name in before if before[name] == after[name]]
    assert sorted(unchanged) == ["ca", "etcd-ca", "front-proxy-ca", "kubelet-ca"]
    assert tls_apiserver.manifest()["metadata"] != manifest["metadata"]
    assert ask(connect(tls_apiserver, client="admin")) == (200, b"ok")
    tls_apiserver.stop()
    tls_apiserver.start()
    assert served(tls_apiserver) == after["apiserver"]
