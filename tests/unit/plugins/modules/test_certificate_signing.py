"""A node asks with keys of its own, and gets what is for it alone."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.pki import (
    certificates,
    node_certificates,
    requests,
    signing,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.pki import x509 as pki
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

NOW = datetime.now(timezone.utc).replace(microsecond=0)
KUBELET = {
    "name": "kubelet",
    "authority": "kubelet-ca",
    "common_name": "beta",
    "organizations": [],
    "dns_names": ["beta"],
    "ip_addresses": ["127.0.0.1", "192.0.2.8"],
    "usages": ["server"],
}
CLIENT = {
    "name": "kubelet-client",
    "authority": "ca",
    "common_name": "system:node:beta",
    "organizations": ["system:nodes"],
    "dns_names": [],
    "ip_addresses": [],
    "usages": ["client"],
}
PROXY = {**CLIENT, "name": "kube-proxy", "common_name": "system:kube-proxy", "organizations": []}
WANTED = [KUBELET, CLIENT, PROXY]
NAMES = [entry["name"] for entry in WANTED]


def module(name: str, options: dict[str, Any], *, check: bool = False) -> dict[str, Any]:
    """The result of a module."""
    done = subprocess.run(
        [sys.executable, "-m", f"ansible_collections.mink8s.kubernetes.plugins.modules.{name}"],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": {**options, "_ansible_check_mode": check}}),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
        capture_output=True,
        check=False,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def make_authorities(directory: Path, *, days: int = 3650) -> Path:
    """What the control plane host has."""
    desired = certificates.read_options(
        {
            "authorities": [{"name": name, "common_name": name} for name in ("ca", "kubelet-ca", "etcd-ca")],
            "certificates": [],
            "key_pairs": [],
            "valid_days": 365,
            "authority_valid_days": days,
            "renew_days": 30,
        }
    )
    found = certificates.observe(directory, desired)
    certificates.apply(directory, desired, found, certificates.plan(desired, found, NOW), NOW)
    return directory


def asked(certificate: dict[str, Any], key: pki.PrivateKey | None = None, **contents: Any) -> dict[str, str]:
    """What a node sends that wants a certificate, and something else with it."""
    (wanted,) = requests.read_options({"certificates": [certificate]}).values()
    request = signing.request(replace(wanted.contents, **contents), key or signing.new_key())
    return sent(certificate["name"], request)


def sent(name: str, request: x509.CertificateSigningRequest) -> dict[str, str]:
    return {"name": name, "request": pki.request_pem(request).decode(), "certificate": ""}


class Cluster:
    """A control plane host and a node."""

    def __init__(self, directory: Path) -> None:
        self.control_plane, self.node = directory / "alpha", directory / "beta"
        self.ledger = directory / "ledger.json"
        make_authorities(self.control_plane)

    def ask(self, *, check: bool = False) -> dict[str, Any]:
        options = {"directory": str(self.node), "certificates": WANTED, "ledger": str(self.ledger)}
        return module("certificate_requests", options, check=check)

    def options(self, wanted: list[dict[str, Any]], requests: list[dict[str, str]]) -> dict[str, Any]:
        return {
            "node_name": "beta",
            "users": ["system:kube-proxy"],
            "certificates": wanted,
            "requests": requests,
            "valid_days": 365,
            "renew_days": 30,
        }

    def sign(self, requests: list[dict[str, str]], *, check: bool = False) -> dict[str, Any]:
        options = {**self.options(WANTED, requests), "directory": str(self.control_plane)}
        return module("certificate_signing", options, check=check)

    def sign_at(self, now: datetime, wanted: list[dict[str, Any]], requests: list[dict[str, str]]) -> Any:
        desired = node_certificates.read_options(self.options(wanted, requests))
        return node_certificates.sign(desired, self.authorities(), now)

    def write(
        self, signed: dict[str, Any], *, check: bool = False, wanted: list[dict[str, Any]] | None = None
    ) -> dict[str, Any]:
        """Have the node write what was signed."""
        authorities = [
            {"name": name, "common_name": name, "certificate": signed["authorities"].get(name, "")}
            for name in ("ca", "kubelet-ca")
        ]
        options = {
            "directory": str(self.node),
            "authorities": authorities,
            "certificates": wanted or WANTED,
            "signed": signed["signed"],
            "files": [{"path": f"{self.node}/ca-data", "content": "CERTIFICATE(ca)"}],
            "ledger": str(self.ledger),
        }
        return module("certificates", {**options, "_ansible_diff": True}, check=check)

    def join(self) -> dict[str, Any]:
        """All that the node does, for the first time or again; what the last step returns."""
        return self.write(self.sign(self.ask()["requests"]))

    def authorities(self) -> dict[str, pki.Found]:
        return {name: pki.load(self.control_plane, name) for name in node_certificates.AUTHORITIES}


@pytest.fixture
def cluster(tmp_path: Path) -> Cluster:
    return Cluster(tmp_path)


def test_a_node_makes_its_keys_once_and_nobody_is_shown_them(cluster: Cluster) -> None:
    said = cluster.ask(check=True)
    assert said["reasons"] == [f"{name}.key is missing" for name in NAMES]
    assert said["requests"] == [{"name": name, "request": "", "certificate": ""} for name in NAMES]
    assert not cluster.node.exists()
    assert not cluster.ledger.exists()
    made = cluster.ask()
    assert made["changed"]
    assert made["reasons"] == said["reasons"]
    paths = [cluster.node / f"{name}.key" for name in NAMES]
    assert sorted(cluster.node.iterdir()) == sorted(paths)
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
    assert stat.S_IMODE(cluster.node.stat().st_mode) == 0o755
    noted = json.loads(cluster.ledger.read_text())["paths"]
    assert noted == {str(cluster.node): "directory", **{str(path): "file" for path in paths}}
    assert "PRIVATE" not in json.dumps(made)
    keys = [path.read_bytes() for path in paths]
    assert not cluster.ask()["changed"]
    assert [path.read_bytes() for path in paths] == keys


def test_a_damaged_key_is_made_again(cluster: Cluster) -> None:
    cluster.ask()
    (cluster.node / "kubelet.key").write_text("no key")
    assert cluster.ask()["reasons"] == ["kubelet.key is not an RSA or ECDSA key in PEM without a passphrase"]
    assert pki.load(cluster.node, "kubelet").key


def test_what_a_node_asks_for_is_signed_over_its_keys(cluster: Cluster) -> None:
    before = {path: path.read_bytes() for path in cluster.control_plane.iterdir()}
    result = cluster.sign(cluster.ask()["requests"])
    assert not result["changed"]
    assert result["reasons"] == [f"{name}.crt is missing" for name in NAMES]
    assert {path: path.read_bytes() for path in cluster.control_plane.iterdir()} == before
    assert result["authorities"] == {
        name: (cluster.control_plane / f"{name}.crt").read_text() for name in ("ca", "kubelet-ca")
    }
    assert list(result["signed"]) == NAMES
    assert "PRIVATE" not in json.dumps(result)
    for entry in WANTED:
        (wanted,) = requests.read_options({"certificates": [entry]}).values()
        certificate = pki.read_certificate(result["signed"][entry["name"]])
        key = pki.load(cluster.node, wanted.name).key
        assert key
        assert pki.same_key(certificate, key)
        assert pki.contents(certificate) == wanted.contents
        authority = pki.Request(wanted.authority, pki.Contents(wanted.authority), 1)
        assert pki.signed_by(certificate, authority, cluster.authorities()[wanted.authority])
        constraints = pki.extension(certificate, x509.BasicConstraints)
        assert constraints
        assert not constraints.ca


def test_what_is_there_stays(cluster: Cluster) -> None:
    first = cluster.sign(cluster.ask()["requests"])["signed"]
    for name, text in first.items():
        (cluster.node / f"{name}.crt").write_text(text)
    again = cluster.sign(cluster.ask()["requests"])
    assert again["signed"] == first
    assert again["reasons"] == []


def test_without_a_key_there_is_nothing_to_sign_yet(cluster: Cluster) -> None:
    result = cluster.sign(cluster.ask(check=True)["requests"], check=True)
    assert result["signed"] == {}
    assert result["reasons"] == [f"{name}.crt is to be signed when its key is there" for name in NAMES]
    assert list(result["authorities"]) == ["ca", "kubelet-ca"]


@pytest.mark.parametrize("name", ["ca", "kubelet-ca"])
def test_without_authorities_the_control_plane_host_comes_first(cluster: Cluster, name: str) -> None:
    for kind in ("crt", "key"):
        (cluster.control_plane / f"{name}.{kind}").unlink()
    said = cluster.sign([])
    assert said["failed"]
    path = f"{cluster.control_plane}/{name}.crt"
    assert said["msg"] == f"{path} is missing. Run the playbook site for the control plane host first."
    empty = cluster.sign([], check=True)
    assert {key: empty[key] for key in ("changed", "signed", "authorities", "reasons")} == {
        "changed": False,
        "signed": {},
        "authorities": {},
        "reasons": [],
    }


def signed_first(cluster: Cluster, key: pki.PrivateKey) -> dict[str, str]:
    """What the node sends that has a certificate over this key."""
    request = asked(KUBELET, key)
    first = cluster.sign_at(NOW, [KUBELET], [request]).certificates["kubelet"]
    return {**request, "certificate": pki.certificate_pem(first).decode()}


def test_a_certificate_is_renewed_before_it_expires(cluster: Cluster) -> None:
    request = signed_first(cluster, signing.new_key())
    assert cluster.sign_at(NOW + timedelta(days=335), [KUBELET], [request]).reasons == ()
    later = NOW + timedelta(days=353)
    renewed = cluster.sign_at(later, [KUBELET], [request])
    assert renewed.reasons == ("kubelet.crt expires in 12 days",)
    assert pki.not_after(renewed.certificates["kubelet"]) == later + timedelta(days=365)


def test_another_address_key_or_authority_is_a_reason(cluster: Cluster) -> None:
    key = signing.new_key()
    there = signed_first(cluster, key)["certificate"]
    moved = {**KUBELET, "ip_addresses": ["127.0.0.1", "192.0.2.9"]}
    assert cluster.sign_at(NOW, [moved], [{**asked(moved, key), "certificate": there}]).reasons == (
        "kubelet.crt: ip addresses changed: now 127.0.0.1, 192.0.2.8, wanted 127.0.0.1, 192.0.2.9",
    )
    assert cluster.sign_at(NOW, [KUBELET], [{**asked(KUBELET), "certificate": there}]).reasons == (
        "kubelet.key does not belong to kubelet.crt",
    )
    for kind in ("crt", "key"):
        (cluster.control_plane / f"kubelet-ca.{kind}").unlink()
    make_authorities(cluster.control_plane)
    assert cluster.sign_at(NOW, [KUBELET], [{**asked(KUBELET, key), "certificate": there}]).reasons == (
        "kubelet.crt is not signed by kubelet-ca",
    )


def test_nothing_outlives_its_authority(tmp_path: Path) -> None:
    cluster = Cluster(tmp_path)
    for path in cluster.control_plane.iterdir():
        path.unlink()
    make_authorities(cluster.control_plane, days=100)
    signed = cluster.sign_at(NOW, [KUBELET], [asked(KUBELET)])
    assert pki.not_after(signed.certificates["kubelet"]) == NOW + timedelta(days=100)


def test_an_authority_without_its_key_is_enough_while_nothing_is_signed(cluster: Cluster) -> None:
    request = signed_first(cluster, signing.new_key())
    (cluster.control_plane / "kubelet-ca.key").unlink()
    assert cluster.sign_at(NOW, [KUBELET], [request]).reasons == ()
    with pytest.raises(ValueError, match=r"kubelet.crt is missing on node beta, but kubelet-ca can't sign"):
        cluster.sign_at(NOW, [KUBELET], [asked(KUBELET)])


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        ({**CLIENT, "common_name": "system:node:gamma"}, "common name system:node:gamma, where only"),
        ({**CLIENT, "organizations": ["system:masters"]}, "organizations system:masters, where only"),
        (
            {**CLIENT, "organizations": ["system:masters", "system:nodes"]},
            "organizations system:masters, system:nodes, where only system:nodes is allowed",
        ),
        ({**CLIENT, "usages": ["client", "server"]}, "usages client, server, where only client"),
        ({**CLIENT, "usages": ["server"]}, "usages server, where only client is allowed"),
        ({**CLIENT, "dns_names": ["kubernetes"]}, "dns names kubernetes, where only none is allowed"),
        ({**CLIENT, "ip_addresses": ["10.0.0.1"]}, "ip addresses 10.0.0.1, where only none is allowed"),
        ({**CLIENT, "common_name": "system:kube-scheduler"}, "common name system:kube-scheduler, where"),
        ({**CLIENT, "common_name": "kubernetes-admin"}, "common name kubernetes-admin, where only"),
        ({**PROXY, "organizations": ["system:masters"]}, "organizations system:masters, where only none"),
        ({**PROXY, "usages": ["server"]}, "usages server, where only client is allowed"),
        ({**KUBELET, "common_name": "gamma"}, "common name gamma, where only beta is allowed"),
        ({**KUBELET, "dns_names": ["beta", "alpha"]}, "dns names alpha, beta, where only beta is allowed"),
        ({**KUBELET, "usages": ["client"]}, "usages client, where only server is allowed"),
        ({**KUBELET, "organizations": ["system:masters"]}, "organizations system:masters, where only none"),
        ({**KUBELET, "authority": "ca"}, "common name beta, where only system:node:beta is allowed"),
        ({**CLIENT, "authority": "kubelet-ca"}, "common name system:node:beta, where only beta"),
        ({**CLIENT, "authority": "etcd-ca"}, "a node gets no certificates from etcd-ca, but from ca and"),
    ],
)
def test_what_is_not_for_this_node_is_refused(cluster: Cluster, wanted: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        cluster.sign_at(NOW, [wanted], [asked(wanted)])
    assert str(caught.value).startswith(f"{wanted['name']} for node beta is refused: ")
    assert message in str(caught.value)
    assert str(caught.value).endswith("Nothing was signed.")


def test_a_user_is_refused_whose_component_does_not_run_on_nodes(cluster: Cluster) -> None:
    wanted = {**PROXY, "name": "kube-scheduler", "common_name": "system:kube-scheduler"}
    with pytest.raises(ValueError, match="kube-scheduler for node beta is refused"):
        cluster.sign_at(NOW, [wanted], [asked(wanted)])


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (asked(CLIENT, common_name="system:node:gamma"), "the request has common name system:node:gamma"),
        (asked(CLIENT, organizations=("system:masters",)), "organizations system:masters, where only"),
        (asked(CLIENT, usages=("client", "server")), "usages client, server, where only client"),
        (asked(CLIENT, usages=()), "usages none, where only client is allowed"),
        (asked(CLIENT, dns_names=("kubernetes",)), "dns names kubernetes, where only none"),
        (asked(CLIENT, ip_addresses=("192.0.2.7",)), "ip addresses 192.0.2.7, where only none"),
        ({"name": "kubelet-client", "request": "?", "certificate": ""}, "is not a signing request in PEM"),
        ({**asked(CLIENT), "name": "admin"}, "admin for node beta is refused: it is not in certificates"),
    ],
)
def test_a_request_for_something_else_is_refused(
    cluster: Cluster, request_: dict[str, str], message: str
) -> None:
    with pytest.raises(ValueError) as caught:
        cluster.sign_at(NOW, [CLIENT], [request_])
    assert f"{request_['name']} for node beta is refused: " in str(caught.value)
    assert message in str(caught.value)


def builder(*, unit: str = "") -> x509.CertificateSigningRequestBuilder:
    """What the kubelet of beta asks kube-apiserver's authority with, and an organizational unit if given."""
    names = [(NameOID.ORGANIZATION_NAME, "system:nodes"), (NameOID.COMMON_NAME, "system:node:beta")]
    names += [(NameOID.ORGANIZATIONAL_UNIT_NAME, unit)] if unit else []
    subject = x509.Name([x509.NameAttribute(*name) for name in names])
    usage = x509.ExtendedKeyUsage([pki.USAGES["client"]])
    return x509.CertificateSigningRequestBuilder().subject_name(subject).add_extension(usage, critical=False)


