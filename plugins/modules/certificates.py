#!/usr/bin/python
# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Certificate authorities, certificates and keys, made and renewed in one round trip."""

from __future__ import annotations

DOCUMENTATION = r"""
module: certificates
version_added: 0.1.0
short_description: Make and renew the certificates and keys of a cluster
description:
  - Makes certificate authorities, certificates signed by them, and key pairs in one directory.
  - What is valid stays. A certificate is issued again when it expires soon or has expired, when what it
    has to say changes, or when it does not belong to its key or its authority.
  - A key that can be read is never replaced, so what a renewed authority has signed stays valid. Remove
    a certificate's key to have a new one made. New keys are ECDSA P-256, in key pairs RSA 2048.
  - An authority that is already there is used as it is, whatever its common name and kind of key.
author: The mink8s authors (@mink8s)
requirements:
  - cryptography >= 3.3 (the package python3-cryptography)
attributes:
  check_mode:
    description: Reports what would be issued and changes nothing.
    support: full
  diff_mode:
    description: Shows names and expiry of the certificates, and never a key.
    support: full
options:
  directory:
    description: Directory of all files; made with mode 0755 if missing.
    type: path
    required: true
  authorities:
    description: Certificate authorities, as C(NAME.crt) and C(NAME.key).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the files without their ending; V(etcd/ca) puts them in a directory below.
        type: str
        required: true
      common_name:
        description: Common name of the subject, at most 64 characters.
        type: str
        required: true
  certificates:
    description: Certificates signed by O(authorities), as C(NAME.crt) and C(NAME.key).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the files without their ending.
        type: str
        required: true
      authority:
        description: Name of the entry in O(authorities) that signs the certificate.
        type: str
        required: true
      common_name:
        description: Common name of the subject, at most 64 characters; Kubernetes reads it as the user.
        type: str
        required: true
      organizations:
        description: Organizations of the subject; Kubernetes reads them as the user's groups.
        type: list
        elements: str
        default: []
      dns_names:
        description: DNS names the certificate is valid for.
        type: list
        elements: str
        default: []
      ip_addresses:
        description: IP addresses the certificate is valid for.
        type: list
        elements: str
        default: []
      usages:
        description: Sides of a TLS connection the certificate may be used on.
        type: list
        elements: str
        choices: [client, server]
        required: true
  key_pairs:
    description: Names of key pairs without a certificate, as C(NAME.key) and C(NAME.pub).
    type: list
    elements: str
    default: []
  valid_days:
    description: Days O(certificates) are valid for, but never longer than their authority.
    type: int
    default: 365
  authority_valid_days:
    description: Days O(authorities) are valid for.
    type: int
    default: 3650
  renew_days:
    description: A certificate that is valid for fewer days than this is renewed.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Make what an API server needs
  mink8s.kubernetes.certificates:
    directory: /etc/kubernetes/pki
    authorities:
      - name: ca
        common_name: kubernetes
    certificates:
      - name: apiserver
        authority: ca
        common_name: kube-apiserver
        dns_names: [kubernetes.default.svc, localhost]
        ip_addresses: [10.96.0.1, 127.0.0.1]
        usages: [server]
      - name: admin
        authority: ca
        common_name: kubernetes-admin
        organizations: [system:masters]
        usages: [client]
    key_pairs: [sa]
"""

RETURN = r"""
reasons:
  description: One sentence for each change.
  type: list
  elements: str
  returned: success
  sample: [apiserver.crt expires in 12 days]
certificates:
  description:
    - What is known of every authority and certificate, by its name. In check mode the C(fingerprint) of
      one that would be issued is empty.
  type: dict
  returned: success
  sample:
    apiserver:
      path: /etc/kubernetes/pki/apiserver.crt
      key_path: /etc/kubernetes/pki/apiserver.key
      fingerprint: 1b0c1c1c4dd6fbf3f7f1c4e5d0b8cb6b0e3a3f6d7f3a1b9a0d2c4b6a8f0e1d2c
      not_valid_after: "2027-11-23T16:35:00Z"
"""

