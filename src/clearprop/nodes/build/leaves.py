"""Leaves: values that come from outside, numbers, and what is known from the place alone."""

import struct
from collections.abc import Sequence

from clearprop.errors import ShapeError
from clearprop.nodes.build.axes import axis_of
from clearprop.nodes.node import Node, node
from clearprop.nodes.shapes import Dim, Rows

__all__ = ["constant", "input", "iota"]


def input(name: str, shape: Sequence[Dim] | Dim, dtype: str = "float32") -> Node:
    """A value given at run time, by name; ShapeError for what is no shape."""
    given = (shape,) if isinstance(shape, (int, Rows)) else tuple(shape)
    whole = [isinstance(d, Rows) or (isinstance(d, int) and d >= 0) for d in given]
    if not all(whole) or not isinstance(name, str):
        raise ShapeError(
            f"input {name!r} of shape {given}: a name is text, a dimension a whole number from 0 "
            "or ROWS"
        )
    return node("input", name=name, shape=given, dtype=dtype)


def constant(value: float, dtype: str = "float32") -> Node:
    """One number, rounded to its dtype."""
    if dtype == "float32":
        try:
            value = struct.unpack("<f", struct.pack("<f", value))[0]
        except OverflowError:
            value = float("inf") if value > 0 else float("-inf")
    elif dtype == "float64":
        value = float(value)
    elif dtype == "bool":
        value = bool(value)
    else:
        value = int(value)
    if value != value:  # noqa: PLR0124 (NaN alone; isnan fails on huge whole numbers)
        value = float("nan")
    return node("constant", value=value, dtype=dtype)


def iota(shape: Sequence[Dim], axis: int = 0, dtype: str = "int32") -> Node:
    """0, 1, 2 ... along one axis."""
    return node("iota", shape=tuple(shape), axis=axis_of(axis, len(shape)), dtype=dtype)
