# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The status of a host as lines of a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_collections.mink8s.kubernetes.plugins.module_utils.status import model
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status.model import Component, Status

HEADER = ("COMPONENT", "RUNS AS", "VERSION", "HEALTHY SINCE (UTC)", "MEMORY", "PORT", "WHO CAN REACH IT")


def lines(status: Status) -> list[str]:
    """The whole of it, a line each."""
    rows = [row for component in status.components for row in _rows(component)]
    needs = [("STILL MISSING", "THE WORD THAT ADDS IT")]
    needs += [
        (each.what, f"{each.word} in {each.variable}" if each.word else "comes later")
        for each in status.missing
    ]
    commands = [("TO SEE", "TYPE ON THE HOST")]
    commands += [(each.shows, each.command) for each in status.commands]
    pods = [("OTHER POD", "STATE", "ADDRESS")]
    pods += [(pod.full_name, pod.state, pod.address) for pod in status.pods]
    return [
        f"{status.node or status.host} at {model.moment(status.taken)} UTC, {status.system}",
        *status.remarks,
        "",
        *(columns([HEADER, *rows]) if rows else ["Nothing of Kubernetes runs here."]),
        *(f"{each.name} is not healthy: {each.problem}" for each in status.components if each.problem),
        *(["", *columns(pods)] if status.pods else []),
        "",
        *columns(needs),
        *(["", *columns(commands)] if status.commands else []),
    ]


def _rows(component: Component) -> Iterator[tuple[str, ...]]:
    since = "not healthy" if component.problem else model.moment(component.since)
    memory = model.mebibytes(component.memory)
    first = (component.name, component.place, component.version, since, memory)
    ports = [(f"{port.number}/{port.protocol}", port.who) for port in component.ports] or [("", "")]
    for number, port in enumerate(ports):
        yield (*(first if number == 0 else [""] * len(first)), *port)


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of the same length, each column as wide as its longest text."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
