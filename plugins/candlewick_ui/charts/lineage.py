"""Where the boxes of a lineage graph stand: columns from what is read to who reads, few lines crossing.

The picture itself is a template; here are only numbers, in pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from candlewick_ui.queries.lineage import Graph, Node

BOX_WIDTH, BOX_HEIGHT = 210, 26
COLUMN_GAP, ROW_GAP, MARGIN = 64, 10, 12
SWEEPS = 4  # more changes nothing one can see


@dataclass(frozen=True, slots=True)
class Box:
    """A node and its upper left corner."""

    node: Node
    x: int
    y: int

    @property
    def left(self) -> tuple[int, int]:
        """Where lines come in."""
        return self.x, self.y + BOX_HEIGHT // 2

    @property
    def right(self) -> tuple[int, int]:
        """Where lines go out."""
        return self.x + BOX_WIDTH, self.y + BOX_HEIGHT // 2


@dataclass(frozen=True, slots=True)
class Line:
    """A line from a parent to a child, as the path of an SVG."""

    parent: str
    child: str
    path: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Boxes, lines and the size that holds them."""

    boxes: Sequence[Box]
    lines: Sequence[Line]
    width: int
    height: int


def picture(graph: Graph) -> Picture:
    """Lay out a graph.

    A node's column is the longest way to it from a node without parents, so every line goes to the right. Inside a
    column nodes are ordered by the mean place of their neighbours (Sugiyama's barycentre rule).
    """
    columns = _columns(graph)
    for sweep in range(SWEEPS):
        neighbours = graph.parents if sweep % 2 == 0 else graph.children
        for column in columns if sweep % 2 == 0 else reversed(columns):
            _order(column, neighbours, _places(columns))
    tallest = max((len(column) for column in columns), default=0)
    step_x, step_y = BOX_WIDTH + COLUMN_GAP, BOX_HEIGHT + ROW_GAP
    boxes = {
        key: Box(graph.nodes[key], MARGIN + rank * step_x, MARGIN + round((row + (tallest - len(column)) / 2) * step_y))
        for rank, column in enumerate(columns)
        for row, key in enumerate(column)
    }
    lines = [
        Line(parent, key, _curve(boxes[parent].right, boxes[key].left))
        for key in boxes
        for parent in graph.parents[key]
    ]
    width = 2 * MARGIN + max(len(columns) * step_x - COLUMN_GAP, 0)
    return Picture(list(boxes.values()), lines, width, 2 * MARGIN + max(tallest * step_y - ROW_GAP, 0))


def _columns(graph: Graph) -> list[list[str]]:
    rank: dict[str, int] = {}
    waiting = sorted(graph.nodes, reverse=True)
    while waiting:
        key = waiting[-1]
        missing = [parent for parent in graph.parents[key] if parent not in rank]
        if missing:
            waiting.extend(missing)
            continue
        waiting.pop()
        rank[key] = max((rank[parent] + 1 for parent in graph.parents[key]), default=0)
    columns: list[list[str]] = [[] for _ in range(max(rank.values(), default=-1) + 1)]
    for key in sorted(rank, key=lambda one: (graph.nodes[one].folder, graph.nodes[one].name)):
        columns[rank[key]].append(key)
    return columns


def _places(columns: Sequence[Sequence[str]]) -> dict[str, float]:
    """Return how far down each node stands, from 0 to 1, so that short and long columns compare."""
    return {key: (row + 0.5) / len(column) for column in columns for row, key in enumerate(column)}


def _order(column: list[str], neighbours: Mapping[str, Sequence[str]], places: Mapping[str, float]) -> None:
    def mean(key: str) -> float:
        near = [places[one] for one in neighbours[key]]
        return sum(near) / len(near) if near else places[key]

    column.sort(key=mean)


def _curve(start: tuple[int, int], end: tuple[int, int]) -> str:
    bend = (end[0] - start[0]) // 2
    return f"M{start[0]},{start[1]} C{start[0] + bend},{start[1]} {end[0] - bend},{end[1]} {end[0]},{end[1]}"