def test_what_else_a_request_can_ask_for_is_refused(cluster: Cluster) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    constraints = x509.BasicConstraints(ca=True, path_length=None)
    locator = x509.SubjectAlternativeName([x509.UniformResourceIdentifier("spiffe://cluster/admin")])
    others = {
        "the subject OU=operators": builder(unit="operators"),
        "the extension 2.5.29.19": builder().add_extension(constraints, critical=True),
        "the alternative name spiffe://cluster/admin": builder().add_extension(locator, critical=False),
    }
    for message, other in others.items():
        with pytest.raises(ValueError, match="kubelet-client for node beta is refused") as caught:
            cluster.sign_at(NOW, [CLIENT], [sent("kubelet-client", other.sign(key, hashes.SHA256()))])
        assert message in str(caught.value)
    assert cluster.sign_at(
        NOW, [CLIENT], [sent("kubelet-client", builder().sign(key, hashes.SHA256()))]
    ).certificates


def test_a_request_that_is_not_signed_with_its_own_key_is_refused(cluster: Cluster) -> None:
    key, other = (ec.generate_private_key(ec.SECP256R1()) for _each in range(2))
    forms = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    theirs, own = (each.public_key().public_bytes(*forms) for each in (other, key))
    request = builder().sign(key, hashes.SHA256())
    forged = x509.load_der_x509_csr(request.public_bytes(serialization.Encoding.DER).replace(own, theirs))
    assert pki.request_pem(forged) != pki.request_pem(request)
    with pytest.raises(ValueError, match="what was sent is not signed with the key that it names"):
        cluster.sign_at(NOW, [CLIENT], [sent("kubelet-client", forged)])


