# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where things are on the map of a host: components in three columns, pods below, arrows between them.

All numbers are the map's own units, which are pixels on a page that is wide enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ansible_collections.mink8s.kubernetes.plugins.module_utils.status import model
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status.model import (
    Component,
    Connection,
    Pod,
    Status,
)

if TYPE_CHECKING:
    from typing import TypeAlias

Point: TypeAlias = "tuple[int, int]"

WIDTH = 1200
# What is in neither is in the third.
COLUMNS = (
    ("kube-controller-manager", "kube-scheduler", "kube-proxy", "coredns"),
    ("kube-apiserver", "etcd"),
)
LEFTS, BOX_WIDTH = (40, 432, 824), 336
# The network's strip, the frame of the host, and the first row of boxes.
STRIP_HEIGHT, FRAME_TOP, FIRST_TOP = 34, 64, 104
LINE, GAP, PADDING = 18, 34, 11
PODS_IN_A_ROW, POD_ROWS, POD_WIDTH, POD_HEIGHT, POD_GAP = 4, 2, 262, 58, 24
POD_TEXT = 30
# Between two vertical parts of arrows in the same gap, and how many have room there.
TRACK, TRACKS = 8, 6


@dataclass(frozen=True)
class Line:
    """A line of text in a box. reach: that of the port it tells of; empty for others."""

    text: str
    reach: str = ""


@dataclass
class Box:
    """Something on the map. kind: component, unhealthy, missing, pod or network."""

    name: str
    kind: str
    left: int
    top: int
    width: int
    height: int
    lines: list[Line] = field(default_factory=list)
    column: int = -1

    @property
    def right(self) -> int:
        """Its right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> int:
        """Its lower edge."""
        return self.top + self.height


@dataclass(frozen=True)
class Arrow:
    """A live connection: the corners it goes through, and what it leads to.

    label_at: where the label begins, or has its middle where it stands upright.
    """

    points: tuple[Point, ...]
    label: str
    about: str
    label_at: Point
    anchor: str = "start"
    upright: bool = False


@dataclass
class Map:
    """Everything on it. pods_top: where the frame of the pods begins."""

    boxes: dict[str, Box]
    arrows: list[Arrow]
    pods_top: int
    height: int


def draw(status: Status) -> Map:
    """The map of a host."""
    boxes = {box.name: box for box in _components(status)}
    pods_top = max((box.bottom for box in boxes.values()), default=FIRST_TOP) + GAP
    here = [pod for pod in status.pods if pod.node in ("", status.node)]
    pods = list(_pods(here, pods_top))
    bottom = max((box.bottom for box in pods), default=pods_top + 24) + 16
    boxes.update((box.name, box) for box in pods)
    boxes[model.ELSEWHERE] = Box(model.ELSEWHERE, "network", 20, 0, WIDTH - 40, STRIP_HEIGHT)
    shown = [each for each in status.connections if {each.client, each.server} <= boxes.keys()]
    return Map(boxes, list(_arrows(shown, boxes, pods_top)), pods_top, bottom)


def _components(status: Status) -> Iterator[Box]:
    there = {component.name: component for component in status.components}
    wanted = {each.word: each.what for each in status.missing}
    # The kubelet above what it needs.
    others = [name for name in reversed([*there]) if not any(name in names for names in COLUMNS)]
    for column, names in enumerate((*COLUMNS, others)):
        top = FIRST_TOP
        for name in names:
            if name in there:
                kind, lines = "unhealthy" if there[name].problem else "component", _lines(there[name])
            elif name in wanted:
                kind, lines = "missing", [Line("not here"), Line(wanted[name].partition(":")[0])]
            else:
                continue
            height = PADDING * 2 + LINE * (len(lines) + 1)
            yield Box(name, kind, LEFTS[column], top, BOX_WIDTH, height, lines, column)
            top += height + GAP


def _lines(component: Component) -> list[Line]:
    words = filter(None, (component.version, model.mebibytes(component.memory)))
    health = "not healthy" if component.problem else ""
    told = [Line(text) for text in (", ".join(words), component.place, health) if text]
    ports = [Line(f"{port.number}/{port.protocol}: {port.who}", port.reach) for port in component.ports]
    return [*told, *ports]


def _pods(pods: Sequence[Pod], pods_top: int) -> Iterator[Box]:
    room = PODS_IN_A_ROW * POD_ROWS
    shown = pods if len(pods) <= room else pods[: room - 1]
    cells: list[tuple[str, str, tuple[str, ...]]] = [
        (pod.full_name, pod.name, (pod.namespace, pod.state, pod.address)) for pod in shown
    ]
    if len(shown) < len(pods):
        cells.append(("…", f"{len(pods) - len(shown)} more", ("in the table below",)))
    for number, (full_name, name, more) in enumerate(cells):
        row, place = divmod(number, PODS_IN_A_ROW)
        left, top = 40 + place * (POD_WIDTH + POD_GAP), pods_top + 36 + row * (POD_HEIGHT + 14)
        lines = [Line(shorten(name, POD_TEXT)), Line(shorten(", ".join(filter(None, more)), POD_TEXT + 4))]
        yield Box(full_name, "pod", left, top, POD_WIDTH, POD_HEIGHT, lines)


def shorten(text: str, length: int) -> str:
    """A text with no more characters than that."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def _arrows(connections: Sequence[Connection], boxes: dict[str, Box], pods_top: int) -> Iterator[Arrow]:
    """An arrow for each connection; those of all pods to one port run together."""
    ends: dict[tuple[str, str], dict[tuple[str, str], None]] = {}
    tracks: dict[tuple[str, str], dict[tuple[str, str], None]] = {}
    # From above to below, so that ways do not cross.
    connections = sorted(connections, key=lambda each: boxes[each.client].top)
    for each in connections:
        (start_side, end_side), (starts, arrives) = _sides(boxes, each), _ends(boxes, each)
        ends.setdefault((each.client, start_side), {})[starts] = None
        ends.setdefault((each.server, end_side), {})[arrives] = None
        tracks.setdefault((each.server, end_side), {})[arrives] = None
    for each in connections:
        (start_side, end_side), (starts, arrives) = _sides(boxes, each), _ends(boxes, each)
        start = _anchor(boxes[each.client], start_side, _share(list(ends[each.client, start_side]), starts))
        end = _anchor(boxes[each.server], end_side, _share(list(ends[each.server, end_side]), arrives))
        track = [*reversed(tracks[each.server, end_side])].index(arrives) % TRACKS
        across = end[0] + (-1 if end_side == "left" else 1) * (12 + TRACK * track)
        yield _route(boxes[each.client], (start_side, end_side), (start, end), across, pods_top, each)


