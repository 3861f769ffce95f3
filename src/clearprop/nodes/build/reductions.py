"""Reductions: sums and maxima over axes, and what is made of them (mean, softmax ...)."""

from clearprop.nodes.build.axes import Axes, axis_of, given_axes
from clearprop.nodes.build.broadcasting import full
from clearprop.nodes.build.elementwise import exp, log, stop_gradient
from clearprop.nodes.build.movement import reshape
from clearprop.nodes.node import Node, node
from clearprop.nodes.shapes import size

__all__ = ["argmax", "log_softmax", "logsumexp", "max", "mean", "min", "softmax", "sum"]


def _reduce(op: str, x: Node, axis: Axes, keepdims: bool) -> Node:
    axes = given_axes(axis, len(x.shape))
    out = node(op, [x], axes=axes) if axes else x
    if keepdims:
        return reshape(out, tuple(1 if i in axes else d for i, d in enumerate(x.shape)))
    return out


def sum(x: Node, axis: Axes = None, keepdims: bool = False) -> Node:
    """The sum over axes (all of them by default)."""
    return _reduce("sum", x, axis, keepdims)


def max(x: Node, axis: Axes = None, keepdims: bool = False) -> Node:
    """The largest over axes; of tied ones the first takes the derivative."""
    return _reduce("max", x, axis, keepdims)


def min(x: Node, axis: Axes = None, keepdims: bool = False) -> Node:
    """The smallest over axes."""
    return -max(-x, axis, keepdims)


def mean(x: Node, axis: Axes = None, keepdims: bool = False) -> Node:
    """The sum over axes divided by their size (rows are counted when the graph runs)."""
    total = sum(x, axis, keepdims)
    count = size([x.shape[a] for a in given_axes(axis, len(x.shape))])
    if isinstance(count, int):
        return total / count
    return total / sum(full((count,), 1, x.dtype))


def argmax(x: Node, axis: int = -1) -> Node:
    """The place of the first largest along an axis, int32."""
    return node("argmax", [x], axis=axis_of(axis, len(x.shape)))


def logsumexp(x: Node, axis: Axes = -1, keepdims: bool = False) -> Node:
    """log of the sum of exp, shifted by the largest so that nothing overflows."""
    top = stop_gradient(max(x, axis, keepdims=True))
    out = log(sum(exp(x - top), axis, keepdims=True)) + top
    return out if keepdims else reshape(out, sum(x, axis).shape)


def softmax(x: Node, axis: int = -1) -> Node:
    """exp(x) / sum(exp(x)) along an axis, shifted by the largest."""
    shifted = exp(x - stop_gradient(max(x, axis, keepdims=True)))
    return shifted / sum(shifted, axis, keepdims=True)


def log_softmax(x: Node, axis: int = -1) -> Node:
    """log of softmax along an axis, without underflow."""
    shifted = x - stop_gradient(max(x, axis, keepdims=True))
    return shifted - log(sum(exp(shifted), axis, keepdims=True))
