# Copyright: the mink8s authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Where things are on the map of a cluster: its nodes one below the other, routes between them beside.

All numbers are the map's own units, which are pixels on a page that is wide enough.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ansible_collections.mink8s.kubernetes.plugins.module_utils.status import model
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status.cluster import Cluster, Link
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status.host_map import shorten
from ansible_collections.mink8s.kubernetes.plugins.module_utils.status.model import Node, Status

if TYPE_CHECKING:
    from typing import TypeAlias

Point: TypeAlias = "tuple[int, int]"
Way: TypeAlias = "tuple[int, int]"

WIDTH = 1200
LEFT, FRAME_WIDTH = 20, 800
IN_A_ROW, BOX_WIDTH, BOX_HEIGHT, GAP = 3, 246, 46, 12
# From a frame's top to its first box, from its last to the line of pods, and between frames.
HEAD, FOOT, BETWEEN = 60, 34, 24
# Beside the frames: where the first arrow may go up or down, and how far all may go.
FIRST, ROOM, WIDEST, ROOM_FOR_TEXT = 850, 330, 46, 22
PORT = 12
# With more nodes there are too many routes to tell one from another; the table has them.
MOST = 8
NAME_TEXT, LINE_TEXT = 70, 104


@dataclass(frozen=True)
class Box:
    """A component on a node."""

    name: str
    about: str
    unhealthy: bool
    left: int
    top: int


@dataclass
class Frame:
    """A node with what runs on it."""

    node: Node
    top: int
    height: int
    facts: str
    pods: str
    boxes: list[Box] = field(default_factory=list)


@dataclass(frozen=True)
class Arrow:
    """A route: the corners it goes through. label_at: None if there is no room for one."""

    link: Link
    points: tuple[Point, ...]
    label_at: Point | None


@dataclass
class Map:
    """Everything on it."""

    frames: list[Frame]
    arrows: list[Arrow]
    height: int


def draw(cluster: Cluster) -> Map:
    """The map of a cluster."""
    frames: list[Frame] = []
    top = 2
    for node in cluster.nodes:
        frame = _frame(node, cluster, top)
        frames.append(frame)
        top += frame.height + BETWEEN
    drawn = len(frames) <= MOST
    return Map(frames, list(_arrows(cluster.links, frames)) if drawn else [], top - BETWEEN + 2)


def _frame(node: Node, cluster: Cluster, top: int) -> Frame:
    status = cluster.by_node.get(node.name)
    boxes = list(_boxes(status, top + HEAD)) if status else []
    bottom = max((box.top + BOX_HEIGHT for box in boxes), default=top + HEAD - GAP)
    # Two arrows, there and back, for each other node.
    height = max(bottom - top + FOOT, PORT * (2 * len(cluster.nodes[:MOST]) - 1))
    return Frame(node, top, height, _facts(node), _pods(node, cluster, bool(status)), boxes)


def _facts(node: Node) -> str:
    pods = f"pods in {node.pod_network}" if node.pod_network else "no spec.podCIDR"
    ready = "Ready" if node.ready else "not Ready"
    words = (ready, node.version, node.runtime, node.address, pods)
    return shorten(", ".join(filter(None, words)), LINE_TEXT)


def _pods(node: Node, cluster: Cluster, asked: bool) -> str:
    names = [pod.name for pod in cluster.own.pods if pod.node == node.name]
    number = f"{len(names) or 'no'} other pod{'s' if len(names) != 1 else ''}"
    told = f"{number}: {', '.join(names)}" if names else number
    return shorten(told if asked else f"its host was not asked what runs there; {told}", LINE_TEXT)


def _boxes(status: Status, top: int) -> Iterator[Box]:
    for number, each in enumerate(status.components):
        row, place = divmod(number, IN_A_ROW)
        words = (each.version, model.mebibytes(each.memory))
        about = "not healthy" if each.problem else shorten(", ".join(filter(None, words)), 32)
        left = LEFT + 16 + place * (BOX_WIDTH + GAP)
        yield Box(each.name, about, bool(each.problem), left, top + row * (BOX_HEIGHT + GAP))


def _arrows(links: Sequence[Link], frames: Sequence[Frame]) -> Iterator[Arrow]:
    """There and back for each two nodes. Those of neighbours are nearest, so that few cross."""
    places = {frame.node.name: number for number, frame in enumerate(frames)}
    ways = {(places[link.source], places[link.target]): link for link in links}
    across = _across(len(frames))
    step = min(WIDEST, ROOM // max(len(set(across.values())), 1))
    for way, link in ways.items():
        x = FIRST + across[way] * step
        start, end = (_port(frames, place, way, across) for place in way)
        points = ((LEFT + FRAME_WIDTH, start), (x, start), (x, end), (LEFT + FRAME_WIDTH, end))
        yield Arrow(link, points, (x - 5, (start + end) // 2) if step >= ROOM_FOR_TEXT else None)


def _across(number: int) -> dict[Way, int]:
    """The track of the way from each place to each other: ways share one where they do not meet."""
    tracks: dict[tuple[int, int, bool], int] = {}
    found: dict[Way, int] = {}
    pairs = ((high, high + span) for span in range(1, number) for high in range(number - span))
    for high, low in pairs:
        span = low - high
        for way, back in (((high, low), False), ((low, high), True)):
            found[way] = tracks.setdefault((span, high % span, back), len(tracks))
    return found


def _port(frames: Sequence[Frame], place: int, way: Way, across: dict[Way, int]) -> int:
    """Where on the edge of a node's frame an arrow begins or ends, so that those of one node do not cross."""
    own = [each for each in across if place in each]
    upward = sorted((each for each in own if min(each) < place), key=lambda each: across[each])
    downward = sorted((each for each in own if min(each) == place), key=lambda each: -across[each])
    frame = frames[place]
    return frame.top + round(frame.height * ([*upward, *downward].index(way) + 1) / (len(own) + 1))
