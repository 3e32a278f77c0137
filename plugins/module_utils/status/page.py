# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The status of a host as one HTML page, with a map of what is connected with what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Union
from xml.etree.ElementTree import Element, tostring

from ansible_collections.mink8s.kubernetes.plugins.module_utils.status import host_map, model
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status.host_map import Arrow, Box, Map
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status.model import Status

Node = Union[Element, str]

# A port's mark says by its shape, too, who can reach it: colours are lost on some paper.
MARKS = {
    "host": "M 0 4 a 4 4 0 1 0 8 0 a 4 4 0 1 0 -8 0 z",
    "pods": "M 4 -1 L 9 4 L 4 9 L -1 4 z",
    "network": "M 4 -1 L 9 8 L -1 8 z",
}
STYLE = """
:root { color-scheme: light;
  --page: #fff; --text: #1b1f24; --quiet: #535b66; --box: #f4f6f8; --line: #5c6570; --frame: #aab2bd;
  --host: #1d6b36; --pods: #855300; --network: #b01030; --bad: #b01030; }
@media screen and (prefers-color-scheme: dark) {
  :root { color-scheme: dark;
    --page: #15181c; --text: #e9ecef; --quiet: #a8b0ba; --box: #20252b; --line: #98a2ae; --frame: #4c5560;
    --host: #7ed293; --pods: #f2b95c; --network: #ff909f; --bad: #ff909f; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 24px 32px; max-width: 1264px; background: var(--page); color: var(--text);
  font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 24px; margin: 0; } h2 { font-size: 18px; margin: 28px 0 8px; } p { margin: 4px 0; }
.quiet { color: var(--quiet); } .bad { color: var(--bad); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th, td { text-align: left; vertical-align: top; padding: 4px 12px 4px 0;
  border-bottom: 1px solid var(--frame); }
td p { margin: 0; } code { font: 13px ui-monospace, monospace; }
svg { display: block; width: 100%; height: auto; margin-top: 16px; }
svg text { fill: var(--text); font: 13px system-ui, sans-serif; }
svg .name { font-size: 15px; font-weight: 600; }
svg .quiet { fill: var(--quiet); } svg .label { fill: var(--quiet); font-size: 12px; }
svg .halo { paint-order: stroke; stroke: var(--page); stroke-width: 4px; }
svg rect { fill: var(--box); stroke: var(--line); } svg .frame { fill: none; stroke: var(--frame); }
svg .missing rect { fill: none; stroke-dasharray: 6 5; }
svg .unhealthy rect { stroke: var(--bad); stroke-width: 3; }
svg .arrow { fill: none; stroke: var(--line); stroke-width: 1.5; } svg marker path { fill: var(--line); }
.host { fill: var(--host); } .pods { fill: var(--pods); } .network path { fill: var(--network); }
path.network { fill: var(--network); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 28px; margin-top: 8px; }
.legend svg { display: inline; width: 12px; height: 12px; margin: 0 6px -1px 0; }
@page { size: A4 landscape; margin: 12mm; }
@media print { body { padding: 0; max-width: none; font-size: 13px; } table { font-size: 12px; }
  .map { max-height: 160mm; } .map, tr { break-inside: avoid; } h2 { break-after: avoid; }
  * { print-color-adjust: exact; } }
"""


def render(status: Status) -> str:
    """The page, which needs nothing but itself."""
    title = f"{status.node or status.host}: what there is of Kubernetes"
    head = _element(
        "head", _element("meta", charset="utf-8"), _element("title", title), _element("style", STYLE)
    )
    taken = f"{status.host}, {status.system}, at {model.moment(status.taken)} UTC"
    body = _element(
        "body",
        _element("h1", title),
        _element("p", taken, class_="quiet"),
        *(_element("p", remark, class_="bad") for remark in status.remarks),
        _map(status, host_map.draw(status)),
        _legend(),
        *_section("Components", _component_rows(status)),
        *_section("Other pods", _pod_rows(status)),
        *_section("Still missing", _missing_rows(status)),
        *_section("To see more", _command_rows(status)),
    )
    page = tostring(_element("html", head, body, lang="en"), encoding="unicode", method="html")
    return f"<!DOCTYPE html>\n{page}\n"


def _element(tag: str, *content: Node, **attributes: object) -> Element:
    """An element; class_ is the attribute class, and _ stands for -."""
    names = {name.rstrip("_").replace("_", "-"): str(value) for name, value in attributes.items()}
    element = Element(tag, names)
    for each in content:
        if isinstance(each, Element):
            element.append(each)
        else:
            element.text = each
    return element


def _component_rows(status: Status) -> list[Iterable[Iterable[Node]]]:
    rows = []
    for each in status.components:
        health = _element("span", each.problem, class_="bad") if each.problem else model.moment(each.since)
        ports = [f"{port.number}/{port.protocol}: {port.who}" for port in each.ports]
        memory = model.mebibytes(each.memory)
        rows.append(([each.name], [each.place], [each.version], [health], [memory], ports))
    head = (
        "Component",
        "Runs as",
        "Version",
        "Healthy since (UTC)",
        "Memory",
        "Ports, and who can reach them",
    )
    return [head, *rows] if rows else []


