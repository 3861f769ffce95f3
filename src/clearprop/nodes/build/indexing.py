"""Indexing: x[key] as slices and reshapes, NumPy's basic indexing."""

from clearprop.errors import ShapeError
from clearprop.nodes.build.axes import axis_of
from clearprop.nodes.build.movement import reshape
from clearprop.nodes.build.movement import slice as cut
from clearprop.nodes.node import Node
from clearprop.nodes.shapes import Dim, show

__all__ = ["indexed"]


def indexed(x: Node, key: object) -> Node:
    """x[key] for whole numbers, slices with a positive step, None and an ellipsis.

    >>> from clearprop.nodes.build.leaves import input
    >>> x = input("x", (4, 6))
    >>> x[1].shape, x[:, 1:5:2].shape, x[..., None, -1].shape
    ((6,), (4, 2), (4, 1))
    """
    keys = list(key) if isinstance(key, tuple) else [key]
    real = sum(k is not None and k is not Ellipsis for k in keys)
    dots = [place for place, k in enumerate(keys) if k is Ellipsis]
    if real > len(x.shape) or len(dots) > 1:
        raise ShapeError(f"[{key!r}] has too many places for {show(x.shape)}")
    everything = [slice(None)] * (len(x.shape) - real)
    at = dots[0] if dots else len(keys)
    keys[at : at + 1] = everything
    shape: list[Dim] = []
    axis = 0
    for k in keys:
        if k is None:
            shape.append(1)
            continue
        x, kept = _cut(x, axis, k)
        shape += [x.shape[axis]] if kept else []
        axis += 1
    return reshape(x, shape)


def _cut(x: Node, axis: int, key: object) -> tuple[Node, bool]:
    """One axis cut by a slice (kept) or a whole number (dropped)."""
    whole = x.shape[axis]
    if isinstance(key, slice):
        if key == slice(None):
            return x, True
        if isinstance(whole, int):
            start, stop, step = key.indices(whole)
            if step > 0:
                return cut(x, axis, start, max(start, stop), step), True
    elif isinstance(key, int) and isinstance(whole, int):
        place = axis_of(key, whole)
        return cut(x, axis, place, place + 1), False
    raise ShapeError(
        f"axis {axis} of {show(x.shape)} cannot be indexed by {key!r}: expected a whole number or "
        "a slice with a positive step; rows cannot be cut; use take or gather for arrays of places"
    )
