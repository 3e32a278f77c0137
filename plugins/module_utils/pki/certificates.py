# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""A public key infrastructure on disk: what is wanted, what is there, and what has to be signed.

A key that can be read is never replaced: a certificate is made over it. Renewing is then one file
put in place, no process ever loads a certificate and a key that do not belong together, and what
a renewed authority has signed stays valid.
"""

from __future__ import annotations

import base64
import re
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.pki import given, options, reissue, signing
from ansible_collections.mink8s.kubernetes.plugins.module_utils.pki import x509 as pki
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.files import read, write
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from cryptography import x509

# A certificate or a key in base64.
PLACEHOLDER = re.compile(r"(CERTIFICATE|KEY)\(([^()]*)\)")


@dataclass(frozen=True)
class Desired:
    """requests: authorities before what they sign. given: what another host makes of them, see given."""

    requests: Mapping[str, pki.Request]
    key_pairs: tuple[str, ...]
    renew_days: int
    given: Mapping[str, x509.Certificate | None] = field(default_factory=dict)

    @property
    def own_keys(self) -> list[str]:
        """Names of the certificates whose keys are on this host."""
        return [name for name, each in self.requests.items() if each.authority or name not in self.given]


@dataclass(frozen=True)
class Work:
    """Names of what has to be written, of keys that others can read, and when certificates then end."""

    plan: Plan
    issue: tuple[str, ...]
    key_pairs: tuple[str, ...]
    close: tuple[str, ...]
    ends: Mapping[str, datetime]


@dataclass(frozen=True)
class Removal:
    """Files to remove."""

    plan: Plan
    paths: tuple[Path, ...]


def read_options(params: Mapping[str, Any]) -> Desired:
    """What the options ask for. Raises ValueError, saying which entry is wrong and how."""
    requests = []
    for option, days in (("authorities", "authority_valid_days"), ("certificates", "valid_days")):
        if params[days] <= params["renew_days"]:
            raise ValueError(f"{days} ({params[days]}) must be more than renew_days ({params['renew_days']})")
        requests += [
            options.request(f"{option}: {entry['name']}", entry, params[days]) for entry in params[option]
        ]
    names = [request.name for request in requests] + params["key_pairs"]
    options.check_names(names)
    authorities = {request.name for request in requests if not request.authority}
    for request in requests:
        if request.authority and request.authority not in authorities:
            raise ValueError(f"certificates: {request.name}: {request.authority} is not in authorities")
    by_name = {request.name: request for request in requests}
    return Desired(by_name, params["key_pairs"], params["renew_days"], given.read_options(params))


def observe(directory: Path, desired: Desired) -> dict[str, pki.Found]:
    """What the directory has under every name."""
    return {name: pki.load(directory, name) for name in (*desired.requests, *desired.key_pairs)}


def plan(desired: Desired, found: Mapping[str, pki.Found], now: datetime) -> Work:
    """What has to be done. Raises ValueError if an authority that can't sign would have to."""
    ends: dict[str, datetime] = {}
    reasons: list[str] = []
    issue = []
    for name in desired.requests:
        certificate = found[name].certificate
        if certificate:
            ends[name] = pki.not_after(certificate)
        faults = _faults(desired, found, name, now)
        if faults:
            if name not in desired.given:
                _check_signer(desired.requests[name].authority or name, name, found, faults[0])
            ends[name] = _end(desired, name, now, ends)
            issue.append(name)
            reasons += faults
    pair_faults = {name: list(_key_pair_faults(name, found[name])) for name in desired.key_pairs}
    key_pairs = [name for name in desired.key_pairs if pair_faults[name]]
    close = [name for name, seen in found.items() if seen.key and seen.key_mode & 0o077]
    reasons += [fault for name in key_pairs for fault in pair_faults[name]]
    reasons += [f"{name}.key has mode {found[name].key_mode:04o}, others can read it" for name in close]
    keys = {*desired.own_keys, *key_pairs}
    new_keys = [name for name in (*issue, *key_pairs) if name in keys and found[name].key is None]
    before = dict(line for name, seen in found.items() for line in _lines(name, seen))
    after = {
        **before,
        **{f"{name}.crt": _text(_contents(desired, name), ends[name]) for name in issue},
        **{f"{name}.pub": "public key" for name in key_pairs},
        **{f"{name}.key": "mode 0600" for name in new_keys},
        **{f"{name}.key": "mode 0600" for name in close},
    }
    diff = ["".join(f"{file}: {text}\n" for file, text in sorted(side.items())) for side in (before, after)]
    return Work(Plan(tuple(reasons), *diff), tuple(issue), tuple(key_pairs), tuple(close), ends)


def _faults(desired: Desired, found: Mapping[str, pki.Found], name: str, now: datetime) -> list[str]:
    """Why a certificate has to be written."""
    request, seen, made = desired.requests[name], found[name], desired.given.get(name)
    if name in desired.given and not request.authority:
        return given.authority_reasons(name, seen, made)
    signer = request.authority or name
    signer_seen = replace(found[signer], certificate=desired.given.get(signer) or found[signer].certificate)
    faults = list(reissue.reasons(request, seen, desired.requests[signer], signer_seen))
    if seen.certificate:
        faults += reissue.expiry(name, seen.certificate, now, desired.renew_days)
    if made:
        by = desired.requests[signer], signer_seen
        return given.certificate_reasons(request, seen, made, by, faults)
    return faults


