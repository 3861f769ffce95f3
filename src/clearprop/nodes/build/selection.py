"""Selection: elements taken from, or added at, places that are known at run time only."""

from clearprop.errors import TypeMismatch
from clearprop.nodes.build.axes import axis_of
from clearprop.nodes.build.movement import transpose
from clearprop.nodes.node import Node, node

__all__ = ["gather", "one_hot", "scatter_add", "take"]


def gather(table: Node, indices: Node) -> Node:
    """table[indices] along the first axis."""
    return node("gather", [table, indices])


def scatter_add(updates: Node, indices: Node, size: int) -> Node:
    """Zeros with the updates added at indices of the first axis, in index order."""
    return node("scatter_add", [updates, indices], size=size)


def take(x: Node, indices: Node, axis: int = 0) -> Node:
    """x at indices along an axis, as NumPy's take."""
    if not isinstance(indices, Node):
        raise TypeMismatch(
            f"take: indices are a node of int32 or int64, given was {type(indices).__name__}; make "
            "them an input of the graph"
        )
    place = axis_of(axis, len(x.shape))
    if place == 0:
        return gather(x, indices)
    front = (place, *(i for i in range(len(x.shape)) if i != place))
    taken = gather(transpose(x, front), indices)
    many = len(indices.shape)
    back = (*range(many, many + place), *range(many), *range(many + place, len(taken.shape)))
    return transpose(taken, back)


def one_hot(indices: Node, depth: int, dtype: str = "float32") -> Node:
    """1 at the index along a new last axis, 0 elsewhere."""
    return node("one_hot", [indices], depth=depth, dtype=dtype)
