"""Elementwise: arguments of one shape and dtype, a result of that shape."""

from collections.abc import Sequence

from clearprop.errors import ShapeError
from clearprop.nodes.rules.checks import (
    DTYPES,
    FLOATS,
    INTEGERS,
    Attrs,
    Rule,
    Typed,
    Value,
    need,
    same,
)
from clearprop.nodes.shapes import show

__all__ = ["cast", "compare", "floats", "keep", "logical", "numbers", "where"]


def floats(name: str) -> Rule:
    """Floats of one dtype give the same."""

    def rule(args: Sequence[Value], attrs: Attrs) -> Typed:
        shape, dtype = same(args)
        need(dtype, FLOATS, name)
        return shape, dtype

    return rule


def numbers(name: str) -> Rule:
    """Floats or whole numbers of one dtype give the same."""

    def rule(args: Sequence[Value], attrs: Attrs) -> Typed:
        shape, dtype = same(args)
        need(dtype, (*FLOATS, *INTEGERS), name)
        return shape, dtype

    return rule


def compare(args: Sequence[Value], attrs: Attrs) -> Typed:
    """Two of any one dtype give bool."""
    return same(args)[0], "bool"


def logical(args: Sequence[Value], attrs: Attrs) -> Typed:
    """Bools give bools."""
    shape, dtype = same(args)
    need(dtype, ("bool",), "a logical operation")
    return shape, dtype


def where(args: Sequence[Value], attrs: Attrs) -> Typed:
    """A bool condition and two branches, all of one shape, give the branches' dtype."""
    condition, a, b = args
    need(condition.dtype, ("bool",), "where's condition")
    shape, dtype = same((a, b), "where's branches")
    if condition.shape != shape:
        raise ShapeError(f"where: condition {show(condition.shape)}, branches {show(shape)}")
    return shape, dtype


def cast(args: Sequence[Value], attrs: Attrs) -> Typed:
    """The dtype is the attribute."""
    need(attrs["dtype"], DTYPES, "cast")
    return args[0].shape, attrs["dtype"]


def keep(args: Sequence[Value], attrs: Attrs) -> Typed:
    """Whatever comes in goes out."""
    return args[0].shape, args[0].dtype