def _ends(boxes: dict[str, Box], each: Connection) -> tuple[tuple[str, str], tuple[str, str]]:
    """What tells arrows apart where they begin, and where they end."""
    client = "pods" if boxes[each.client].kind == "pod" else each.client
    return (each.server, each.to), (client, each.to)


def _share(ends: list[tuple[str, str]], end: tuple[str, str]) -> float:
    return (ends.index(end) + 1) / (len(ends) + 1)


def _sides(boxes: dict[str, Box], each: Connection) -> tuple[str, str]:
    """The edges of the two boxes that an arrow goes between."""
    client, server = boxes[each.client], boxes[each.server]
    if client.kind == "pod":
        return "left", "left"
    if client.kind == "network":
        return "bottom", "left"
    if client.column != server.column:
        return ("right", "left") if client.column < server.column else ("left", "right")
    order = [name for name, box in boxes.items() if box.column == client.column]
    if abs(order.index(client.name) - order.index(server.name)) == 1:
        return ("bottom", "top") if client.top < server.top else ("top", "bottom")
    side = "left" if client.column else "right"
    return side, side


def _anchor(box: Box, side: str, share: float) -> Point:
    """The point on an edge for one of all arrows that begin or end there."""
    if side in ("left", "right"):
        return (box.left if side == "left" else box.right), round(box.top + box.height * share)
    return round(box.left + box.width * share), box.top if side == "top" else box.bottom


def _route(
    client: Box,
    sides: tuple[str, str],
    ends: tuple[Point, Point],
    across: int,
    pods_top: int,
    each: Connection,
) -> Arrow:
    """The way in the gaps between the boxes. across: where it goes up or down beside the server."""
    start, end = ends
    about = f"{each.client} is connected to {each.server}, {each.to}"
    if set(sides) == {"top", "bottom"}:
        middle = (start[1] + end[1]) // 2
        return Arrow(
            (start, (start[0], middle), (end[0], middle), end), each.to, about, (start[0] + 6, middle + 4)
        )
    if client.kind == "pod":
        level, beside = pods_top - 12, start[0] - POD_GAP // 2
        way = (start, (beside, start[1]), (beside, level), (across, level), (across, end[1]), end)
        return Arrow(way, each.to, about, (across + 6, level - 4))
    if client.kind == "network":
        return Arrow(
            ((across, start[1]), (across, end[1]), end), each.to, about, (across + 6, FRAME_TOP - 12)
        )
    around = (start, (across, start[1]), (across, end[1]), end)
    if sides[0] == sides[1]:
        at = (across - 5, (start[1] + end[1]) // 2)
        return Arrow(around, each.to, about, at, "middle", upright=True)
    if sides[0] == "left":
        return Arrow(around, each.to, about, (start[0] - 6, start[1] - 4), "end")
    return Arrow(around, each.to, about, (start[0] + 6, start[1] - 4))
