"""Movement: the same elements in another shape, order or place; none is computed."""

from collections.abc import Sequence

from clearprop.errors import ShapeError
from clearprop.nodes.build.axes import Axes, axis_of, given_axes
from clearprop.nodes.node import Node, node
from clearprop.nodes.shapes import Dim, Rows, Shape, show, size

__all__ = [
    "concatenate", "expand_dims", "flip", "pad", "reshape", "slice", "split", "stack", "swapaxes",
    "transpose",
]  # fmt: skip


def reshape(x: Node, shape: Sequence[Dim]) -> Node:
    """The same elements in row-major order; one dimension may be -1."""
    target = list(shape)
    if -1 in target:
        rest, whole = size([d for d in target if d != -1]), size(x.shape)
        target[target.index(-1)] = _divide(whole, rest, x.shape, target)
    return x if x.shape == tuple(target) else node("reshape", [x], shape=tuple(target))


def _divide(whole: Dim, rest: Dim, shape: Shape, target: list[Dim]) -> Dim:
    a = whole.times if isinstance(whole, Rows) else whole
    b = rest.times if isinstance(rest, Rows) else rest
    if (isinstance(rest, Rows) and not isinstance(whole, Rows)) or b == 0 or a % b:
        raise ShapeError(f"reshape: {show(shape)} does not fit {show(target)}")
    return Rows(a // b) if isinstance(whole, Rows) and not isinstance(rest, Rows) else a // b


def transpose(x: Node, order: Sequence[int] | None = None) -> Node:
    """The axes in another order, reversed by default."""
    rank = len(x.shape)
    named = reversed(range(rank)) if order is None else order
    given = tuple(axis_of(a, rank) for a in named)
    return x if given == tuple(range(rank)) else node("transpose", [x], order=given)


def swapaxes(x: Node, a: int, b: int) -> Node:
    """Two axes exchanged."""
    order = list(range(len(x.shape)))
    order[a], order[b] = order[b], order[a]
    return transpose(x, order)


def expand_dims(x: Node, axis: int) -> Node:
    """A new axis of size 1."""
    place = axis_of(axis, len(x.shape) + 1)
    return reshape(x, (*x.shape[:place], 1, *x.shape[place:]))


def slice(x: Node, axis: int, start: int, stop: int, step: int = 1) -> Node:
    """x[start:stop:step] along one axis."""
    rank = len(x.shape)
    starts, stops, steps = [0] * rank, list(x.shape), [1] * rank
    place = axis_of(axis, rank)
    starts[place], stops[place], steps[place] = start, stop, step
    if (start, stop, step) == (0, x.shape[place], 1):
        return x
    return node("slice", [x], starts=tuple(starts), stops=tuple(stops), steps=tuple(steps))


def split(x: Node, parts: int, axis: int = -1) -> list[Node]:
    """Equal parts along an axis."""
    place = axis_of(axis, len(x.shape))
    whole = x.shape[place]
    if not isinstance(whole, int) or whole % parts:
        raise ShapeError(f"split: axis {axis} of {show(x.shape)} has no {parts} equal parts")
    width = whole // parts
    return [slice(x, place, i * width, (i + 1) * width) for i in range(parts)]


def pad(
    x: Node, low: Sequence[int] | Sequence[Sequence[int]], high: Sequence[int] | None = None
) -> Node:
    """Zeros below and above, by axis: pad(x, low, high), or pairs as NumPy's pad_width.

    >>> from clearprop.nodes.build.leaves import input
    >>> x = input("x", (2, 3))
    >>> pad(x, ((1, 1), (0, 2))) is pad(x, (1, 0), (1, 2))
    True
    """
    if high is None:
        pairs = [tuple(p) for p in low if not isinstance(p, int)]
        if len(pairs) != len(x.shape) or any(len(p) != 2 for p in pairs):
            raise ShapeError(f"pad: {low!r} must be a pair (below, above) for each axis")
        return pad(x, [p[0] for p in pairs], [p[1] for p in pairs])
    if not any((*low, *high)):
        return x
    return node("pad", [x], low=tuple(low), high=tuple(high))


def concatenate(xs: Sequence[Node], axis: int = 0) -> Node:
    """One after another along an axis."""
    if len(xs) == 1:
        return xs[0]
    return node("concatenate", xs, axis=axis_of(axis, len(xs[0].shape)) if xs else 0)


def stack(xs: Sequence[Node], axis: int = 0) -> Node:
    """Along a new axis."""
    return concatenate([expand_dims(x, axis) for x in xs], axis)


def flip(x: Node, axis: Axes = None) -> Node:
    """The order along axes reversed."""
    axes = given_axes(axis, len(x.shape))
    return node("flip", [x], axes=axes) if axes else x
