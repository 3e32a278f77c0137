# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""X.509 certificates made: authorities, what they sign, and the requests for it."""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import TYPE_CHECKING

from ansible_collections.mink8s.kubernetes.plugins.module_utils.pki import x509 as pki

try:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, rsa
except ImportError:
    pass  # pki.IMPORT_ERROR has it

if TYPE_CHECKING:
    from collections.abc import Iterator

CLOCK_SKEW = timedelta(minutes=5)


def sign(
    request: pki.Request, found: pki.Found, authority: pki.Identity | None, now: datetime, end: datetime
) -> pki.Identity:
    """Issue a certificate over the key found, or a new one. authority: None for an authority."""
    key = found.key or new_key()
    if authority:
        return pki.Identity(issue(request.contents, key, authority, now, end), key)
    name = pki.authority_name(request, found)
    builder = _builder(name, name, key, now, end)
    for value, critical in _authority_extensions(key, found.certificate):
        builder = builder.add_extension(value, critical)
    return pki.Identity(builder.sign(key, hashes.SHA256()), key)


def issue(
    contents: pki.Contents, holder: pki.KeyHolder, authority: pki.Identity, now: datetime, end: datetime
) -> x509.Certificate:
    """Issue a certificate over the public key of its holder."""
    builder = _builder(pki.holder_name(contents), authority.certificate.subject, holder, now, end)
    for value, critical in _holder_extensions(contents, holder, authority.certificate):
        builder = builder.add_extension(value, critical)
    return builder.sign(authority.key, hashes.SHA256())


def request(contents: pki.Contents, key: pki.PrivateKey) -> x509.CertificateSigningRequest:
    """Ask for a certificate over the key, with these contents."""
    builder = x509.CertificateSigningRequestBuilder().subject_name(pki.holder_name(contents))
    for value in _asked_extensions(contents):
        builder = builder.add_extension(value, critical=False)
    return builder.sign(key, hashes.SHA256())


def new_key() -> ec.EllipticCurvePrivateKey:
    """A key for a certificate."""
    # P-256 takes a millisecond where RSA takes up to a second, and everything from 1.18 on reads it.
    return ec.generate_private_key(ec.SECP256R1())


def new_rsa_key() -> rsa.RSAPrivateKey:
    """A key for service account tokens, which every version signs and reads with RSA."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def _builder(
    subject: x509.Name, issuer: x509.Name, holder: pki.KeyHolder, now: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(holder.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(end)
    )


def _authority_extensions(
    key: pki.PrivateKey, renewed: x509.Certificate | None
) -> Iterator[tuple[x509.ExtensionType, bool]]:
    if renewed:
        yield from ((item.value, item.critical) for item in renewed.extensions)
        return
    yield x509.BasicConstraints(ca=True, path_length=None), True
    yield _key_usage(authority=True), True
    yield x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False


def _holder_extensions(
    wanted: pki.Contents, holder: pki.KeyHolder, authority: x509.Certificate
) -> Iterator[tuple[x509.ExtensionType, bool]]:
    yield x509.BasicConstraints(ca=False, path_length=None), True
    yield _key_usage(authority=False, encipherment=isinstance(holder.public_key(), rsa.RSAPublicKey)), True
    identifier = pki.extension(authority, x509.SubjectKeyIdentifier)
    if identifier:
        yield x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier), False
    yield from ((value, False) for value in _asked_extensions(wanted))


def _asked_extensions(wanted: pki.Contents) -> Iterator[x509.ExtensionType]:
    if wanted.usages:
        yield x509.ExtendedKeyUsage([pki.USAGES[usage] for usage in wanted.usages])
    addresses = [x509.IPAddress(ip_address(value)) for value in wanted.ip_addresses]
    names = [x509.DNSName(value) for value in wanted.dns_names]
    if names or addresses:
        yield x509.SubjectAlternativeName([*names, *addresses])


def _key_usage(*, authority: bool, encipherment: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=encipherment,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=authority,
        crl_sign=authority,
        encipher_only=False,
        decipher_only=False,
    )
