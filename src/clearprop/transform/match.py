"""Looking at nodes: what laws and rules ask about an argument."""

from clearprop.nodes.node import Node

__all__ = ["number"]


def number(x: Node) -> float | None:
    """The number that every element of x is, where x is a constant or one stretched; else None."""
    while x.op in ("reshape", "broadcast"):
        x = x.args[0]
    return x["value"] if x.op == "constant" else None
