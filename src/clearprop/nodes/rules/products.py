"""Products: batch axes equal, the inner sizes equal and summed over."""

from collections.abc import Sequence

from clearprop.errors import ShapeError, TypeMismatch
from clearprop.nodes.rules.checks import FLOATS, Attrs, Typed, Value, need
from clearprop.nodes.shapes import show

__all__ = ["contract"]


def contract(args: Sequence[Value], attrs: Attrs) -> Typed:
    """(..., i, p) and (..., p, j) give (..., i, j)."""
    a, b = args
    if len(a.shape) != len(b.shape) or len(a.shape) < 2 or a.shape[:-2] != b.shape[:-2]:
        raise ShapeError(f"contract: {show(a.shape)} and {show(b.shape)} need equal batch axes")
    if a.shape[-1] != b.shape[-2]:
        raise ShapeError(
            f"contract: {show(a.shape)} @ {show(b.shape)}: inner sizes {a.shape[-1]} and "
            f"{b.shape[-2]} differ"
        )
    if a.dtype != b.dtype:
        raise TypeMismatch(f"contract: {a.dtype} and {b.dtype}; use cast")
    need(a.dtype, FLOATS, "contract")
    return (*a.shape[:-1], b.shape[-1]), a.dtype
