"""Products: matrices and vectors as NumPy multiplies them, written with `contract`."""

from clearprop.errors import ShapeError
from clearprop.nodes.build.broadcasting import broadcast_shapes, broadcast_to
from clearprop.nodes.build.movement import expand_dims, reshape
from clearprop.nodes.node import Node, node
from clearprop.nodes.shapes import show, size

__all__ = ["matmul"]


def matmul(a: Node, b: Node) -> Node:
    """NumPy's matmul: vectors are promoted, leading axes broadcast; one matrix is never copied."""
    if not a.shape or not b.shape:
        raise ShapeError(f"matmul takes no scalars, given were {show(a.shape)} and {show(b.shape)}")
    if len(b.shape) == 1:
        out = matmul(a, expand_dims(b, 1))
        return reshape(out, out.shape[:-1])
    if len(a.shape) == 1:
        out = matmul(expand_dims(a, 0), b)
        return reshape(out, out.shape[:-2] + out.shape[-1:])
    if len(b.shape) == 2 and len(a.shape) > 2:
        flat = reshape(a, (size(a.shape[:-1]), a.shape[-1]))
        return reshape(node("contract", [flat, b]), (*a.shape[:-1], b.shape[-1]))
    batch = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = (broadcast_to(x, batch + x.shape[-2:]) for x in (a, b))
    return node("contract", [a, b])
