# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""X.509 certificates and their keys, as files in PEM."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared import files

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
except ImportError:
    IMPORT_ERROR = traceback.format_exc()
else:
    IMPORT_ERROR = ""
    # What is raised for bytes that are no certificate, key or request, or a broken one.
    UNREADABLE = (
        TypeError,
        ValueError,
        UnsupportedAlgorithm,
        x509.DuplicateExtension,
        x509.InvalidVersion,
        x509.UnsupportedGeneralNameType,
    )
    USAGES = {"client": ExtendedKeyUsageOID.CLIENT_AUTH, "server": ExtendedKeyUsageOID.SERVER_AUTH}

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path
    from typing import TypeVar, Union

    PrivateKey = Union[ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey]
    # What tells the public key that a certificate is over.
    KeyHolder = Union[ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey, x509.CertificateSigningRequest]
    Described = Union[x509.Certificate, x509.CertificateSigningRequest]
    Extension = TypeVar("Extension", bound=x509.ExtensionType)
    Parsed = TypeVar("Parsed")

MISSING = "is missing"


@dataclass(frozen=True)
class Contents:
    """What a certificate says about its holder; lists are comparable()."""

    common_name: str
    organizations: tuple[str, ...] = ()
    dns_names: tuple[str, ...] = ()
    ip_addresses: tuple[str, ...] = ()
    usages: tuple[str, ...] = ()


@dataclass(frozen=True)
class Request:
    """A certificate that is wanted. One without an authority is an authority itself.

    days: how long it is to be valid.
    """

    name: str
    contents: Contents
    days: int
    authority: str = ""


@dataclass(frozen=True)
class Found:
    """What the host has under a name: NAME.crt, NAME.key and NAME.pub.

    certificate_fault, key_fault: why there is none, such as "is missing"; empty if there is one.
    """

    certificate: x509.Certificate | None = None
    certificate_fault: str = MISSING
    key: PrivateKey | None = None
    key_fault: str = MISSING
    key_mode: int = 0o600
    public: bytes | None = None


@dataclass(frozen=True)
class Identity:
    """A certificate and the key that belongs to it."""

    certificate: x509.Certificate
    key: PrivateKey


def load(directory: Path, name: str) -> Found:
    """Read what the directory has under the name; nothing there is not an error."""
    certificate_path, key_path, public_path = (directory / f"{name}.{kind}" for kind in ("crt", "key", "pub"))
    certificate, certificate_fault = _parse(certificate_path, _certificate, "a certificate in PEM")
    key, key_fault = _parse(key_path, _key, "an RSA or ECDSA key in PEM without a passphrase")
    mode = 0o600 if key_fault == MISSING else key_path.stat().st_mode & 0o7777
    return Found(certificate, certificate_fault, key, key_fault, mode, files.read(public_path))


def certificate_pem(certificate: x509.Certificate) -> bytes:
    """The certificate as it is written to NAME.crt."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def request_pem(request: x509.CertificateSigningRequest) -> bytes:
    """The signing request as hosts send it to each other."""
    return request.public_bytes(serialization.Encoding.PEM)


def private_pem(key: PrivateKey) -> bytes:
    """The private key as it is written to NAME.key."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def public_pem(key: PrivateKey) -> bytes:
    """The public half as it is written to NAME.pub."""
    return key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of the certificate's DER form, in hexadecimal."""
    return certificate.fingerprint(hashes.SHA256()).hex()


def not_after(certificate: x509.Certificate) -> datetime:
    """When the certificate stops to be valid."""
    # The aware property came with cryptography 42, which deprecates the naive one.
    aware: datetime | None = getattr(certificate, "not_valid_after_utc", None)
    return aware or certificate.not_valid_after.replace(tzinfo=timezone.utc)


def not_before(certificate: x509.Certificate) -> datetime:
    """When the certificate starts to be valid."""
    aware: datetime | None = getattr(certificate, "not_valid_before_utc", None)
    return aware or certificate.not_valid_before.replace(tzinfo=timezone.utc)


def contents(certificate: Described) -> Contents:
    """What the certificate says about its holder, or what a request for one wants it to."""
    subject = certificate.subject
    names = extension(certificate, x509.SubjectAlternativeName)
    usages = extension(certificate, x509.ExtendedKeyUsage)
    words = {identifier: word for word, identifier in USAGES.items()}
    common_names = subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    organizations = subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return Contents(
        common_name=", ".join(str(attribute.value) for attribute in common_names),
        organizations=comparable(attribute.value for attribute in organizations),
        dns_names=comparable(names.get_values_for_type(x509.DNSName) if names else ()),
        ip_addresses=comparable(names.get_values_for_type(x509.IPAddress) if names else ()),
        usages=comparable(words.get(usage, usage.dotted_string) for usage in usages or ()),
    )


