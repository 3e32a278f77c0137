# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The certificates that modules are asked for: their options, and what these mean."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

from ansible_collections.mink8s.kubernetes.plugins.module_utils.pki import x509 as pki

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TEXTS: dict[str, Any] = {"type": "list", "elements": "str", "default": []}
SUBJECT: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "common_name": {"type": "str", "required": True},
}
AUTHORITIES: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {**SUBJECT, "certificate": {"type": "str"}},
}
CERTIFICATES: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {
        **SUBJECT,
        "authority": {"type": "str", "required": True},
        "organizations": TEXTS,
        "dns_names": TEXTS,
        "ip_addresses": TEXTS,
        "usages": {"type": "list", "elements": "str", "choices": ["client", "server"], "required": True},
    },
}


def check_names(names: Sequence[str]) -> None:
    """Raises ValueError for a name that can't be a file's, and for one that is used twice."""
    for name in names:
        if not re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)*", name, re.ASCII):
            raise ValueError(f"{name!r} can't name a file: use letters, digits, '-', '_', '.', '/'")
        if names.count(name) > 1:
            raise ValueError(f"{name} is used twice: every certificate and key pair needs its own name")


def request(where: str, entry: Mapping[str, Any], days: int) -> pki.Request:
    """What an entry of the options asks for. Raises ValueError, saying where it is wrong and how.

    days: how long the certificate is to be valid.
    """
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
