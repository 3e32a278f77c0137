# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Why a certificate has to be issued again."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from ansible_collections.mink8s.kubernetes.plugins.module_utils.pki import x509 as pki

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from cryptography import x509


def reasons(
    request: pki.Request, seen: pki.Found, signer: pki.Request, signer_seen: pki.Found
) -> Iterator[str]:
    """What is wrong with the certificate that is there, besides the time that it is valid for."""
    if seen.certificate is None:
        yield f"{request.name}.crt {seen.certificate_fault}"
    elif request.authority:
        if seen.key is None:
            yield f"{request.name}.key {seen.key_fault}"
        yield from misfits(request, seen.certificate, seen.key, signer, signer_seen)


def misfits(
    request: pki.Request,
    certificate: x509.Certificate,
    holder: pki.KeyHolder | None,
    signer: pki.Request,
    signer_seen: pki.Found,
) -> Iterator[str]:
    """How the certificate differs from what is wanted. holder: has the key it is to be over."""
    file = f"{request.name}.crt"
    if not pki.signed_by(certificate, signer, signer_seen):
        yield f"{file} is not signed by {signer.name}"
    if holder and not pki.same_key(certificate, holder):
        yield f"{request.name}.key does not belong to {file}"
    for label, old, new in differences(pki.contents(certificate), request.contents):
        yield f"{file}: {label} changed: now {old}, wanted {new}"


def expiry(name: str, certificate: x509.Certificate, now: datetime, renew_days: int) -> Iterator[str]:
    """That the certificate has expired, or does so before this many days are over."""
    days = (pki.not_after(certificate) - now).days
    if days < renew_days:
        yield f"{name}.crt {f'expires in {days} days' if days >= 0 else 'has expired'}"


def differences(there: pki.Contents, wanted: pki.Contents) -> Iterator[tuple[str, str, str]]:
    """What is wanted otherwise than it is there: what is called so, as it is, and as it has to be."""
    for item in fields(pki.Contents):
        old, new = getattr(there, item.name), getattr(wanted, item.name)
        if old != new:
            yield item.name.replace("_", " "), join(old), join(new)


def join(value: str | tuple[str, ...]) -> str:
    """One or more values as a message has them."""
    return value if isinstance(value, str) else ", ".join(value) or "none"
