"""Which values of a graph get a line of their own, and in which order people read them.

A value is folded into the line that uses it where that line is its only user, comes from the same
place and stays short. Views (broadcasts, reshapes, transposes, constants) cost nothing to write and
are folded into every user. What has a name, or is an output, always has its line.
"""

from clearprop.nodes.graph import Graph
from clearprop.nodes.node import Node
from clearprop.nodes.walk import users

__all__ = ["SECTIONS", "VIEWS", "lines", "sections"]

VIEWS = frozenset({"constant", "broadcast", "reshape", "transpose", "stop_gradient"})
SECTIONS = ("forward", "loss", "backward", "update")
_OPENINGS = {
    "loss": ("loss", "metric"),
    "backward": ("gradient", "mean of the gradient", "clip"),
    "update": ("update", "finite or not"),
}
_OPERATORS = frozenset(
    "neg add sub mul div power less less_equal equal logical_not logical_and logical_or contract "
    "slice gather".split()
)
_LIMIT = 6  # what may be folded into one line, a sign counting 1 and a call 2


def _own_section(origin: str | None) -> int:
    for section, openings in _OPENINGS.items():
        if origin is not None and origin.startswith(openings):
            return SECTIONS.index(section)
    return 0


def sections(graph: Graph) -> dict[Node, int]:
    """For each node the place in SECTIONS that its origin tells, never before its arguments'."""
    out: dict[Node, int] = {}
    for here in graph.order():
        before = max((out[a] for a in here.args), default=0)
        out[here] = max(before, _own_section(graph.origins.get(here)))
    return out


def _readers(nodes: list[Node], kept: set[Node]) -> dict[Node, list[Node]]:
    """Who writes a node out, once a place, seen through the views that are folded in their users.

    A product with itself is one place: it is written as a square.
    """
    direct = users(nodes)
    out: dict[Node, list[Node]] = {}
    for here in reversed(nodes):
        out[here] = []
        for user in direct[here]:
            if user.op in VIEWS and user not in kept:
                out[here] += out[user]
            elif user.op != "mul" or user not in out[here] or user.args[0] is not user.args[1]:
                out[here].append(user)
    return out


def lines(graph: Graph) -> list[Node]:
    """The nodes with a line of their own, inputs left out, arguments before users.

    >>> from clearprop.nodes.build import exp, input, sum
    >>> x = input("x", (3,))
    >>> y = exp(x + 1)
    >>> lines(Graph((x,), (sum(y * x, axis=0) / 2,)))
    [<div () float32>]
    >>> lines(Graph((x,), (y * x, y)))
    [<exp (3,) float32>, <mul (3,) float32>]
    """
    nodes = graph.order()
    kept = {n for n in nodes if n in graph.outputs or (n in graph.names and n.op != "constant")}
    readers = _readers(nodes, kept)
    weight: dict[Node, int] = {}
    out: list[Node] = []
    for here in nodes:
        if here.op == "input":
            weight[here] = 0
            continue
        weight[here] = sum(weight[a] for a in here.args) + _weight(here)
        if here in kept or not _folds(graph, here, readers[here], weight[here]):
            weight[here] = 0
            out.append(here)
    place = sections(graph)
    return sorted(out, key=lambda n: place[n])  # sorted is stable: arguments stay before users


def _weight(here: Node) -> int:
    """How much of a line the operation takes."""
    return 0 if here.op in VIEWS else 1 if here.op in _OPERATORS else 2


def _folds(graph: Graph, here: Node, readers: list[Node], weight: int) -> bool:
    if here.op in VIEWS:
        return True
    if len(readers) != 1 or weight > _LIMIT:
        return False
    (reader,) = readers
    return reader.op in VIEWS or graph.origins.get(here) == graph.origins.get(reader)
