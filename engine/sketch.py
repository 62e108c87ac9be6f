"""The small picture of an idea: one line of text -> a drawing in SVG.

    x=3 [w]=2~30 > (*)=6~10; (*) [b]=-1~10 > (+)=5~10; (+) > (**2)=25~1

Each part says what feeds what: every node left of `>` feeds every node right of it. `[w]` is a leaf that requires
grad, `(+)` an operation, a bare word anything else. `>|` cuts: the value goes on, the gradient does not. `!` after a
node marks the one where it breaks. `=6` is its value, `~10` the gradient that arrives at it; a node is written out
once, then named.

Values run forward in blue, gradients back in orange: an edge carries gradient where something before it requires grad.
The picture follows the reader's light or dark theme and moves only for those who did not ask for stillness.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape
from typing import Literal, get_args
from urllib.parse import quote

import msgspec

from engine.figures import PALETTES, Theme

Kind = Literal["leaf", "operation", "value"]

_NODE = re.compile(
    r"(?P<name>\[[^\]]+\]|\([^)]+\)|[^\s\[\]()>;=~!|]+)(?P<broken>!?)(?:=(?P<value>[^\s~]+))?(?:~(?P<grad>\S+))?"
)
_WORD = re.compile(r"\[[^\]]*\]\S*|\([^)]*\)\S*|\S+")
_ARROW = re.compile(r"\s>\|?\s")

_CHARACTER = 7.3  # width of one monospaced character at 12 pixels
_WIDTH, _ROW, _PILL, _MARGIN = 340.0, 34.0, 24.0, 6.0
_STYLE = """
svg{font-family:ui-monospace,Menlo,Consolas,monospace}
path{fill:none;stroke-width:1.6}path.v{stroke:var(--value)}path.g{stroke:var(--gradient)}
path.cut{stroke:var(--text);stroke-width:2}
rect{fill:var(--background);stroke:var(--muted);stroke-width:1.4}rect.operation{stroke:var(--value)}
rect.leaf{stroke:var(--gradient);stroke-width:2}rect.broken{stroke:var(--text);stroke-width:2;stroke-dasharray:4 3}
text{font-size:12px;text-anchor:middle;fill:var(--text)}text.mark{font-weight:700}
text.number{font-size:11px;font-weight:600}text.v{fill:var(--value_text)}text.g{fill:var(--gradient_text)}
"""
_LOOP, _BEAT, _TURN = 9.0, 0.55, 3.2  # seconds: the whole, one column, and when the gradients set out
_LOOPS = 3
_BULGE = 30.0  # how far an edge that passes over other nodes swings out
_PORT = 7.0  # between the ends of two edges at one node
_LIFT = 2.0  # the two directions of an edge run this far above and below its middle


@dataclass
class Node:
    """One pill. `column` and `row` are its place, `x`, `y` its middle and `width` its size in pixels."""

    name: str
    kind: Kind
    value: str = ""
    grad: str = ""
    broken: bool = False
    column: int = 0
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0

    @property
    def label(self) -> str:
        """What is written in it."""
        return self.name if self.kind == "value" else self.name[1:-1]


@dataclass(frozen=True)
class Edge:
    """From one node to another."""

    start: Node
    end: Node
    cut: bool = False


@dataclass
class Sketch:
    """Nodes in order of appearance, and edges in the order of their ends."""

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[Edge] = field(default_factory=list)
    height: float = 0.0

    def carries(self, node: Node) -> bool:
        """Whether a gradient comes back to this node."""
        return node.kind == "leaf" or any(
            self.carries(edge.start) for edge in self.edges if edge.end is node and not edge.cut
        )


def parse(text: str, *, numbers: bool = False) -> Sketch:
    """The sketch that the text describes, laid out, with room for its numbers where they are to be shown.

    Raises ValueError for a text that describes none.
    """
    sketch = Sketch()
    for part in text.split(";"):
        sides = _ARROW.split(f" {part.strip()} ")
        arrows = _ARROW.findall(f" {part.strip()} ")
        groups = [[_node(sketch, word) for word in _WORD.findall(side)] for side in sides]
        if len(groups) < 2 or not all(groups):
            raise ValueError(f"nothing feeds anything in {part!r}")
        for left, right, arrow in zip(groups, groups[1:], arrows, strict=False):
            sketch.edges += [Edge(start, end, cut="|" in arrow) for end in right for start in left]
    _place(sketch, numbers)
    return sketch


def _node(sketch: Sketch, word: str) -> Node:
    found = _NODE.fullmatch(word)
    if found is None:
        raise ValueError(f"{word!r} is no node")
    name = found["name"]
    kind: Kind = "leaf" if name[0] == "[" else "operation" if name[0] == "(" else "value"
    node = sketch.nodes.setdefault(name, Node(name, kind))
    node.value = found["value"] or node.value
    node.grad = found["grad"] or node.grad
    node.broken = node.broken or bool(found["broken"])
    return node


def _place(sketch: Sketch, numbers: bool) -> None:
    """Columns by the longest way from a source; a source stands right before what it feeds; rows spread evenly."""
    for _ in sketch.nodes:
        for edge in sketch.edges:
            edge.end.column = max(edge.end.column, edge.start.column + 1)
            if edge.end.column > len(sketch.nodes):
                raise ValueError("a sketch has no circles")
    fed = {edge.end.name for edge in sketch.edges}
    for node in sketch.nodes.values():
        after = [edge.end.column for edge in sketch.edges if edge.start is node]
        if node.name not in fed and after:
            node.column = min(after) - 1
    columns = [[node for node in sketch.nodes.values() if node.column == column] for column in range(_last(sketch) + 1)]
    rows = max(map(len, columns))
    row = _ROW * (1.7 if numbers else 1.0)
    sketch.height = rows * row + 2 * _MARGIN
    if rows == 1 and any(edge.end.column - edge.start.column > 1 for edge in sketch.edges):
        sketch.height += _BULGE
    for node in sketch.nodes.values():
        node.width = max(_PILL, len(node.label) * _CHARACTER + 12)
    widths = [max(node.width for node in column) for column in columns]
    gap = (_WIDTH - 2 * _MARGIN - sum(widths)) / max(1, len(columns) - 1)
    left = _MARGIN
    for width, column in zip(widths, columns, strict=True):
        for number, node in enumerate(column):
            node.x = left + width / 2
            node.y = sketch.height / 2 + (number - (len(column) - 1) / 2) * row
        left += width + gap


def _last(sketch: Sketch) -> int:
    return max(node.column for node in sketch.nodes.values())


def address(text: str, *, moving: bool = False) -> str:
    """The drawing as a data address, for an image."""
    return "data:image/svg+xml," + quote(draw(text, moving=moving), safe="/:=' ,;()+@*")


def draw(text: str, *, moving: bool = False) -> str:
    """The sketch as SVG. A moving one shows its numbers: values come one after the other, then the gradients."""
    sketch = parse(text, numbers=moving)
    last = _last(sketch)
    parts = [
        f"<svg viewBox='0 0 {_WIDTH:g} {sketch.height:g}' xmlns='http://www.w3.org/2000/svg'>"
        f"<style>{_colours()}{_STYLE}{_motion(last) if moving else ''}</style>"
    ]
    ports = _ports(sketch)
    for edge, port in zip(sketch.edges, ports, strict=True):
        parts += _edge(sketch, edge, last, port)
    for node in sketch.nodes.values():
        parts += _pill(node, last, moving)
    return "".join([*parts, "</svg>"])


def _colours() -> str:
    """Both palettes, chosen by the theme of the page that shows the image."""
    light, dark = (
        ";".join(f"--{name}:{colour}" for name, colour in msgspec.structs.asdict(PALETTES[theme]).items())
        for theme in get_args(Theme)
    )
    return f"svg{{{light}}}@media(prefers-color-scheme:dark){{svg{{{dark}}}}}"


def _motion(last: int) -> str:
    """One animation for each beat: the values column by column, then the gradients back, a rest, and again. After that
    everything stands there, and a page left open costs nothing."""
    rules = []
    for direction, start in (("v", 0.0), ("g", _TURN)):
        for column in range(last + 1):
            begin = 100 * (start + column * _BEAT) / _LOOP
            name = f"{direction}{column}"
            rules.append(
                f".{name}{{stroke-dasharray:1;animation:{name} {_LOOP:g}s linear {_LOOPS}}}"
                f"@keyframes {name}{{0%,{begin:.1f}%{{stroke-dashoffset:1;opacity:0}}{begin + 0.5:.1f}%{{opacity:1}}"
                f"{begin + 5:.1f}%,93%{{stroke-dashoffset:0;opacity:1}}97%,100%{{stroke-dashoffset:0;opacity:0}}}}"
            )
    return "@media(prefers-reduced-motion:no-preference){" + "".join(rules) + "}"


def _ports(sketch: Sketch) -> list[float]:
    """For each edge how far above or below the middle of its end it arrives: side by side in the order in which they
    come, so that two do not cross there."""
    ports = [0.0] * len(sketch.edges)
    for node in sketch.nodes.values():
        arriving = [number for number, edge in enumerate(sketch.edges) if edge.end is node]
        arriving.sort(key=lambda number: sketch.edges[number].start.y)
        for place, number in enumerate(arriving):
            ports[number] = _PORT * (place - (len(arriving) - 1) / 2)
    return ports


def _edge(sketch: Sketch, edge: Edge, last: int, port: float) -> list[str]:
    """Its way forward, its way back where there is one, and the cut."""
    start, end = edge.start, edge.end
    x1, x2 = start.x + start.width / 2 + 1, end.x - end.width / 2 - 1
    forward, back = edge.start.column, last - edge.end.column
    lift = _LIFT if sketch.carries(start) and not edge.cut else 0.0
    bulge = _BULGE if end.column - start.column > 1 and start.y == end.y else 0.0
    way = _way(x1, start.y - lift, x2, end.y + port - lift, bulge)
    ways = [f"<path class='v v{forward}' pathLength='1' d='{way}'/>"]
    if lift:
        way = _way(x2, end.y + port + lift, x1, start.y + lift, bulge)
        ways.append(f"<path class='g g{back}' pathLength='1' d='{way}'/>")
    if edge.cut:
        x, y = (x1 + x2) / 2, (start.y + end.y) / 2
        ways.append(f"<path class='cut' d='M{x - 2:.1f} {y - 8:.1f}v16M{x + 2:.1f} {y - 8:.1f}v16'/>")
    return ways


def _way(x1: float, y1: float, x2: float, y2: float, bulge: float) -> str:
    middle = (x1 + x2) / 2
    return f"M{x1:.1f} {y1:.1f}C{middle:.1f} {y1 + bulge:.1f} {middle:.1f} {y2 + bulge:.1f} {x2:.1f} {y2:.1f}"


def _pill(node: Node, last: int, numbers: bool) -> list[str]:
    """The node itself, its value above it and its gradient below."""
    classes = f"{node.kind} broken" if node.broken else node.kind
    radius = {"leaf": _PILL / 2, "operation": 5, "value": 2}[node.kind]
    x, y = node.x - node.width / 2, node.y - _PILL / 2
    parts = [
        f"<rect class='{classes}' x='{x:.1f}' y='{y:.1f}' width='{node.width:.1f}' height='{_PILL:g}' rx='{radius}'/>",
        f"<text class='name' x='{node.x:.1f}' y='{node.y + 4:.1f}'>{escape(node.label)}</text>",
    ]
    if node.broken:
        parts.append(f"<text class='mark' x='{x + node.width:.1f}' y='{y + 4:.1f}'>✕</text>")
    if numbers and node.value:
        parts.append(_number("v", node.column, node.x, y - 4, node.value))
    if numbers and node.grad:
        parts.append(_number("g", last - node.column, node.x, y + _PILL + 11, node.grad))
    return parts


def _number(direction: str, time: int, x: float, y: float, text: str) -> str:
    return f"<text class='number {direction} {direction}{time}' x='{x:.1f}' y='{y:.1f}'>{escape(text)}</text>"