import re
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta, timezone
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible.module_utils.common.respawn import (
    has_respawned,
    probe_interpreters_for_module,
    respawn_module,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils import _certificates as pki
from ansible_collections.mink8s.kubernetes.plugins.module_utils import _files, _plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@dataclass(frozen=True)
class Desired:
    """requests: authorities before what they sign."""

    requests: Mapping[str, pki.Request]
    key_pairs: tuple[str, ...]
    renew_days: int


@dataclass(frozen=True)
class Work:
    """Names of what has to be written, of keys that others can read, and when certificates then end."""

    plan: _plan.Plan
    issue: tuple[str, ...]
    key_pairs: tuple[str, ...]
    close: tuple[str, ...]
    ends: Mapping[str, datetime]


def read_options(params: Mapping[str, Any]) -> Desired:
    """What the options ask for. Raises ValueError, saying which entry is wrong and how."""
    requests = []
    for option, days in (("authorities", "authority_valid_days"), ("certificates", "valid_days")):
        if params[days] <= params["renew_days"]:
            raise ValueError(f"{days} ({params[days]}) must be more than renew_days ({params['renew_days']})")
        requests += [_request(f"{option}: {entry['name']}", entry, params[days]) for entry in params[option]]
    names = [request.name for request in requests] + params["key_pairs"]
    for name in names:
        if not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)*", name, re.ASCII):
            raise ValueError(f"{name!r} can't name a file: use letters, digits, '-', '_', '.', '/'")
        if names.count(name) > 1:
            raise ValueError(f"{name} is used twice: every certificate and key pair needs its own name")
    authorities = {request.name for request in requests if not request.authority}
    for request in requests:
        if request.authority and request.authority not in authorities:
            raise ValueError(f"certificates: {request.name}: {request.authority} is not in authorities")
    return Desired({request.name: request for request in requests}, params["key_pairs"], params["renew_days"])


def _request(where: str, entry: Mapping[str, Any], days: int) -> pki.Request:
    if not 1 <= len(entry["common_name"]) <= 64:
        raise ValueError(f"{where}: common_name {entry['common_name']!r} does not have 1 to 64 characters")
    for name in entry.get("dns_names", ()):
        if not name.isascii():
            raise ValueError(f"{where}: dns_names: {name} is not ASCII, write it in its xn-- form")
    try:
        addresses = pki.comparable(ip_address(value) for value in entry.get("ip_addresses", ()))
    except ValueError as error:
        raise ValueError(f"{where}: ip_addresses: {error}") from error
    lists = {key: pki.comparable(entry.get(key, ())) for key in ("organizations", "dns_names", "usages")}
    contents = pki.Contents(entry["common_name"], ip_addresses=addresses, **lists)
    return pki.Request(entry["name"], contents, days, entry.get("authority", ""))


def observe(directory: Path, desired: Desired) -> dict[str, pki.Found]:
    """What the directory has under every name."""
    return {name: pki.load(directory, name) for name in (*desired.requests, *desired.key_pairs)}


def plan(desired: Desired, found: Mapping[str, pki.Found], now: datetime) -> Work:
    """What has to be done. Raises ValueError if an authority that can't sign would have to."""
    ends = {name: pki.not_after(seen.certificate) for name, seen in found.items() if seen.certificate}
    reasons: list[str] = []
    issue = []
    for name, request in desired.requests.items():
        signer = request.authority or name
        faults = list(_faults(request, found[name], desired.requests[signer], found[signer]))
        left = ends[name] - now if name in ends else timedelta.max
        if left < timedelta(days=desired.renew_days):
            faults.append(
                f"{name}.crt expires in {left.days} days" if left.days >= 0 else f"{name}.crt has expired"
            )
        if faults:
            _check_authority(signer, found[signer], faults[0])
            end = now + timedelta(days=request.days)
            ends[name] = min(end, ends[signer]) if request.authority else end
            issue.append(name)
            reasons += faults
    pair_faults = {name: list(_key_pair_faults(name, found[name])) for name in desired.key_pairs}
    key_pairs = [name for name in desired.key_pairs if pair_faults[name]]
    close = [name for name, seen in found.items() if seen.key and seen.key_mode & 0o077]
    reasons += [fault for name in key_pairs for fault in pair_faults[name]]
    reasons += [f"{name}.key has mode {found[name].key_mode:04o}, others can read it" for name in close]
    before = dict(line for name, seen in found.items() for line in _lines(name, seen))
    after = {
        **before,
        **{f"{name}.crt": _text(desired.requests[name].contents, ends[name]) for name in issue},
        **{f"{name}.pub": "public key" for name in key_pairs},
        **{f"{name}.key": "mode 0600" for name in (*issue, *key_pairs, *close)},
    }
    diff = ["".join(f"{file}: {text}\n" for file, text in sorted(side.items())) for side in (before, after)]
    return Work(_plan.Plan(tuple(reasons), *diff), tuple(issue), tuple(key_pairs), tuple(close), ends)


