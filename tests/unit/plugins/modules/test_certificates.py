"""Certificates are kept while they serve, and issued again for a reason that is named."""

from __future__ import annotations

import base64
import json
import os
import pwd
import re
import shutil
import stat
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from ansible_collections.mink8s.kubernetes.plugins.module_utils.pki import certificates, signing
from ansible_collections.mink8s.kubernetes.plugins.module_utils.pki import x509 as pki
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
APISERVER = {
    "name": "apiserver",
    "authority": "ca",
    "common_name": "kube-apiserver",
    "organizations": [],
    "dns_names": ["localhost", "kubernetes.default.svc"],
    "ip_addresses": ["10.96.0.1", "127.0.0.1"],
    "usages": ["server"],
}
ADMIN = {
    "name": "admin",
    "authority": "ca",
    "common_name": "kubernetes-admin",
    "organizations": ["system:masters"],
    "dns_names": [],
    "ip_addresses": [],
    "usages": ["client"],
}
OPTIONS = {
    "authorities": [{"name": "ca", "common_name": "kubernetes"}],
    "certificates": [APISERVER, ADMIN],
    "key_pairs": ["sa"],
    "valid_days": 365,
    "authority_valid_days": 3650,
    "renew_days": 30,
}


def run(options: dict[str, Any]) -> dict[str, Any]:
    """The module's result."""
    done = subprocess.run(
        [sys.executable, "-m", "ansible_collections.mink8s.kubernetes.plugins.modules.certificates"],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": options}),
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        text=True,
        capture_output=True,
        check=False,
    )
    result: dict[str, Any] = json.loads(done.stdout)
    return result


