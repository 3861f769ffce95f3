"""Looking at nodes: what laws and rules ask about an argument."""

from clearprop.nodes.node import Node

__all__ = ["MOVES", "is_number", "number", "source", "stretched"]

MOVES = ("reshape", "broadcast")  # what stretches a smaller array to a larger


def source(x: Node) -> Node:
    """What x is a stretched copy of: below its reshapes and broadcasts."""
    while x.op in MOVES:
        x = x.args[0]
    return x


def number(x: Node) -> float | None:
    """The number that every element of x is, where x is a constant or one stretched; else None."""
    below = source(x)
    return below["value"] if below.op == "constant" else None


def is_number(x: Node, value: float) -> bool:
    """Whether every element of x is this number (0 is -0.0 too)."""
    return number(x) == value


def stretched(x: Node, axis: int) -> bool:
    """Whether x is the same all along an axis because it was stretched along it."""
    return x.op == "broadcast" and x.args[0].shape[axis] == 1