def _check_signer(signer: str, name: str, found: Mapping[str, pki.Found], fault: str) -> None:
    obstacle = pki.cannot_sign(signer, found[signer], itself=signer == name)
    if obstacle:
        raise ValueError(f"{fault}, but {signer} can't sign: {obstacle}. {_remedy(signer)}")


def _end(desired: Desired, name: str, now: datetime, ends: Mapping[str, datetime]) -> datetime:
    """When the certificate that is written ends. ends: of those before."""
    request, made = desired.requests[name], desired.given.get(name)
    if made:
        return pki.not_after(made)
    end = now + timedelta(days=request.days)
    return min(end, ends[request.authority]) if request.authority else end


def _contents(desired: Desired, name: str) -> pki.Contents:
    made = desired.given.get(name)
    return pki.contents(made) if made else desired.requests[name].contents


def _remedy(authority: str) -> str:
    return (
        f"Put a {authority}.crt and {authority}.key that belong together there, or remove both to have a new"
        " authority made and every certificate issued again."
    )


def _key_pair_faults(name: str, seen: pki.Found) -> Iterator[str]:
    if seen.key is None:
        yield f"{name}.key {seen.key_fault}"
    elif seen.public is None:
        yield f"{name}.pub is missing"
    elif seen.public.strip() != pki.public_pem(seen.key).strip():
        yield f"{name}.pub does not belong to {name}.key"


def _lines(name: str, seen: pki.Found) -> Iterator[tuple[str, str]]:
    if seen.certificate:
        yield f"{name}.crt", _text(pki.contents(seen.certificate), pki.not_after(seen.certificate))
    if seen.key:
        yield f"{name}.key", f"mode {seen.key_mode:04o}"
    if seen.public:
        yield f"{name}.pub", "public key"


def _text(contents: pki.Contents, end: datetime) -> str:
    said = (
        f"{key.replace('_', ' ')} {reissue.join(value)}" for key, value in asdict(contents).items() if value
    )
    return "; ".join([*said, f"until {end:%Y-%m-%d}"])


def plan_removal(directory: Path, names: Iterable[str]) -> Removal:
    """What is there of certificates that are not wanted any more."""
    paths = [directory / f"{name}.{kind}" for name in names for kind in ("crt", "key")]
    there = tuple(path for path in paths if path.exists())
    before = "".join(f"{path.name}: not wanted any more\n" for path in there)
    return Removal(Plan(tuple(f"{path} is not wanted any more" for path in there), before), there)


def files(directory: Path, desired: Desired) -> list[Path]:
    """Every file that may be written."""
    names = [f"{name}.crt" for name in desired.requests] + [f"{name}.key" for name in desired.own_keys]
    names += [f"{name}.{kind}" for name in desired.key_pairs for kind in ("pub", "key")]
    return [directory / name for name in names]


def apply(
    directory: Path, desired: Desired, found: Mapping[str, pki.Found], work: Work, now: datetime
) -> None:
    """Do the work: keys before what belongs to them, so that the next run completes one cut short.

    Raises ValueError if another host has to make a certificate, and has not.
    """
    for name in work.issue:
        if name in desired.given and not desired.given[name]:
            raise ValueError(f"{name}.crt has to be written, but the control plane host has not given one.")
    signers = {}
    for name, seen in found.items():
        if seen.certificate and seen.key:
            signers[name] = pki.Identity(seen.certificate, seen.key)
    for name in (*work.issue, *work.key_pairs):
        parent = (directory / name).parent
        if not parent.exists():
            parent.mkdir(parents=True)
            parent.chmod(0o755)
    for name in work.issue:
        certificate = desired.given.get(name)
        if not certificate:
            request = desired.requests[name]
            authority = signers[request.authority] if request.authority else None
            signers[name] = made = signing.sign(request, found[name], authority, now, work.ends[name])
            certificate = made.certificate
            if found[name].key is None:
                write(directory / f"{name}.key", pki.private_pem(made.key), 0o600)
        write(directory / f"{name}.crt", pki.certificate_pem(certificate), 0o644)
    for name in work.key_pairs:
        key = found[name].key or signing.new_rsa_key()
        if found[name].key is None:
            write(directory / f"{name}.key", pki.private_pem(key), 0o600)
        write(directory / f"{name}.pub", pki.public_pem(key), 0o644)
    for name in work.close:
        (directory / f"{name}.key").chmod(0o600)


def describe(
    directory: Path, found: Mapping[str, pki.Found], work: Work, done: bool
) -> dict[str, dict[str, str]]:
    """What the module returns of each certificate. done: whether the work has been applied."""
    result = {}
    for name, end in work.ends.items():
        known = found[name].certificate if done or name not in work.issue else None
        result[name] = {
            "path": f"{directory}/{name}.crt",
            "key_path": f"{directory}/{name}.key",
            "fingerprint": pki.fingerprint(known) if known else "",
            "not_valid_after": f"{end:%Y-%m-%dT%H:%M:%SZ}",
        }
    return result


def filled(content: str, described: Mapping[str, Mapping[str, str]]) -> str:
    """The text with what the certificates are, as described, in the place of PLACEHOLDERs.

    What is not there yet, in check mode, leaves its placeholder. Raises ValueError if there is no such
    certificate.
    """

    def fill(match: re.Match[str]) -> str:
        kind, name = match.groups()
        if name not in described:
            raise ValueError(f"files: {match[0]}: there is no certificate {name}")
        known = described[name]
        path = known["path" if kind == "CERTIFICATE" else "key_path"]
        content = read(path) if known["fingerprint"] else None
        return base64.b64encode(content).decode() if content else match[0]

    return PLACEHOLDER.sub(fill, content)