def test_a_request_over_another_kind_of_key_is_refused(cluster: Cluster) -> None:
    request = builder().sign(ed25519.Ed25519PrivateKey.generate(), None)
    with pytest.raises(ValueError, match="what was sent is not over an RSA or ECDSA key"):
        cluster.sign_at(NOW, [CLIENT], [sent("kubelet-client", request)])


def test_a_request_that_is_sent_twice_is_refused(cluster: Cluster) -> None:
    with pytest.raises(ValueError, match="kubelet-client for node beta is refused: it is asked for twice"):
        cluster.sign_at(NOW, [CLIENT], [asked(CLIENT), asked(CLIENT)])


def test_a_refusal_is_the_error_of_the_module(cluster: Cluster) -> None:
    requests = [asked(CLIENT, common_name="system:node:gamma")]
    said = cluster.sign(requests)
    assert said["failed"]
    assert said["msg"] == (
        "kubelet-client for node beta is refused: the request has common name system:node:gamma, where only"
        " system:node:beta is allowed. Nothing was signed."
    )


def test_addresses_are_compared_by_what_they_mean(cluster: Cluster) -> None:
    six = {**KUBELET, "ip_addresses": [str(ip_address("::1"))]}
    request = asked(six)
    assert cluster.sign_at(NOW, [{**six, "ip_addresses": ["0:0:0:0:0:0:0:1"]}], [request]).certificates


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_a_node_has_its_certificates_and_nobody_elses_keys(cluster: Cluster) -> None:
    written = cluster.join()
    assert written["reasons"] == [
        "ca.crt is missing",
        "kubelet-ca.crt is missing",
        *(f"{name}.crt is missing" for name in NAMES),
        f"{cluster.node}/ca-data is missing",
    ]
    expected = {f"{name}.{kind}" for name in NAMES for kind in ("crt", "key")}
    assert contents(cluster.node).keys() == expected | {"ca.crt", "kubelet-ca.crt", "ca-data"}
    for name in ("ca", "kubelet-ca"):
        there = (cluster.control_plane / f"{name}.crt").read_bytes()
        assert (cluster.node / f"{name}.crt").read_bytes() == there
    assert written["certificates"].keys() == {"ca", "kubelet-ca", *NAMES}
    assert all(len(known["fingerprint"]) == 64 for known in written["certificates"].values())
    assert "kubelet.crt: common name beta; dns names beta; " in written["diff"]["after"]
    assert "ca.key" not in str(written["diff"])
    assert "PRIVATE" not in json.dumps(written)
    noted = json.loads(cluster.ledger.read_text())["paths"]
    assert {Path(path).name for path, kind in noted.items() if kind == "file"} == {*contents(cluster.node)}
    before = contents(cluster.node)
    again = cluster.join()
    assert not again["changed"]
    assert again["reasons"] == []
    assert contents(cluster.node) == before


