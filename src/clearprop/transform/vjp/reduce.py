"""Derivatives of reductions: the gradient is spread over the axes that were summed."""

from collections.abc import Sequence

from clearprop.nodes.build import (
    argmax,
    broadcast_to,
    equal,
    iota,
    reshape,
    transpose,
    where,
    zeros_like,
)
from clearprop.nodes.node import Node
from clearprop.nodes.shapes import Shape, size
from clearprop.transform.vjp.table import Row

__all__ = ["ROWS_REDUCE"]


def _spread(g: Node, shape: Shape, axes: Sequence[int]) -> Node:
    """g with the reduced axes put back and stretched."""
    kept = tuple(1 if i in axes else d for i, d in enumerate(shape))
    return broadcast_to(reshape(g, kept), shape)


def _first_largest(x: Node, axes: Sequence[int]) -> Node:
    """True at the first largest of each group, in row-major order of the axes."""
    if len(axes) == 1:
        place = argmax(x, axes[0])
        return equal(iota(x.shape, axes[0]), _spread(place, x.shape, axes))
    low, high = axes[0], axes[-1] + 1
    if high - low != len(axes):
        order = (*(i for i in range(len(x.shape)) if i not in axes), *axes)
        last = range(len(x.shape) - len(axes), len(x.shape))
        back = [order.index(i) for i in range(len(x.shape))]
        return transpose(_first_largest(transpose(x, order), list(last)), back)
    merged = (*x.shape[:low], size(x.shape[low:high]), *x.shape[high:])
    return reshape(_first_largest(reshape(x, merged), [low]), x.shape)


def _max(g: Node, y: Node, x: Node) -> Node:
    """Of tied ones the first takes all."""
    spread = _spread(g, x.shape, y["axes"])
    return where(_first_largest(x, y["axes"]), spread, zeros_like(x))


ROWS_REDUCE: dict[str, Row] = {
    "sum": (lambda g, y, x: _spread(g, x.shape, y["axes"]),),
    "max": (_max,),
}
