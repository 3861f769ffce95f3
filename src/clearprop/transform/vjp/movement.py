"""Derivatives of movement: each is the movement back; of a broadcast it is a sum."""

from clearprop.nodes.build import flip, reshape, slice, sum, transpose
from clearprop.nodes.node import Node, node
from clearprop.transform.vjp.table import Row, Rule

__all__ = ["ROWS_MOVEMENT"]


def _broadcast(g: Node, y: Node, x: Node) -> Node:
    pairs = zip(x.shape, y.shape, strict=True)
    return reshape(sum(g, [i for i, (a, b) in enumerate(pairs) if a != b]), x.shape)


def _transpose(g: Node, y: Node, x: Node) -> Node:
    return transpose(g, [y["order"].index(i) for i in range(len(x.shape))])


def _pad(g: Node, y: Node, x: Node) -> Node:
    stops = tuple(
        low + d if isinstance(d, int) else d for low, d in zip(y["low"], x.shape, strict=True)
    )
    return node("slice", [g], starts=y["low"], stops=stops, steps=(1,) * len(x.shape))


def _slice(g: Node, y: Node, x: Node) -> Node:
    """Zeros around, and between where the step is larger than 1, one axis at a time."""
    for axis, dim in enumerate(x.shape):
        start, step = y["starts"][axis], y["steps"][axis]
        if not isinstance(dim, int) or g.shape[axis] == dim:
            continue
        g = _stretch(g, axis, step, dim - start)
        g = _pad_axis(g, axis, start, dim - start - _whole(g, axis))
    return g


def _whole(x: Node, axis: int) -> int:
    dim = x.shape[axis]
    assert isinstance(dim, int), "rows cannot be sliced"
    return dim


def _pad_axis(x: Node, axis: int, low: int, high: int) -> Node:
    if low == high == 0:
        return x
    place = [(low, high) if i == axis else (0, 0) for i in range(len(x.shape))]
    return node("pad", [x], low=tuple(a for a, _ in place), high=tuple(b for _, b in place))


def _stretch(g: Node, axis: int, step: int, most: int) -> Node:
    """step - 1 zeros after each element, cut at `most`: a padded new axis, merged."""
    if step == 1:
        return g
    count = _whole(g, axis)
    apart = reshape(g, (*g.shape[: axis + 1], 1, *g.shape[axis + 1 :]))
    merged = (*g.shape[:axis], count * step, *g.shape[axis + 1 :])
    wide = reshape(_pad_axis(apart, axis + 1, 0, step - 1), merged)
    return slice(wide, axis, 0, min(most, count * step))


def _concatenate(place: int) -> Rule:
    def rule(g: Node, y: Node, *xs: Node) -> Node:
        axis, start = y["axis"], 0
        for x in xs[:place]:
            start += _whole(x, axis)
        return slice(g, axis, start, start + _whole(xs[place], axis))

    return rule


ROWS_MOVEMENT: dict[str, Row] = {
    "reshape": (lambda g, y, x: reshape(g, x.shape),),
    "transpose": (_transpose,),
    "broadcast": (_broadcast,),
    "slice": (_slice,),
    "pad": (_pad,),
    "concatenate": _concatenate,
    "flip": (lambda g, y, x: flip(g, y["axes"]),),
}
