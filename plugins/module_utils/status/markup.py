# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""HTML elements, and the looks of the page."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Union
from xml.etree.ElementTree import Element

Node = Union[Element, str]

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
svg .quiet { fill: var(--quiet); } svg .wrong { fill: var(--bad); }
svg .label { fill: var(--quiet); font-size: 12px; }
svg .halo { paint-order: stroke; stroke: var(--page); stroke-width: 4px; }
svg rect { fill: var(--box); stroke: var(--line); } svg .frame { fill: none; stroke: var(--frame); }
svg .unready { stroke: var(--bad); stroke-width: 3; }
svg .missing rect { fill: none; stroke-dasharray: 6 5; }
svg .unhealthy rect { stroke: var(--bad); stroke-width: 3; }
svg .arrow { fill: none; stroke: var(--line); stroke-width: 1.5; } svg marker path { fill: var(--line); }
svg .through { stroke: var(--host); } svg marker .through { fill: var(--host); stroke: none; }
svg .broken { stroke: var(--bad); stroke-width: 2.5; stroke-dasharray: 8 5; }
svg marker .broken { fill: var(--bad); stroke: none; }
svg .unknown { stroke-dasharray: 2 5; } svg marker .unknown { stroke: none; }
.host { fill: var(--host); } .pods { fill: var(--pods); } .network path { fill: var(--network); }
path.network { fill: var(--network); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 28px; margin-top: 8px; }
.legend .sample { width: 28px; height: 9px; }
.legend svg { display: inline; width: 12px; height: 12px; margin: 0 6px -1px 0; }
@page { size: A4 landscape; margin: 12mm; }
@media print { body { padding: 0; max-width: none; font-size: 13px; } table { font-size: 12px; }
  .map { max-height: 160mm; } .map, tr { break-inside: avoid; } h2 { break-after: avoid; }
  * { print-color-adjust: exact; } }
"""


def element(tag: str, *content: Node, **attributes: object) -> Element:
    """An element; class_ is the attribute class, and _ stands for -."""
    names = {name.rstrip("_").replace("_", "-"): str(value) for name, value in attributes.items()}
    made = Element(tag, names)
    for each in content:
        if isinstance(each, Element):
            made.append(each)
        else:
            made.text = each
    return made


def section(heading: str, rows: Iterable[Iterable[Iterable[Node]]]) -> list[Element]:
    """A heading and a table; the first row has the columns' names, each other one lists for each column."""
    first, *others = rows or [()]
    if not others:
        return []
    table = element("table", element("tr", *(element("th", str(name)) for name in first)))
    for row in others:
        cells = (element("td", *(element("p", each) for each in cell)) for cell in row)
        table.append(element("tr", *cells))
    return [element("h2", heading), element("div", table, class_="scroll")]


def text(x: int, y: int, words: str, kind: str) -> Element:
    """Words on a map."""
    return element("text", words, x=x, y=y, class_=kind)


def tip(identity: str, kind: str = "") -> Element:
    """The tip of arrows that name it as their end."""
    shape = element("path", d="M 0 0 L 9 4.5 L 0 9 z", class_=kind)
    size = {"markerWidth": 9, "markerHeight": 9, "refX": 8, "refY": 4.5}
    return element("marker", shape, id=identity, orient="auto", markerUnits="userSpaceOnUse", **size)


def rectangle(kind: str, x: int, y: int, width: int, height: int) -> Element:
    """A rectangle with round corners on a map."""
    return element("rect", x=x, y=y, width=width, height=height, rx=6, class_=kind)
