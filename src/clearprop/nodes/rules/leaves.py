"""Leaves: shape and dtype are attributes."""

from collections.abc import Sequence

from clearprop.errors import GraphError, TypeMismatch
from clearprop.nodes.rules.checks import DTYPES, Attrs, Typed, Value, check_axes, need

__all__ = ["constant", "input", "iota", "random_bits"]


def input(args: Sequence[Value], attrs: Attrs) -> Typed:
    """Shape and dtype as given."""
    need(attrs["dtype"], DTYPES, "input")
    return attrs["shape"], attrs["dtype"]


def constant(args: Sequence[Value], attrs: Attrs) -> Typed:
    """A scalar, shape ()."""
    need(attrs["dtype"], DTYPES, "constant")
    if not isinstance(attrs["value"], (bool, int, float)):
        raise GraphError(f"a constant is a scalar; {attrs['value']!r} must be an input")
    return (), attrs["dtype"]


def iota(args: Sequence[Value], attrs: Attrs) -> Typed:
    """Shape and dtype as given, the axis inside."""
    check_axes(attrs["shape"], (attrs["axis"],), "iota")
    return attrs["shape"], attrs["dtype"]


def random_bits(args: Sequence[Value], attrs: Attrs) -> Typed:
    """uint32 of the given shape; seed and step are uint32 scalars."""
    for name, x in zip(("seed", "step"), args, strict=True):
        if x.shape != () or x.dtype != "uint32":
            raise TypeMismatch(f"random_bits: {name} must be a uint32 scalar, is {x!r}")
    return attrs["shape"], "uint32"
