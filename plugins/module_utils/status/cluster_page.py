# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What the page of a control plane host has of its cluster: a map of the nodes, and tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from xml.etree.ElementTree import Element

from ansible_collections.mink8s.kubernetes.plugins.module_utils.status import cluster_map, markup
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status.cluster import (
    BROKEN,
    THROUGH,
    UNKNOWN,
    Cluster,
)
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status.cluster_map import Arrow, Box, Frame
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status.host_map import shorten
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status.markup import (
    Node,
    element,
    rectangle,
    section,
    text,
)

STATES = {
    THROUGH: "a packet went there and its answer came back",
    BROKEN: "nothing came back",
    UNKNOWN: "not tried",
}


def parts(cluster: Cluster) -> Iterator[Element]:
    """The map, what it means, and the tables of nodes and routes."""
    drawn = cluster_map.draw(cluster)
    about = f"Map of the cluster of {cluster.own.node}: {len(drawn.frames)} nodes"
    size = f"0 0 {cluster_map.WIDTH} {drawn.height}"
    svg = element("svg", viewBox=size, role="img", aria_label=about, class_="map")
    svg.append(element("defs", *(markup.tip(f"tip-{state}", state) for state in STATES)))
    for shape in (shape for frame in drawn.frames for shape in _frame(frame)):
        svg.append(shape)
    for shape in (*map(_line, drawn.arrows), *(label for each in drawn.arrows for label in _label(each))):
        svg.append(shape)
    yield svg
    yield _legend(bool(drawn.arrows))
    yield from section("Nodes", _node_rows(cluster))
    yield from section("Routes to pods of other nodes", _route_rows(cluster))


def _frame(frame: Frame) -> Iterator[Element]:
    left, top = cluster_map.LEFT, frame.top
    kind = "frame" if frame.node.ready else "frame unready"
    name = shorten(f"node {frame.node.name}", cluster_map.NAME_TEXT)
    yield rectangle(kind, left, top, cluster_map.FRAME_WIDTH, frame.height)
    yield text(left + 16, top + 24, name, "name")
    yield text(left + 16, top + 45, frame.facts, "quiet" if frame.node.ready else "wrong")
    yield text(left + 16, top + frame.height - 12, frame.pods, "quiet")
    for box in frame.boxes:
        yield _box(box, frame.node.name)


def _box(box: Box, node: str) -> Element:
    shape = rectangle("", box.left, box.top, cluster_map.BOX_WIDTH, cluster_map.BOX_HEIGHT)
    words = (
        text(box.left + 11, box.top + 20, box.name, "name"),
        text(box.left + 11, box.top + 38, box.about, "quiet"),
    )
    kind = "unhealthy" if box.unhealthy else "component"
    return element("g", element("title", f"{node}: {box.name}"), shape, *words, class_=kind)


def _line(arrow: Arrow) -> Element:
    points, state = " L ".join(f"{x} {y}" for x, y in arrow.points), arrow.link.state
    title = element("title", arrow.link.told)
    end = f"url(#tip-{state})"
    return element("path", title, d=f"M {points}", marker_end=end, class_=f"arrow {state}")


def _label(arrow: Arrow) -> Iterator[Element]:
    if arrow.label_at:
        x, y = arrow.label_at
        label = text(x, y, arrow.link.label, "label halo")
        label.set("text-anchor", "middle")
        label.set("transform", f"rotate(-90 {x} {y})")
        yield label


def _legend(drawn: bool) -> Element:
    if not drawn:
        more = "There are too many routes to draw: the table below has them."
        return element("p", element("span", more), class_="legend quiet")
    marks = []
    for state, words in STATES.items():
        line = element("path", d="M 0 4 H 24", class_=f"arrow {state}")
        sample = element("svg", line, viewBox="0 0 24 8", aria_hidden="true", class_="sample")
        marks.append(element("span", sample, element("span", words)))
    more = "Arrows are routes, each tried with a packet from the bridge of one node to that of the other."
    return element("p", *marks, element("span", more), class_="legend quiet")


def _node_rows(cluster: Cluster) -> list[Iterable[Iterable[Node]]]:
    rows = [
        (
            [each.name],
            ["yes" if each.ready else element("span", "no", class_="bad")],
            [each.version],
            [each.runtime],
            [each.address],
            [each.pod_network],
        )
        for each in cluster.nodes
    ]
    return [("Node", "Ready", "Version", "Container runtime", "Address", "Network of its pods"), *rows]


def _route_rows(cluster: Cluster) -> list[Iterable[Iterable[Node]]]:
    rows = []
    for link in cluster.links:
        seen = element("span", link.seen, class_="bad") if link.state == BROKEN else link.seen
        rows.append(([link.source], [link.target], [link.network], [seen]))
    return [("From", "To the pods of", "Their network", "What was seen"), *rows]