class Infrastructure:
    """A directory and what the module does to it."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def run(self, now: datetime = NOW, **options: object) -> list[str]:
        desired = certificates.read_options({**OPTIONS, **options})
        found = certificates.observe(self.directory, desired)
        work = certificates.plan(desired, found, now)
        certificates.apply(self.directory, desired, found, work, now)
        return list(work.plan.reasons)

    def certificate(self, name: str) -> x509.Certificate:
        certificate = pki.load(self.directory, name).certificate
        assert certificate
        return certificate

    def key(self, name: str) -> bytes:
        return (self.directory / f"{name}.key").read_bytes()

    def signed(self, name: str) -> bool:
        """Whether ca has signed the certificate and the key belongs to it."""
        desired = certificates.read_options(OPTIONS)
        found = pki.load(self.directory, name)
        assert found.certificate
        assert found.key
        authority = pki.load(self.directory, "ca")
        return pki.signed_by(found.certificate, desired.requests["ca"], authority) and pki.same_key(
            found.certificate, found.key
        )


@pytest.fixture
def made(tmp_path: Path) -> Infrastructure:
    infrastructure = Infrastructure(tmp_path / "pki")
    infrastructure.run()
    return infrastructure


def test_everything_is_made_with_its_modes(tmp_path: Path) -> None:
    infrastructure = Infrastructure(tmp_path / "kubernetes" / "pki")
    reasons = infrastructure.run()
    assert reasons == [
        "ca.crt is missing",
        "apiserver.crt is missing",
        "admin.crt is missing",
        "sa.key is missing",
    ]
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in infrastructure.directory.iterdir()}
    assert {name for name, mode in modes.items() if mode == 0o600} == {
        "ca.key",
        "apiserver.key",
        "admin.key",
        "sa.key",
    }
    assert {name for name, mode in modes.items() if mode == 0o644} == {
        "ca.crt",
        "apiserver.crt",
        "admin.crt",
        "sa.pub",
    }
    assert stat.S_IMODE(infrastructure.directory.stat().st_mode) == 0o755


def test_the_second_run_has_nothing_to_do(made: Infrastructure) -> None:
    before = {path: path.read_bytes() for path in made.directory.iterdir()}
    assert made.run() == []
    assert {path: path.read_bytes() for path in made.directory.iterdir()} == before


def test_certificates_say_what_was_asked(made: Infrastructure) -> None:
    apiserver = made.certificate("apiserver")
    assert made.signed("apiserver")
    assert pki.contents(apiserver) == pki.Contents(
        common_name="kube-apiserver",
        dns_names=("kubernetes.default.svc", "localhost"),
        ip_addresses=("10.96.0.1", "127.0.0.1"),
        usages=("server",),
    )
    assert pki.contents(made.certificate("admin")).organizations == ("system:masters",)
    assert pki.not_after(apiserver) == NOW + timedelta(days=365)
    constraints = pki.extension(made.certificate("ca"), x509.BasicConstraints)
    assert constraints
    assert constraints.ca


def test_the_key_pair_is_rsa_and_belongs_together(made: Infrastructure) -> None:
    found = pki.load(made.directory, "sa")
    assert isinstance(found.key, rsa.RSAPrivateKey)
    assert found.public == pki.public_pem(found.key)


def test_a_certificate_is_renewed_over_its_key_before_it_expires(made: Infrastructure) -> None:
    key = made.key("apiserver")
    assert made.run(NOW + timedelta(days=334)) == []
    reasons = made.run(NOW + timedelta(days=353), certificates=[APISERVER])
    assert reasons == ["apiserver.crt expires in 12 days"]
    assert pki.not_after(made.certificate("apiserver")) == NOW + timedelta(days=353 + 365)
    assert made.key("apiserver") == key


def test_an_expired_certificate_is_renewed(made: Infrastructure) -> None:
    assert "admin.crt has expired" in made.run(NOW + timedelta(days=400))


def test_new_names_and_addresses_are_a_reason(made: Infrastructure) -> None:
    moved = {**APISERVER, "ip_addresses": ["10.96.0.1", "192.0.2.7"]}
    reasons = made.run(certificates=[moved, ADMIN])
    assert reasons == [
        "apiserver.crt: ip addresses changed: now 10.96.0.1, 127.0.0.1, wanted 10.96.0.1, 192.0.2.7"
    ]
    assert made.run(certificates=[moved, ADMIN]) == []


def test_the_order_of_names_and_the_form_of_addresses_are_none(made: Infrastructure) -> None:
    same = {**APISERVER, "dns_names": ["kubernetes.default.svc", "localhost", "localhost"]}
    assert made.run(certificates=[same, ADMIN]) == []
    six = {**APISERVER, "ip_addresses": ["::1"]}
    made.run(certificates=[six, ADMIN])
    assert made.run(certificates=[{**six, "ip_addresses": ["0:0:0:0:0:0:0:1"]}, ADMIN]) == []


def test_a_certificate_never_outlives_its_authority(tmp_path: Path) -> None:
    infrastructure = Infrastructure(tmp_path)
    infrastructure.run(authority_valid_days=100)
    assert pki.not_after(infrastructure.certificate("admin")) == NOW + timedelta(days=100)
    later = NOW + timedelta(days=80)
    assert infrastructure.run(later, authority_valid_days=100) == [
        "ca.crt expires in 20 days",
        "apiserver.crt expires in 20 days",
        "admin.crt expires in 20 days",
    ]
    assert infrastructure.run(later, authority_valid_days=100) == []


def test_what_a_renewed_authority_signed_stays_valid(made: Infrastructure) -> None:
    later = NOW + timedelta(days=3640)
    made.run(NOW + timedelta(days=3600), renew_days=40)
    before = made.certificate("admin")
    old = made.certificate("ca")
    made.run(later, certificates=[])
    renewed = made.certificate("ca")
    assert renewed != old
    assert renewed.subject == old.subject
    assert [item.value for item in renewed.extensions] == [item.value for item in old.extensions]
    assert made.certificate("admin") == before
    assert made.signed("admin")


def test_a_new_authority_signs_everything_again(made: Infrastructure) -> None:
    (made.directory / "ca.crt").unlink()
    (made.directory / "ca.key").unlink()
    assert made.run() == [
        "ca.crt is missing",
        "apiserver.crt is not signed by ca",
        "admin.crt is not signed by ca",
    ]
    assert made.signed("apiserver")
    assert made.signed("admin")


@pytest.mark.parametrize("name", ["ca", "admin"])
def test_a_run_cut_short_after_the_key_is_completed(made: Infrastructure, name: str) -> None:
    key = made.key(name)
    (made.directory / f"{name}.crt").unlink()
    assert made.run() == [f"{name}.crt is missing"]
    assert made.key(name) == key
    assert made.signed("admin")


def test_a_damaged_certificate_or_key_is_made_again(made: Infrastructure) -> None:
    (made.directory / "admin.crt").write_text("no certificate")
    (made.directory / "apiserver.key").write_text("no key")
    assert made.run() == [
        "apiserver.key is not an RSA or ECDSA key in PEM without a passphrase",
        "admin.crt is not a certificate in PEM",
    ]
    assert made.signed("apiserver")
    assert made.signed("admin")


def test_a_certificate_follows_the_key_that_was_put_there(made: Infrastructure) -> None:
    shutil.copy(made.directory / "admin.key", made.directory / "apiserver.key")
    assert made.run() == ["apiserver.key does not belong to apiserver.crt"]
    assert made.signed("apiserver")
    assert made.key("apiserver") == made.key("admin")


def test_an_open_key_is_closed_and_a_tighter_one_stays(made: Infrastructure) -> None:
    (made.directory / "sa.key").chmod(0o644)
    (made.directory / "admin.key").chmod(0o400)
    assert made.run() == ["sa.key has mode 0644, others can read it"]
    assert stat.S_IMODE((made.directory / "sa.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((made.directory / "admin.key").stat().st_mode) == 0o400


def test_a_public_key_is_written_again_from_the_private_one(made: Infrastructure) -> None:
    key, public = made.key("sa"), made.directory / "sa.pub"
    good = public.read_bytes()
    public.unlink()
    assert made.run() == ["sa.pub is missing"]
    public.write_text("another")
    assert made.run() == ["sa.pub does not belong to sa.key"]
    assert (made.key("sa"), public.read_bytes()) == (key, good)


def test_an_authority_without_its_key_is_enough_while_nothing_is_signed(made: Infrastructure) -> None:
    (made.directory / "ca.key").unlink()
    assert made.run() == []


@pytest.mark.parametrize(
    ("damage", "seen"),
    [
        (lambda directory: (directory / "ca.key").unlink(), "ca.key is missing"),
        (lambda directory: (directory / "ca.key").write_text("?"), "ca.key is not an RSA or ECDSA key"),
        (
            lambda directory: shutil.copy(directory / "sa.key", directory / "ca.key"),
            "ca.key does not belong to ca.crt",
        ),
        (
            lambda directory: [
                shutil.copy(directory / f"admin.{kind}", directory / f"ca.{kind}") for kind in ("crt", "key")
            ],
            "ca.crt is not the certificate of an authority",
        ),
    ],
)
def test_an_authority_that_cannot_sign_is_an_error_and_stays(
    made: Infrastructure, damage: Callable[[Path], object], seen: str
) -> None:
    damage(made.directory)
    before = {path: path.read_bytes() for path in made.directory.iterdir()}
    moved = {**APISERVER, "dns_names": ["elsewhere"]}
    with pytest.raises(ValueError, match="can't sign") as caught:
        made.run(certificates=[moved])
    assert seen in str(caught.value)
    assert "Put a ca.crt and ca.key that belong together there" in str(caught.value)
    assert {path: path.read_bytes() for path in made.directory.iterdir()} == before


def test_an_authority_of_the_users_signs_under_its_own_name(tmp_path: Path) -> None:
    key = signing.new_rsa_key()
    request = pki.Request("ca", pki.Contents("Example Corp Root"), days=3650)
    root = signing.sign(request, pki.Found(key=key, key_fault=""), None, NOW, NOW + timedelta(days=3650))
    (tmp_path / "ca.crt").write_bytes(pki.certificate_pem(root.certificate))
    (tmp_path / "ca.key").write_bytes(pki.private_pem(root.key))
    (tmp_path / "ca.key").chmod(0o600)
    infrastructure = Infrastructure(tmp_path)
    assert "ca.crt is missing" not in infrastructure.run()
    assert infrastructure.certificate("admin").issuer == root.certificate.subject
    assert infrastructure.run() == []


def test_an_authority_issued_by_another_is_not_renewed_here(made: Infrastructure) -> None:
    root = made.directory / "root"
    Infrastructure(root).run(authorities=[{"name": "ca", "common_name": "Example Corp Root"}])
    request = pki.Request("ca", pki.Contents("kubernetes"), days=20)
    signer, found = pki.load(root, "ca"), pki.load(made.directory, "ca")
    assert signer.certificate
    assert signer.key
    issuer = pki.Identity(signer.certificate, signer.key)
    issued = signing.sign(request, found, issuer, NOW, NOW + timedelta(days=20))
    (made.directory / "ca.crt").write_bytes(pki.certificate_pem(issued.certificate))
    with pytest.raises(ValueError, match=r"expires in 20 days, .* ca.crt is issued by CN=Example Corp Root"):
        made.run()


def test_the_diff_shows_only_what_changes(made: Infrastructure) -> None:
    (made.directory / "admin.key").chmod(0o400)
    (made.directory / "sa.key").chmod(0o640)
    (made.directory / "admin.crt").unlink()
    desired = certificates.read_options(OPTIONS)
    plan = certificates.plan(desired, certificates.observe(made.directory, desired), NOW).plan
    changed = set(plan.after.splitlines()) - set(plan.before.splitlines())
    admin = "common name kubernetes-admin; organizations system:masters; usages client; until 2027-11-23"
    assert changed == {f"admin.crt: {admin}", "sa.key: mode 0600"}


def test_nothing_of_a_key_is_shown(tmp_path: Path) -> None:
    desired = certificates.read_options(OPTIONS)
    infrastructure = Infrastructure(tmp_path)
    infrastructure.run()
    found = certificates.observe(tmp_path, desired)
    work = certificates.plan(desired, found, NOW + timedelta(days=360))
    shown = str((work.plan, certificates.describe(tmp_path, found, work, done=False)))
    lines = [line for key in tmp_path.glob("*.key") for line in key.read_text().splitlines()]
    assert not [line for line in lines if line in shown]
    assert "common name kubernetes-admin; organizations system:masters; usages client" in work.plan.before
    assert "until 2027-11-23" in work.plan.before
    assert "until 2028-11-17" in work.plan.after


def test_what_is_not_issued_yet_has_no_fingerprint(made: Infrastructure) -> None:
    desired = certificates.read_options(OPTIONS)
    (made.directory / "admin.crt").unlink()
    found = certificates.observe(made.directory, desired)
    result = certificates.describe(made.directory, found, certificates.plan(desired, found, NOW), done=False)
    assert result["admin"] == {
        "path": f"{made.directory}/admin.crt",
        "key_path": f"{made.directory}/admin.key",
        "fingerprint": "",
        "not_valid_after": "2027-11-23T12:00:00Z",
    }
    assert len(result["ca"]["fingerprint"]) == 64


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"valid_days": 30}, "valid_days (30) must be more than renew_days (30)"),
        ({"key_pairs": ["ca"]}, "ca is used twice"),
        ({"key_pairs": ["../sa"]}, "'../sa' can't name a file"),
        ({"authorities": []}, "certificates: apiserver: ca is not in authorities"),
        ({"certificates": [{**ADMIN, "common_name": "x" * 65}]}, "does not have 1 to 64 characters"),
        (
            {"certificates": [{**ADMIN, "ip_addresses": ["10.0.0"]}]},
            "certificates: admin: ip_addresses: '10.0.0'",
        ),
        ({"certificates": [{**ADMIN, "dns_names": ["bücher"]}]}, "bücher is not ASCII"),
    ],
)
def test_wrong_options_name_the_entry(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError) as caught:
        certificates.read_options({**OPTIONS, **options})
    assert message in str(caught.value)


def test_what_is_returned_of_a_certificate_changes_with_it_alone(tmp_path: Path) -> None:
    options = {**OPTIONS, "directory": str(tmp_path / "pki"), "ledger": str(tmp_path / "ledger.json")}

    def fingerprints(result: dict[str, Any]) -> dict[str, str]:
        return {name: known["fingerprint"] for name, known in result["certificates"].items()}

    assert set(fingerprints(run({**options, "_ansible_check_mode": True})).values()) == {""}
    before = fingerprints(run(options))
    assert before.keys() == {"ca", "apiserver", "admin"}
    assert all(re.fullmatch("[0-9a-f]{64}", fingerprint) for fingerprint in before.values())
    assert fingerprints(run(options)) == before
    options["certificates"] = [{**APISERVER, "dns_names": ["localhost"]}, ADMIN]
    assert fingerprints(run({**options, "_ansible_check_mode": True})) == {**before, "apiserver": ""}
    after = fingerprints(run(options))
    assert [name for name in before if before[name] != after[name]] == ["apiserver"]


def test_a_file_that_names_a_certificate_that_is_not_there_is_refused(tmp_path: Path) -> None:
    options = {**OPTIONS, "directory": str(tmp_path / "pki"), "ledger": str(tmp_path / "ledger.json")}
    options["files"] = [{"path": str(tmp_path / "admin.conf"), "content": "ca-data: CERTIFICATE(nobody)"}]
    said = run(options)
    assert said["failed"]
    assert "files: CERTIFICATE(nobody): there is no certificate nobody" in said["msg"]


def test_without_certificates_only_files_are_written(tmp_path: Path) -> None:
    path = tmp_path / "pod.yaml"
    files = [{"path": str(path), "content": "kind: Pod"}]
    options = {"directory": str(tmp_path / "pki"), "ledger": str(tmp_path / "ledger.json"), "files": files}
    assert run(options)["reasons"] == [f"{path} is missing"]
    assert not (tmp_path / "pki").exists()


def test_a_kubeconfig_stands_alone_and_nobody_is_shown_what_is_in_it(tmp_path: Path) -> None:
    path, directory = tmp_path / "admin.conf", tmp_path / "pki"
    options = {**OPTIONS, "directory": str(directory), "ledger": str(tmp_path / "ledger.json")}
    lines = ["ca-data: CERTIFICATE(ca)", "client-certificate-data: CERTIFICATE(admin)"]
    lines += ["client-key-data: KEY(admin)"]
    content = "\n  ".join(lines)
    options["files"] = [{"path": str(path), "content": content, "mode": "0600"}]

    def embedded() -> dict[str, bytes]:
        lines = dict(line.strip().split(": ") for line in path.read_text().splitlines())
        return {name: base64.b64decode(value) for name, value in lines.items()}

    def is_shown(result: dict[str, Any]) -> bool:
        text = json.dumps(result)
        encoded = base64.b64encode((directory / "admin.key").read_bytes()).decode()
        return encoded in text or encoded[200:] in text or "PRIVATE" in text

    assert run({**options, "_ansible_check_mode": True})["changed"]
    first = run({**options, "_ansible_diff": True})
    assert not is_shown(first)
    assert "client-key-data: [not shown]" in first["diff"]["after"]
    assert embedded() == {
        "ca-data": (directory / "ca.crt").read_bytes(),
        "client-certificate-data": (directory / "admin.crt").read_bytes(),
        "client-key-data": (directory / "admin.key").read_bytes(),
    }
    assert not run(options)["changed"]
    (directory / "admin.crt").unlink()
    said = run({**options, "_ansible_check_mode": True})
    assert said["changed_files"] == [f"{directory}/admin.crt", str(path)]
    again = run(options)
    assert again["reasons"] == said["reasons"]
    assert not is_shown(again)
    assert embedded()["client-certificate-data"] == (directory / "admin.crt").read_bytes()


def test_what_logins_get_has_to_be_among_the_files(tmp_path: Path) -> None:
    options = {**OPTIONS, "directory": str(tmp_path / "pki"), "ledger": str(tmp_path / "ledger.json")}
    said = run({**options, "logins": [pwd.getpwuid(os.getuid()).pw_name], "kubeconfig": "/etc/admin.conf"})
    assert said["failed"]
    assert "kubeconfig: /etc/admin.conf is not in files" in said["msg"]
    assert list(tmp_path.iterdir()) == []


def test_a_login_that_is_not_there_is_named_before_anything_changes(tmp_path: Path) -> None:
    options = {**OPTIONS, "directory": str(tmp_path / "pki"), "ledger": str(tmp_path / "ledger.json")}
    said = run({**options, "logins": ["nobody-of-that-name"], "kubeconfig": "/etc/admin.conf"})
    assert said["failed"]
    assert "There is no login nobody-of-that-name on this host. Nothing was changed." in said["msg"]
    assert list(tmp_path.iterdir()) == []
