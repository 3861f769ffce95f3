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
_SIGNS = ("neg", "add", "sub", "mul", "div", "power", "less", "less_equal", "equal", "contract")
_WEIGHTS = {**dict.fromkeys(VIEWS, 0), **dict.fromkeys(_SIGNS, 1), "random_bits": 4}
_LIMIT = 8  # how much one line may hold: a sign counts 1, a call 2


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
    own = {n for n in nodes if n in kept or (n.op != "input" and not _folds(graph, n, readers[n]))}
    weight: dict[Node, int] = {}
    for here in nodes:
        below = {a: weight[a] for a in here.args if a not in own}
        total = sum(below.values()) + _WEIGHTS.get(here.op, 2)
        while total > _LIMIT and any(below.values()):
            heaviest = max(below, key=lambda a: below[a])
            total -= below.pop(heaviest)
            own.add(_base(heaviest))
        weight[here] = 0 if here.op == "input" else total
    place = sections(graph)
    found = [n for n in nodes if n in own and n.op != "input"]
    return sorted(found, key=lambda n: place[n])  # stable: arguments stay before users


def _base(here: Node) -> Node:
    """What is below views, and costs something."""
    while here.op in VIEWS:
        (here,) = here.args
    return here


def _folds(graph: Graph, here: Node, readers: list[Node]) -> bool:
    if here.op in VIEWS:
        return True
    if len(readers) != 1:
        return False
    (reader,) = readers
    return reader.op in VIEWS or graph.origins.get(here) == graph.origins.get(reader)
