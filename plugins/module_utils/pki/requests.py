# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a host without an authority asks for: keys of its own, and a signing request over each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.pki import options, signing
from ansible_collections.mink8s.kubernetes.plugins.module_utils.pki import x509 as pki
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.files import make_directory, write
from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(frozen=True)
class Work:
    """Names of the keys to make."""

    plan: Plan
    keys: tuple[str, ...]


def read_options(params: Mapping[str, Any]) -> dict[str, pki.Request]:
    """The certificates that are wanted, by name. Raises ValueError, saying which entry is wrong and how."""
    entries, days = params["certificates"], params.get("valid_days", 0)
    wanted = [options.request(f"certificates: {entry['name']}", entry, days) for entry in entries]
    options.check_names([request.name for request in wanted])
    return {request.name: request for request in wanted}


def plan(wanted: Sequence[str], found: Mapping[str, pki.Found]) -> Work:
    """Which keys have to be made."""
    keys = tuple(name for name in wanted if found[name].key is None)
    reasons = tuple(f"{name}.key {found[name].key_fault}" for name in keys)
    after = "".join(f"{name}.key: mode 0600\n" for name in keys)
    return Work(Plan(reasons, "", after), keys)


def make_keys(directory: Path, names: Sequence[str]) -> None:
    """Make these keys."""
    for name in names:
        path = directory / f"{name}.key"
        make_directory(path.parent, 0o755)
        write(path, pki.private_pem(signing.new_key()), 0o600)


def describe(wanted: Mapping[str, pki.Request], found: Mapping[str, pki.Found]) -> list[dict[str, str]]:
    """What the control plane host has to know: nothing of it is secret.

    Without a key there is no request yet.
    """
    result = []
    for name, request in wanted.items():
        key, certificate = found[name].key, found[name].certificate
        result.append(
            {
                "name": name,
                "request": pki.request_pem(signing.request(request.contents, key)).decode() if key else "",
                "certificate": pki.certificate_pem(certificate).decode() if certificate else "",
            }
        )
    return result
