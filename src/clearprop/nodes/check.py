"""The laws of a well-formed graph, as a table; run after every transform in the tests."""

from collections.abc import Callable

from clearprop.errors import GraphError
from clearprop.nodes.graph import Graph
from clearprop.nodes.node import Node, node
from clearprop.nodes.ops import DTYPES, OPS
from clearprop.nodes.shapes import Rows, show

__all__ = ["LAWS", "check"]


def _interned(here: Node) -> bool:
    return node(here.op, here.args, **dict(here.attrs)) is here


def _derived(here: Node) -> bool:
    return OPS[here.op].rule(here.args, dict(here.attrs)) == (here.shape, here.dtype)


def _dimensions(here: Node) -> bool:
    return all(
        d.times >= 1 if isinstance(d, Rows) else isinstance(d, int) and d >= 0 for d in here.shape
    )


def _rows_first(here: Node) -> bool:
    places = [i for i, d in enumerate(here.shape) if isinstance(d, Rows)]
    return len(places) <= 1


LAWS: tuple[tuple[str, Callable[[Node], bool]], ...] = (
    ("is of the vocabulary", lambda here: here.op in OPS),
    ("is interned", _interned),
    ("has the shape and dtype its rule derives", _derived),
    ("has whole, non-negative dimensions", _dimensions),
    ("depends on the number of rows in one dimension at most", _rows_first),
    ("has a dtype of the engine", lambda here: here.dtype in DTYPES),
)


def check(graph: Graph) -> Graph:
    """The same graph, or a GraphError that names the first node that breaks a law."""
    nodes = graph.order()
    for here in nodes:
        for law, holds in LAWS:
            if not holds(here):
                name = graph.names.get(here, here.op)
                raise GraphError(f"node {name} {show(here.shape)} breaks a law: it {law}")
    known = {*nodes, *graph.inputs}
    for table, what in ((graph.names, "name"), (graph.origins, "origin")):
        for here, said in table.items():
            if here not in known:
                raise GraphError(f"the {what} {said!r} is of a node outside the graph")
    if len(set(names := [i["name"] for i in graph.inputs])) != len(names):
        raise GraphError(f"two inputs have one name: {names}")
    return graph
