# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The status of a host as one HTML page, with a map of what is connected with what."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from xml.etree.ElementTree import Element, tostring

from ansible_collections.mink8s.kubernetes.plugins.module_utils.status import (
    cluster_page,
    host_map,
    markup,
    model,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status.cluster import Cluster
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status.host_map import Arrow, Box, Map
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status.markup import (
    STYLE,
    Node,
    element,
    rectangle,
    section,
    text,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status.model import Status

# A port's mark says by its shape, too, who can reach it: colours are lost on some paper.
MARKS = {
    "host": "M 0 4 a 4 4 0 1 0 8 0 a 4 4 0 1 0 -8 0 z",
    "pods": "M 4 -1 L 9 4 L 4 9 L -1 4 z",
    "network": "M 4 -1 L 9 8 L -1 8 z",
}


def render(status: Status, cluster: Cluster | None = None) -> str:
    """The page of a host, which needs nothing but itself. cluster: that of which it has the control plane."""
    statuses = cluster.statuses if cluster else (status,)
    of = f"cluster of {status.node}" if cluster else status.node or status.host
    title = f"{of}: what there is of Kubernetes"
    head = element("head", element("meta", charset="utf-8"), element("title", title), element("style", STYLE))
    taken = f"{status.host}, {status.system}, at {model.moment(status.taken)} UTC"
    body = element(
        "body",
        element("h1", title),
        element("p", taken, class_="quiet"),
        *([element("p", status.note, class_="quiet")] if status.note else []),
        *(element("p", remark, class_="bad") for remark in (cluster or status).remarks),
        *(cluster_page.parts(cluster) if cluster else []),
        *([element("h2", f"The control plane host, {status.host}")] if cluster else []),
        _map(status, host_map.draw(status)),
        _legend(),
        *section("Components", _component_rows(statuses)),
        *section("Other pods", _pod_rows(status)),
        *section("Still missing", _missing_rows(status)),
        *section("To see more", _command_rows(status)),
    )
    page = tostring(element("html", head, body, lang="en"), encoding="unicode", method="html")
    return f"<!DOCTYPE html>\n{page}\n"


def _component_rows(statuses: Sequence[Status]) -> list[Iterable[Iterable[Node]]]:
    """A row for each component. With several hosts, its node comes first."""
    several = len(statuses) > 1
    rows: list[Iterable[Iterable[Node]]] = []
    for node, each in ((status.node, each) for status in statuses for each in status.components):
        health = element("span", each.problem, class_="bad") if each.problem else model.moment(each.since)
        ports = [f"{port.number}/{port.protocol}: {port.who}" for port in each.ports]
        cells = ([each.name], [each.place], [each.version], [health], [model.mebibytes(each.memory)], ports)
        rows.append((*([[node]] if several else []), *cells))
    head = (
        *(["Node"] if several else []),
        "Component",
        "Runs as",
        "Version",
        "Healthy since (UTC)",
        "Memory",
        "Ports, and who can reach them",
    )
    return [head, *rows] if rows else []


def _pod_rows(status: Status) -> list[Iterable[Iterable[Node]]]:
    several = len(status.nodes) > 1
    rows = [
        ([pod.full_name], [pod.state], [pod.address], *([[pod.node]] if several else []))
        for pod in status.pods
    ]
    return [("Pod", "State", "Address", *(["Node"] if several else [])), *rows] if rows else []


def _missing_rows(status: Status) -> list[Iterable[Iterable[Node]]]:
    rows = [([each.what], [element("code", f"{each.variable}: {each.word}")]) for each in status.missing]
    return [("What the article lists", "The word that adds it"), *rows]


def _command_rows(status: Status) -> list[Iterable[Iterable[Node]]]:
    rows = [([each.shows], [element("code", each.command)]) for each in status.commands]
    return [("To see", "Type on the host"), *rows] if rows else []


def _legend() -> Element:
    words = {
        "host": "only this host",
        "pods": "this host and its pods",
        "network": "whoever is on the network",
    }
    marks = [element("span", _mark(reach), element("span", f"port for {words[reach]}")) for reach in MARKS]
    more = "Arrows are live connections, from who opened them. Credentials are a certificate or a token."
    return element("p", *marks, element("span", more), class_="legend quiet")


def _mark(reach: str) -> Element:
    shape = element("path", d=MARKS[reach], class_=reach)
    return element("svg", shape, viewBox="-1 -1 10 10", aria_hidden="true")


def _map(status: Status, drawn: Map) -> Element:
    about = f"Map of {status.host}: {len(status.components)} components, {len(status.pods)} other pods"
    svg = element(
        "svg", viewBox=f"0 0 {host_map.WIDTH} {drawn.height}", role="img", aria_label=about, class_="map"
    )
    svg.append(element("defs", markup.tip("tip")))
    frame_height = drawn.height - host_map.FRAME_TOP - 2
    svg.append(rectangle("frame", 20, host_map.FRAME_TOP, host_map.WIDTH - 40, frame_height))
    svg.append(text(40, host_map.FRAME_TOP + 26, f"host {status.host}", "name halo"))
    node = f"pods on node {status.node}" if status.node else "pods"
    svg.append(text(40, drawn.pods_top + 24, node if status.pods else f"{node}: no others", "name halo"))
    for arrow in drawn.arrows:
        points = " L ".join(f"{x} {y}" for x, y in arrow.points)
        line = element(
            "path", element("title", arrow.about), d=f"M {points}", marker_end="url(#tip)", class_="arrow"
        )
        svg.append(line)
    for label in {arrow.label_at: _label(arrow) for arrow in drawn.arrows}.values():
        svg.append(label)
    for box in drawn.boxes.values():
        svg.append(_box(box))
    return svg


def _label(arrow: Arrow) -> Element:
    x, y = arrow.label_at
    label = text(x, y, arrow.label, "label halo")
    label.set("text-anchor", arrow.anchor)
    if arrow.upright:
        label.set("transform", f"rotate(-90 {x} {y})")
    return label


def _box(box: Box) -> Element:
    group = element("g", element("title", box.name), class_=box.kind)
    group.append(rectangle("", box.left, box.top, box.width, box.height))
    left, y = box.left + host_map.PADDING, box.top + host_map.PADDING + 12
    if box.kind != "pod":
        group.append(text(left, y, box.name, "name"))
        y += host_map.LINE + 2
    for number, line in enumerate(box.lines):
        if line.reach:
            group.append(
                element(
                    "path", d=MARKS[line.reach], class_=line.reach, transform=f"translate({left} {y - 8})"
                )
            )
        quiet = not line.reach and (box.kind != "pod" or number)
        group.append(text(left + (16 if line.reach else 0), y, line.text, "quiet" if quiet else ""))
        y += host_map.LINE
    return group
