# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the control plane host signs for a node, and what it refuses to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.pki import reissue, requests, signing
from ansible_collections.mink8s.kubernetes.plugins.module_utils.pki import x509 as pki

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from cryptography import x509

CLUSTER, KUBELET = "ca", "kubelet-ca"
AUTHORITIES = (CLUSTER, KUBELET)
REMEDY = "Run the playbook site for the control plane host"


@dataclass(frozen=True)
class Asked:
    """What a node asks for under a name, and the certificate that it has, if that can be read."""

    request: x509.CertificateSigningRequest
    certificate: x509.Certificate | None


@dataclass(frozen=True)
class Desired:
    """wanted: what the node is to have, by name. asked: what it asks for; nothing without a key."""

    node: str
    wanted: Mapping[str, pki.Request]
    asked: Mapping[str, Asked]
    renew_days: int


@dataclass(frozen=True)
class Signed:
    """Certificates by name, those that were there among them, and why each of the others is signed."""

    certificates: Mapping[str, x509.Certificate]
    reasons: tuple[str, ...]


def read_options(params: Mapping[str, Any]) -> Desired:
    """What is asked for. Raises ValueError, saying what of it is refused, and why."""
    node, wanted = params["node_name"], requests.read_options(params)
    if params["valid_days"] <= params["renew_days"]:
        raise ValueError(
            f"valid_days ({params['valid_days']}) must be more than renew_days ({params['renew_days']})"
        )
    for name, problem in _refusals(params, wanted):
        raise ValueError(f"{name} for node {node} is refused: {problem}. Nothing was signed.")
    asked = {
        entry["name"]: Asked(pki.read_request(entry["request"]), _readable(entry["certificate"]))
        for entry in params["requests"]
        if entry["request"]
    }
    return Desired(node, wanted, asked, params["renew_days"])


def _refusals(params: Mapping[str, Any], wanted: Mapping[str, pki.Request]) -> Iterator[tuple[str, str]]:
    """Names of certificates and what keeps them from being signed."""
    names = [entry["name"] for entry in params["requests"]]
    yield from ((name, "it is not in certificates") for name in names if name not in wanted)
    yield from ((name, "it is asked for twice") for name in names if names.count(name) > 1)
    for name, request in wanted.items():
        for problem in not_allowed(request, params["node_name"], params["users"]):
            yield name, problem
    for entry in params["requests"]:
        if entry["request"]:
            for problem in _problems(entry["request"], wanted[entry["name"]].contents):
                yield entry["name"], problem


def not_allowed(wanted: pki.Request, node: str, users: Sequence[str]) -> Iterator[str]:
    """What a certificate would say that no authority may sign for this node.

    users: those of components that run on every node.
    """
    if wanted.authority == KUBELET:
        allowed = pki.Contents(node, (), (node,), wanted.contents.ip_addresses, ("server",))
    elif wanted.authority != CLUSTER:
        yield f"a node gets no certificates from {wanted.authority}, but from {' and '.join(AUTHORITIES)}"
        return
    elif wanted.contents.common_name in users:
        allowed = pki.Contents(wanted.contents.common_name, usages=("client",))
    else:
        allowed = pki.Contents(f"system:node:{node}", ("system:nodes",), usages=("client",))
    for difference in _differences(wanted.contents, allowed):
        yield f"what is wanted from {wanted.authority} has {difference} for this node"


def _problems(text: str, wanted: pki.Contents) -> Iterator[str]:
    """What is wrong with a signing request."""
    try:
        request = pki.read_request(text)
    except ValueError as error:
        yield f"what was sent {error}"
        return
    for difference in _differences(pki.contents(request), wanted):
        yield f"the request has {difference}"
    for extra in pki.extras(request):
        yield f"the request has {extra}"


def _differences(there: pki.Contents, allowed: pki.Contents) -> Iterator[str]:
    for label, old, new in reissue.differences(there, allowed):
        yield f"{label} {old}, where only {new} is allowed"


def _readable(text: str) -> x509.Certificate | None:
    """The certificate that the node has; one that cannot be read is as good as none."""
    try:
        return pki.read_certificate(text)
    except ValueError:
        return None


def missing(directory: Path, authorities: Mapping[str, pki.Found]) -> list[str]:
    """One sentence for each authority that there is no certificate of."""
    return [
        f"{directory}/{name}.crt {seen.certificate_fault}"
        for name, seen in authorities.items()
        if not seen.certificate
    ]


def sign(desired: Desired, authorities: Mapping[str, pki.Found], now: datetime) -> Signed:
    """Sign what is not there, or not as it has to be. Raises ValueError if an authority can't that has to.

    authorities: each has a certificate.
    """
    certificates: dict[str, x509.Certificate] = {}
    reasons: list[str] = []
    for name, wanted in desired.wanted.items():
        asked, signer = desired.asked.get(name), authorities[wanted.authority]
        if asked is None:
            reasons.append(f"{name}.crt is to be signed when its key is there")
            continue
        faults = list(_faults(wanted, asked, signer, now, desired.renew_days))
        if asked.certificate and not faults:
            certificates[name] = asked.certificate
        else:
            issuer = _issuer(wanted.authority, signer, f"{faults[0]} on node {desired.node}")
            end = min(now + timedelta(days=wanted.days), pki.not_after(issuer.certificate))
            certificates[name] = signing.issue(wanted.contents, asked.request, issuer, now, end)
        reasons += faults
    return Signed(certificates, tuple(reasons))


def _faults(
    wanted: pki.Request, asked: Asked, signer: pki.Found, now: datetime, renew_days: int
) -> Iterator[str]:
    if asked.certificate is None:
        yield f"{wanted.name}.crt {pki.MISSING}"
        return
    authority = pki.Request(wanted.authority, pki.Contents(wanted.authority), 0)
    yield from reissue.misfits(wanted, asked.certificate, asked.request, authority, signer)
    yield from reissue.expiry(wanted.name, asked.certificate, now, renew_days)


def _issuer(name: str, authority: pki.Found, reason: str) -> pki.Identity:
    problem = pki.cannot_sign(name, authority, itself=False)
    if problem or not (authority.certificate and authority.key):
        raise ValueError(
            f"{reason}, but {name} can't sign: {problem}. {REMEDY}, which says what to do about it."
        )
    return pki.Identity(authority.certificate, authority.key)
