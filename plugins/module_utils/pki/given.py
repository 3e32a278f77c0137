# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Certificates that another host has made: of its authorities, and what these have signed for this host."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.pki import reissue
from ansible_collections.mink8s.kubernetes.plugins.module_utils.pki import x509 as pki

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cryptography import x509


def read_options(params: Mapping[str, Any]) -> dict[str, x509.Certificate | None]:
    """The certificates by name; None for one that is not known yet, as in check mode.

    Raises ValueError, saying which one is none.
    """
    authorities = {
        entry["name"]: entry["certificate"]
        for entry in params["authorities"]
        if entry.get("certificate") is not None
    }
    signed = {
        entry["name"]: params.get("signed", {}).get(entry["name"], "")
        for entry in params["certificates"]
        if entry["authority"] in authorities
    }
    return {
        name: _read(f"{option}: {name}", text)
        for option, texts in (("authorities", authorities), ("signed", signed))
        for name, text in texts.items()
    }


def _read(where: str, text: str) -> x509.Certificate | None:
    # On a bare host in check mode nothing can read it, and nothing has to.
    if not text or pki.IMPORT_ERROR:
        return None
    try:
        return pki.read_certificate(text)
    except ValueError as error:
        raise ValueError(f"{where}: what was given {error}") from error


def authority_reasons(name: str, seen: pki.Found, given: x509.Certificate | None) -> list[str]:
    """Why the certificate of the other host's authority is written.

    Raises ValueError if this host has an authority of this name itself.
    """
    if seen.key_fault != pki.MISSING:
        raise ValueError(
            f"{name}.key is there, so this host has, or had, a control plane of its own. Run the playbook"
            " reset for this host before it joins another cluster."
        )
    if seen.certificate is None:
        return [f"{name}.crt {seen.certificate_fault}"]
    return [f"{name}.crt is not the control plane host's"] if given and given != seen.certificate else []


def certificate_reasons(
    request: pki.Request,
    seen: pki.Found,
    given: x509.Certificate,
    signer: tuple[pki.Request, pki.Found],
    faults: Sequence[str],
) -> list[str]:
    """Why what the other host has signed is written. Raises ValueError if it is not what is wanted.

    faults: of the certificate that is there.
    """
    wrong = [f"{request.name}.key {seen.key_fault}"] if seen.key is None else []
    wrong += reissue.misfits(request, given, seen.key, *signer)
    if wrong:
        raise ValueError(f"signed: {wrong[0]}. Nothing was changed. Run the playbook again.")
    if given == seen.certificate:
        return []
    return list(faults) or [f"{request.name}.crt was signed anew"]
