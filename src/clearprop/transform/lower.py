"""What the engine wants rewritten."""

from clearprop.nodes.graph import Graph
from clearprop.nodes.node import Node, node
from clearprop.nodes.walk import rebuild

__all__ = ["lower"]


def _change(old: Node, args: tuple[Node, ...]) -> Node:
    if old.op == "stop_gradient":
        return args[0]
    return old if args == old.args else node(old.op, args, **dict(old.attrs))


def lower(graph: Graph) -> Graph:
    """The graph as the engine wants it; what it computes is the same."""
    return graph.carry(rebuild(graph.outputs, _change))