def _faults(
    request: pki.Request, seen: pki.Found, signer: pki.Request, signer_seen: pki.Found
) -> Iterator[str]:
    file = f"{request.name}.crt"
    if seen.certificate is None:
        yield f"{file} {seen.certificate_fault}"
    elif request.authority:
        if not pki.signed_by(seen.certificate, signer, signer_seen):
            yield f"{file} is not signed by {signer.name}"
        if seen.key is None:
            yield f"{request.name}.key {seen.key_fault}"
        elif not pki.same_key(seen.certificate, seen.key):
            yield f"{request.name}.key does not belong to {file}"
        there = pki.contents(seen.certificate)
        for item in fields(pki.Contents):
            old, new = getattr(there, item.name), getattr(request.contents, item.name)
            if old != new:
                label = item.name.replace("_", " ")
                yield f"{file}: {label} changed: now {_join(old)}, wanted {_join(new)}"


def _check_authority(name: str, seen: pki.Found, reason: str) -> None:
    obstacle = pki.cannot_sign(name, seen)
    if obstacle:
        raise ValueError(
            f"{reason}, but {name} can't sign: {obstacle}. Put back the {name}.crt and {name}.key that belong"
            " together, or remove both to have a new authority made and every certificate issued again."
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
    said = (f"{key.replace('_', ' ')} {_join(value)}" for key, value in asdict(contents).items() if value)
    return "; ".join([*said, f"until {end:%Y-%m-%d}"])


def _join(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else ", ".join(value) or "none"


def apply(
    directory: Path, desired: Desired, found: Mapping[str, pki.Found], work: Work, now: datetime
) -> None:
    """Do the work: keys before what belongs to them, so that the next run completes one cut short."""
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
        request = desired.requests[name]
        authority = signers[request.authority] if request.authority else None
        signers[name] = made = pki.sign(request, found[name], authority, now, work.ends[name])
        if found[name].key is None:
            _files.write(directory / f"{name}.key", pki.private_pem(made.key), 0o600)
        _files.write(directory / f"{name}.crt", pki.certificate_pem(made.certificate), 0o644)
    for name in work.key_pairs:
        key = found[name].key or pki.new_rsa_key()
        if found[name].key is None:
            _files.write(directory / f"{name}.key", pki.private_pem(key), 0o600)
        _files.write(directory / f"{name}.pub", pki.public_pem(key), 0o644)
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


def main() -> None:
    """Run the module."""
    authority = {"name": {"type": "str", "required": True}, "common_name": {"type": "str", "required": True}}
    texts = {"type": "list", "elements": "str", "default": []}
    certificate = {
        **authority,
        "authority": {"type": "str", "required": True},
        "organizations": texts,
        "dns_names": texts,
        "ip_addresses": texts,
        "usages": {"type": "list", "elements": "str", "choices": ["client", "server"], "required": True},
    }
    module = AnsibleModule(
        argument_spec={
            "directory": {"type": "path", "required": True},
            "authorities": {"type": "list", "elements": "dict", "options": authority, "default": []},
            "certificates": {"type": "list", "elements": "dict", "options": certificate, "default": []},
            "key_pairs": {**texts, "no_log": False},
            "valid_days": {"type": "int", "default": 365},
            "authority_valid_days": {"type": "int", "default": 3650},
            "renew_days": {"type": "int", "default": 30},
        },
        supports_check_mode=True,
    )
    if pki.IMPORT_ERROR:
        others = [] if has_respawned() else ["/usr/bin/python3"]
        interpreter = probe_interpreters_for_module(others, "cryptography")
        if interpreter:
            respawn_module(interpreter)
        problem = f"{missing_required_lib('cryptography')} Its package is python3-cryptography."
        module.fail_json(msg=problem, exception=pki.IMPORT_ERROR)
    directory, now = Path(module.params["directory"]), datetime.now(timezone.utc).replace(microsecond=0)
    try:
        desired = read_options(module.params)
        found = observe(directory, desired)
        work = plan(desired, found, now)
    except (OSError, ValueError) as error:
        module.fail_json(msg=f"{directory}: {error}")
    results = describe(directory, found, work, done=False)

    def carry_out() -> None:
        apply(directory, desired, found, work, now)
        results.update(describe(directory, observe(directory, desired), work, done=True))

    _plan.carry_out(module, work.plan, carry_out, certificates=results)


if __name__ == "__main__":
    main()