def _pod_rows(status: Status) -> list[Iterable[Iterable[Node]]]:
    rows = [([pod.full_name], [pod.state], [pod.address]) for pod in status.pods]
    return [("Pod", "State", "Address"), *rows] if rows else []


def _missing_rows(status: Status) -> list[Iterable[Iterable[Node]]]:
    rows = [
        ([each.what], [_element("code", f"{each.variable}: {each.word}") if each.word else "comes later"])
        for each in status.missing
    ]
    return [("What the article lists", "The word that adds it"), *rows]


def _command_rows(status: Status) -> list[Iterable[Iterable[Node]]]:
    rows = [([each.shows], [_element("code", each.command)]) for each in status.commands]
    return [("To see", "Type on the host"), *rows] if rows else []


def _section(heading: str, rows: Iterable[Iterable[Iterable[Node]]]) -> list[Element]:
    """A heading and a table; the first row has the columns' names, each other one lists for each column."""
    first, *others = rows or [()]
    if not others:
        return []
    table = _element("table", _element("tr", *(_element("th", str(name)) for name in first)))
    for row in others:
        cells = (_element("td", *(_element("p", each) for each in cell)) for cell in row)
        table.append(_element("tr", *cells))
    return [_element("h2", heading), _element("div", table, class_="scroll")]


def _legend() -> Element:
    words = {
        "host": "only this host",
        "pods": "this host and its pods",
        "network": "whoever is on the network",
    }
    marks = [_element("span", _mark(reach), _element("span", f"port for {words[reach]}")) for reach in MARKS]
    more = "Arrows are live connections, from who opened them. Credentials are a certificate or a token."
    return _element("p", *marks, _element("span", more), class_="legend quiet")


def _mark(reach: str) -> Element:
    shape = _element("path", d=MARKS[reach], class_=reach)
    return _element("svg", shape, viewBox="-1 -1 10 10", aria_hidden="true")


def _map(status: Status, drawn: Map) -> Element:
    about = f"Map of {status.host}: {len(status.components)} components, {len(status.pods)} other pods"
    svg = _element(
        "svg", viewBox=f"0 0 {host_map.WIDTH} {drawn.height}", role="img", aria_label=about, class_="map"
    )
    tip = _element("path", d="M 0 0 L 9 4.5 L 0 9 z")
    svg.append(
        _element(
            "defs",
            _element(
                "marker",
                tip,
                id="tip",
                markerWidth=9,
                markerHeight=9,
                refX=8,
                refY=4.5,
                orient="auto",
                markerUnits="userSpaceOnUse",
            ),
        )
    )
    frame_height = drawn.height - host_map.FRAME_TOP - 2
    svg.append(_rectangle("frame", 20, host_map.FRAME_TOP, host_map.WIDTH - 40, frame_height))
    svg.append(_text(40, host_map.FRAME_TOP + 26, f"host {status.host}", "name halo"))
    node = f"pods on node {status.node}" if status.node else "pods"
    svg.append(_text(40, drawn.pods_top + 24, node if status.pods else f"{node}: no others", "name halo"))
    for arrow in drawn.arrows:
        points = " L ".join(f"{x} {y}" for x, y in arrow.points)
        line = _element(
            "path", _element("title", arrow.about), d=f"M {points}", marker_end="url(#tip)", class_="arrow"
        )
        svg.append(line)
    for label in {arrow.label_at: _label(arrow) for arrow in drawn.arrows}.values():
        svg.append(label)
    for box in drawn.boxes.values():
        svg.append(_box(box))
    return svg


def _label(arrow: Arrow) -> Element:
    x, y = arrow.label_at
    label = _text(x, y, arrow.label, "label halo")
    label.set("text-anchor", arrow.anchor)
    if arrow.upright:
        label.set("transform", f"rotate(-90 {x} {y})")
    return label


def _box(box: Box) -> Element:
    group = _element("g", _element("title", box.name), class_=box.kind)
    group.append(_rectangle("", box.left, box.top, box.width, box.height))
    left, y = box.left + host_map.PADDING, box.top + host_map.PADDING + 12
    if box.kind != "pod":
        group.append(_text(left, y, box.name, "name"))
        y += host_map.LINE + 2
    for number, line in enumerate(box.lines):
        if line.reach:
            group.append(
                _element(
                    "path", d=MARKS[line.reach], class_=line.reach, transform=f"translate({left} {y - 8})"
                )
            )
        quiet = not line.reach and (box.kind != "pod" or number)
        group.append(_text(left + (16 if line.reach else 0), y, line.text, "quiet" if quiet else ""))
        y += host_map.LINE
    return group


def _text(x: int, y: int, text: str, kind: str) -> Element:
    return _element("text", text, x=x, y=y, class_=kind)


def _rectangle(kind: str, x: int, y: int, width: int, height: int) -> Element:
    return _element("rect", x=x, y=y, width=width, height=height, rx=6, class_=kind)
