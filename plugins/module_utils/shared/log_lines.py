# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The one line of a log that tells a person most."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from ansible_collections.mink8s.kubernetes.plugins.module_utils.shared.redact import redact

LONGEST = 600
INFO, CONSEQUENCE, WARNING, ERROR, FATAL = range(5)
LETTERS = {"I": INFO, "N": INFO, "D": INFO, "W": WARNING, "E": ERROR, "C": FATAL, "F": FATAL}
WORDS = {
    **dict.fromkeys(("trace", "debug", "info", "notice"), INFO),
    **dict.fromkeys(("warn", "warning"), WARNING),
    "error": ERROR,
    **dict.fromkeys(("dpanic", "panic", "fatal", "critical"), FATAL),
}
# Of the kubelet and others, of etcd up to 3.4, of container runtimes, of CoreDNS.
KLOG = re.compile(r"([IWEF])\d{4} \d\d:\d\d:\d\d\.\d+ +\d+ [\w./-]+:\d+\] (.*)")
CAPNSLOG = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d+ ([DINWEC]) \| (.*)")
LOGFMT = re.compile(r'time="[^"]*" level=(\w+) msg="((?:\\.|[^"\\])*)"(.*)')
BRACKETS = re.compile(r"\[(INFO|WARNING|ERROR|FATAL)\] (.*)")
PLAIN_ERROR = re.compile(r"(Error: |error: |failed to |unable to |panic: |fatal error: )", re.IGNORECASE)
# A line of a Go program's stack trace, of the usage text around an error, or of systemd on the unit's states.
NOISE = re.compile(
    r"goroutine \d+|created by |[\w./*()-]+\(.*\)$|Usage:|(.+ f|F)lags:$|\s|$|exit status \d+$"
    r"|[\w@.-]+\.(service|socket): |(Start|Stopp|Reload)(ing|ed) |Failed to start |-- "
)
# What any component says while another one, of which its own log tells, is not there.
CONSEQUENCES = re.compile(
    r'connection refused|node "[^"]*" not found|[Ee]rror getting node|back-?off \S+ restarting failed'
    r"|TLS handshake timeout|transport is closing|network is not ready|[Ll]eader election lost"
)


def most_relevant(log: str) -> str:
    """The line of a log that tells most of why a program does not work; empty if it says nothing.

    The last one of the worst kind there is, without time and place in the source, and without secrets.
    """
    worst, told = INFO, ""
    # A component may log bytes that are no text, which no module can return.
    for level, message in _messages(log.encode(errors="replace").decode()):
        # What follows from another component's state tells less than a warning of what is wrong here.
        rank = CONSEQUENCE if INFO < level < FATAL and CONSEQUENCES.search(message) else level
        if rank >= worst:
            worst, told = rank, message
    told = " ".join(redact(told).split())
    return told if len(told) <= LONGEST else f"{told[:LONGEST]}…"


def _messages(log: str) -> Iterator[tuple[int, str]]:
    for line in log.splitlines():
        if not NOISE.match(line):
            yield _parse(line.strip())


def _parse(line: str) -> tuple[int, str]:
    """How bad it is what a line says, and what that is."""
    for pattern in (KLOG, CAPNSLOG):
        match = pattern.match(line)
        if match:
            return LETTERS[match[1]], match[2]
    match = LOGFMT.match(line)
    if match:
        fields = " ".join(re.findall(r'\berror="(?:\\.|[^"\\])*"', match[3]))
        return WORDS.get(match[1], INFO), f"{match[2]} {fields}".replace('\\"', '"')
    match = BRACKETS.match(line)
    if match:
        return WORDS[match[1].lower()], match[2]
    if line.startswith("{"):
        return _json(line)
    return (ERROR if PLAIN_ERROR.match(line) else INFO), line


def _json(line: str) -> tuple[int, str]:
    """What a line of etcd from 3.5 on says."""
    try:
        entry = json.loads(line)
        text = ": ".join(str(entry[key]) for key in ("msg", "error") if entry.get(key))
        return WORDS.get(str(entry["level"]), INFO), text or line
    except (ValueError, KeyError, TypeError, AttributeError):
        return INFO, line