def test_check_mode_says_what_a_first_run_does(cluster: Cluster) -> None:
    signed = cluster.sign(cluster.ask(check=True)["requests"], check=True)
    said = cluster.write(signed, check=True)
    nothing_known = cluster.write({"signed": {}, "authorities": {}}, check=True)
    assert not cluster.node.exists()
    written = cluster.join()
    assert said["reasons"] == nothing_known["reasons"] == written["reasons"]
    assert said["changed_files"] == nothing_known["changed_files"] == written["changed_files"]
    assert {known["fingerprint"] for known in said["certificates"].values()} == {""}


def test_check_mode_without_anything_signed_finds_a_node_as_it_was_left(cluster: Cluster) -> None:
    cluster.join()
    assert cluster.write({"signed": {}, "authorities": {}}, check=True)["reasons"] == []
    (cluster.node / "kubelet.crt").unlink()
    said = cluster.write({"signed": {}, "authorities": {}}, check=True)
    assert said["reasons"] == ["kubelet.crt is missing"]


def test_a_new_authority_of_the_control_plane_host_comes_to_the_node(cluster: Cluster) -> None:
    cluster.join()
    keys = {name: text for name, text in contents(cluster.node).items() if name.endswith(".key")}
    for kind in ("crt", "key"):
        (cluster.control_plane / f"ca.{kind}").unlink()
    make_authorities(cluster.control_plane)
    assert cluster.join()["reasons"] == [
        "ca.crt is not the control plane host's",
        "kubelet-client.crt is not signed by ca",
        "kube-proxy.crt is not signed by ca",
        f"{cluster.node}/ca-data has other content",
    ]
    assert {name: text for name, text in contents(cluster.node).items() if name.endswith(".key")} == keys
    assert not cluster.join()["changed"]


