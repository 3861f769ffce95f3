"""Reductions: the axes, sorted, are dropped."""

from collections.abc import Sequence

from clearprop.errors import ShapeError
from clearprop.nodes.rules.checks import (
    FLOATS,
    INTEGERS,
    Attrs,
    Rule,
    Typed,
    Value,
    check_axes,
    need,
)
from clearprop.nodes.shapes import show

__all__ = ["argmax", "reduce"]


def reduce(name: str) -> Rule:
    """Numbers, without the axes; a largest of nothing is a ShapeError."""

    def rule(args: Sequence[Value], attrs: Attrs) -> Typed:
        (x,), axes = args, attrs["axes"]
        check_axes(x.shape, axes, name)
        need(x.dtype, (*FLOATS, *INTEGERS), name)
        if name == "max" and any(x.shape[a] == 0 for a in axes):
            raise ShapeError(f"max over an empty axis of {show(x.shape)} has no value")
        return tuple(d for i, d in enumerate(x.shape) if i not in axes), x.dtype

    return rule


def argmax(args: Sequence[Value], attrs: Attrs) -> Typed:
    """Places are int32, without the axis."""
    (x,), axis = args, attrs["axis"]
    check_axes(x.shape, (axis,), "argmax")
    if x.shape[axis] == 0:
        raise ShapeError(f"argmax over an empty axis of {show(x.shape)} has no value")
    return x.shape[:axis] + x.shape[axis + 1 :], "int32"
