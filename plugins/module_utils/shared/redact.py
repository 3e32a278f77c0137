# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Texts of a host without what nobody else may know."""

from __future__ import annotations

import re

REMOVED = "[removed]"

_BEGIN, _END = (rf"-----{word} [A-Z0-9 ]*PRIVATE KEY-----" for word in ("BEGIN", "END"))

# A value in quotes, in quotes that are escaped because the text is itself quoted, or up to the next mark.
_VALUE = r"""(?:"(?:\\.|[^"\\])*"|'[^']*'|(?P<quote>\\+["'])(?:(?!(?P=quote)).)*(?P=quote)|[^\s"',;&{}\\]+)"""
_NAMES = "|".join(
    [
        r"[\w-]*passw(?:or)?d",
        r"[\w-]*passphrase",
        r"(?:[\w-]*[_-])?(?:token|secret)",
        r"(?:[\w-]*[_-])?(?:api|access|secret)[_-]?key",
        r"(?:identity|registry)token",
        r"client-key-data",
        r"auth",
    ]
)

# Each pattern and what takes its place.
_RULES = tuple(
    (re.compile(pattern, flags), replacement)
    for pattern, flags, replacement in (
        # What is cut off after the first line of a key, or before its last, may be the key.
        (rf"{_BEGIN}.*?(?:{_END}|\Z)", re.DOTALL, REMOVED),
        (rf"\A.*{_END}", re.DOTALL, REMOVED),
        # A password may have a slash in it, and an at sign.
        (r"(?<=://)(?:[^\s/\"'<>]*@|[^\s/\"'<>@:]+:[^\s\"'<>,?]*@)", 0, f"{REMOVED}@"),
        # A container runtime, and the kubelet that logs what it says, show a proxy that is no URL as it is.
        (
            r"((?:_|https?[ -]?)proxy\\*[\"']?\s*[=:]\s*\\*[\"']?(?:\w+://)?)\S+@",
            re.IGNORECASE,
            rf"\1{REMOVED}@",
        ),
        (r"\beyJ[\w-]+\.[\w-]+\.[\w-]*", 0, REMOVED),
        (r"\b(bearer\s+|authorization\W+\w+\s+)[\w.~+/-]{12,}=*", re.IGNORECASE, rf"\1{REMOVED}"),
        (
            rf"(?<![\w-])({_NAMES})(\\*[\"']?[ \t]*[:=][ \t]*){_VALUE}",
            re.IGNORECASE,
            rf"\1\2{REMOVED}",
        ),
    )
)


def redact(text: str) -> str:
    """The text without private keys, tokens, passwords, and the credentials of registries and proxies.

    It would rather take too much away than too little.
    """
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text