def test_a_certificate_that_was_signed_anew_is_written(cluster: Cluster) -> None:
    requests = cluster.ask()["requests"]
    cluster.write(cluster.sign(requests))
    written = cluster.write(cluster.sign(requests))
    assert written["reasons"] == [f"{name}.crt was signed anew" for name in NAMES]


@pytest.mark.parametrize("content", ["PEM", "no key"])
def test_a_host_with_an_authority_of_its_own_does_not_join(cluster: Cluster, content: str) -> None:
    signed = cluster.sign(cluster.ask()["requests"])
    own = (cluster.control_plane / "ca.key").read_text() if content == "PEM" else content
    (cluster.node / "ca.key").write_text(own)
    before = contents(cluster.node)
    said = cluster.write(signed)
    assert said["failed"]
    assert "ca.key is there, so this host has, or had, a control plane of its own." in said["msg"]
    assert "Run the playbook reset for this host" in said["msg"]
    assert contents(cluster.node) == before


def test_what_was_signed_for_another_key_or_name_is_not_written(cluster: Cluster) -> None:
    signed = cluster.sign(cluster.ask()["requests"])
    before = contents(cluster.node)
    theirs = cluster.sign_at(NOW, [KUBELET], [asked(KUBELET)]).certificates["kubelet"]
    changed = {**signed["signed"], "kubelet": pki.certificate_pem(theirs).decode()}
    said = cluster.write({**signed, "signed": changed})
    assert "signed: kubelet.key does not belong to kubelet.crt." in said["msg"]
    said = cluster.write(signed, wanted=[{**KUBELET, "common_name": "gamma"}])
    assert "signed: kubelet.crt: common name changed: now beta, wanted gamma." in said["msg"]
    said = cluster.write({**signed, "signed": {**signed["signed"], "kubelet": "?"}})
    assert "signed: kubelet: what was given is not a certificate in PEM" in said["msg"]
    assert contents(cluster.node) == before


def test_what_nobody_has_signed_is_an_error(cluster: Cluster) -> None:
    signed = cluster.sign(cluster.ask()["requests"])
    before = contents(cluster.node)
    said = cluster.write({**signed, "signed": {}})
    assert "kubelet.crt has to be written, but the control plane host has not given one." in said["msg"]
    assert contents(cluster.node) == before


def test_an_open_key_of_a_node_is_closed(cluster: Cluster) -> None:
    cluster.join()
    (cluster.node / "kubelet.key").chmod(0o644)
    assert cluster.join()["reasons"] == ["kubelet.key has mode 0644, others can read it"]
    assert stat.S_IMODE((cluster.node / "kubelet.key").stat().st_mode) == 0o600