def extras(request: x509.CertificateSigningRequest) -> Iterator[str]:
    """What the request asks for besides its contents."""
    if request.subject != holder_name(contents(request)):
        yield f"the subject {request.subject.rfc4514_string()}"
    for item in request.extensions:
        if not isinstance(item.value, (x509.ExtendedKeyUsage, x509.SubjectAlternativeName)):
            yield f"the extension {item.oid.dotted_string}"
    for name in extension(request, x509.SubjectAlternativeName) or ():
        if not isinstance(name, (x509.DNSName, x509.IPAddress)):
            yield f"the alternative name {name.value}"


def holder_name(wanted: Contents) -> x509.Name:
    """The subject of a certificate for this holder."""
    organizations = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, value) for value in wanted.organizations]
    return x509.Name([*organizations, x509.NameAttribute(NameOID.COMMON_NAME, wanted.common_name)])


def authority_name(request: Request, found: Found) -> x509.Name:
    """The subject of an authority, which keeps the one that it has."""
    return found.certificate.subject if found.certificate else holder_name(request.contents)


def extension(certificate: Described, kind: type[Extension]) -> Extension | None:
    """The extension of a kind in the certificate or the request for one, or None if it has none."""
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def comparable(values: Iterable[object]) -> tuple[str, ...]:
    """The values as texts, each once, in an order that lets two lists be compared."""
    return tuple(sorted({str(value) for value in values}))


def same_key(certificate: x509.Certificate, key: KeyHolder) -> bool:
    """Whether the certificate was made over this key, or the key of this request."""
    form = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    return certificate.public_key().public_bytes(*form) == key.public_key().public_bytes(*form)


def signed_by(certificate: x509.Certificate, request: Request, authority: Found) -> bool:
    """Whether the authority, as it is or will be made over the key found, is the issuer."""
    holder = authority.certificate or authority.key
    algorithm = certificate.signature_hash_algorithm
    if holder is None or algorithm is None or certificate.issuer != authority_name(request, authority):
        return False
    key, signature, signed = holder.public_key(), certificate.signature, certificate.tbs_certificate_bytes
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, signed, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, signed, ec.ECDSA(algorithm))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def cannot_sign(name: str, authority: Found, itself: bool) -> str:
    """What keeps the authority on the host from signing, itself or others; empty if nothing does."""
    if authority.certificate is None:
        new = authority.certificate_fault == MISSING and authority.key_fault == MISSING
        return "" if new or authority.key else f"{name}.key {authority.key_fault}"
    if authority.key is None:
        return f"{name}.key {authority.key_fault}"
    if not same_key(authority.certificate, authority.key):
        return f"{name}.key does not belong to {name}.crt"
    if itself and authority.certificate.issuer != authority.certificate.subject:
        return f"{name}.crt is issued by {authority.certificate.issuer.rfc4514_string()}"
    constraints = extension(authority.certificate, x509.BasicConstraints)
    return "" if constraints and constraints.ca else f"{name}.crt is not the certificate of an authority"


def read_certificate(text: str) -> x509.Certificate:
    """The certificate in the text. Raises ValueError if there is none that can be read."""
    try:
        return _certificate(text.encode())
    except UNREADABLE as error:
        raise ValueError("is not a certificate in PEM") from error


def read_request(text: str) -> x509.CertificateSigningRequest:
    """The signing request in the text. Raises ValueError if there is none that can be read and trusted."""
    try:
        request = x509.load_pem_x509_csr(text.encode())
        contents(request)  # a broken extension shows only when it is read
        key, genuine = request.public_key(), request.is_signature_valid
    except UNREADABLE as error:
        raise ValueError("is not a signing request in PEM") from error
    if not isinstance(key, (ec.EllipticCurvePublicKey, rsa.RSAPublicKey)):
        raise ValueError("is not over an RSA or ECDSA key")
    if not genuine:
        raise ValueError("is not signed with the key that it names")
    return request


def _parse(path: Path, parser: Callable[[bytes], Parsed], kind: str) -> tuple[Parsed | None, str]:
    content = files.read(path)
    if content is None:
        return None, MISSING
    try:
        return parser(content), ""
    except UNREADABLE:
        return None, f"is not {kind}"


def _certificate(content: bytes) -> x509.Certificate:
    certificate = x509.load_pem_x509_certificate(content)
    contents(certificate)  # a broken extension shows only when it is read
    return certificate


def _key(content: bytes) -> PrivateKey:
    key = serialization.load_pem_private_key(content, None)
    if not isinstance(key, (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey)):
        raise TypeError
    return key
