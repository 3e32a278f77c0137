# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The status of a host as lines of a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ansible_collections.mink8s.kubernetes.plugins.module_utils.status import model
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status.cluster import Cluster
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status.model import Component, Status

HEADER = ("COMPONENT", "RUNS AS", "VERSION", "HEALTHY SINCE (UTC)", "MEMORY", "PORT", "WHO CAN REACH IT")


def lines(status: Status, cluster: Cluster | None = None) -> list[str]:
    """The whole of it, a line each. cluster: that of which the host has the control plane."""
    statuses = cluster.statuses if cluster else (status,)
    rows = [
        row
        for each in statuses
        for component in each.components
        for row in _rows(component, *([each.node] if cluster else []))
    ]
    header = (*(["NODE"] if cluster else []), *HEADER)
    needs = [("STILL MISSING", "THE WORD THAT ADDS IT")]
    needs += [(each.what, f"{each.word} in {each.variable}") for each in status.missing]
    commands = [("TO SEE", "TYPE ON THE HOST")]
    commands += [(each.shows, each.command) for each in status.commands]
    return [
        f"{status.node or status.host} at {model.moment(status.taken)} UTC, {status.system}",
        *filter(None, [status.note]),
        *(cluster or status).remarks,
        "",
        *(_of_cluster(cluster) if cluster else []),
        *(columns([header, *rows]) if rows else ["Nothing of Kubernetes runs here."]),
        *(problem for each in statuses for problem in _problems(each, bool(cluster))),
        *_pods(status),
        "",
        *(columns(needs) if status.missing else ["Nothing of what the article lists is missing here."]),
        *(["", *columns(commands)] if status.commands else []),
    ]


def _of_cluster(cluster: Cluster) -> Iterator[str]:
    nodes = [("NODE", "READY", "VERSION", "CONTAINER RUNTIME", "ADDRESS", "NETWORK OF ITS PODS")]
    nodes += [
        (each.name, "yes" if each.ready else "no", each.version, each.runtime, each.address, each.pod_network)
        for each in cluster.nodes
    ]
    routes = [("FROM", "TO THE PODS OF", "WHAT WAS SEEN")]
    routes += [(each.source, each.target, each.seen) for each in cluster.links]
    yield from (*columns(nodes), "", *columns(routes), "")


def _problems(status: Status, named: bool) -> Iterator[str]:
    for each in status.components:
        if each.problem:
            where = f" on {status.node}" if named else ""
            yield f"{each.name}{where} is not healthy: {each.problem}"


def _pods(status: Status) -> list[str]:
    several = len(status.nodes) > 1
    rows = [(pod.full_name, pod.state, pod.address, *([pod.node] if several else [])) for pod in status.pods]
    header = ("OTHER POD", "STATE", "ADDRESS", *(["NODE"] if several else []))
    return ["", *columns([header, *rows])] if rows else []


def _rows(component: Component, *where: str) -> Iterator[tuple[str, ...]]:
    since = "not healthy" if component.problem else model.moment(component.since)
    memory = model.mebibytes(component.memory)
    first = (*where, component.name, component.place, component.version, since, memory)
    ports = [(f"{port.number}/{port.protocol}", port.who) for port in component.ports] or [("", "")]
    for number, port in enumerate(ports):
        yield (*(first if number == 0 else [""] * len(first)), *port)


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of the same length, each column as wide as its longest text."""
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
