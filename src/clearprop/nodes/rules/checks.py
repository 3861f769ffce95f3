"""What the rules share: the dtypes, what a rule sees and gives, and what most of them check."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from clearprop.errors import ShapeError, TypeMismatch
from clearprop.nodes.shapes import Shape, show

__all__ = [
    "DTYPES", "FLOATS", "INTEGERS", "Attrs", "Rule", "Typed", "Value", "check_axes", "need", "same",
]  # fmt: skip

FLOATS = ("float32", "float64")
INTEGERS = ("int32", "int64", "uint32")
DTYPES = (*FLOATS, *INTEGERS, "bool")


class Value(Protocol):
    """What a shape rule sees of an argument."""

    @property
    def shape(self) -> Shape: ...
    @property
    def dtype(self) -> str: ...


Attrs = Mapping[str, Any]
Typed = tuple[Shape, str]
Rule = Callable[[Sequence[Value], Attrs], Typed]


def same(args: Sequence[Value], what: str = "arguments") -> Typed:
    """The one shape and dtype of all arguments; ShapeError or TypeMismatch where they differ."""
    first = args[0]
    for other in args[1:]:
        if other.shape != first.shape:
            raise ShapeError(
                f"{what} must have one shape, given were {show(first.shape)} and "
                f"{show(other.shape)}; use broadcast_to"
            )
        if other.dtype != first.dtype:
            raise TypeMismatch(
                f"{what} must have one dtype, given were {first.dtype} and {other.dtype}; use cast"
            )
    return first.shape, first.dtype


def need(dtype: str, allowed: Sequence[str], name: str) -> None:
    """TypeMismatch where the operation `name` does not take this dtype."""
    if dtype not in allowed:
        raise TypeMismatch(f"{name} takes {' or '.join(allowed)}, given was {dtype}; use cast")


def check_axes(shape: Shape, axes: Sequence[int], name: str) -> None:
    """ShapeError where axes are not sorted, named twice or outside the shape."""
    if list(axes) != sorted(set(axes)) or any(not 0 <= a < len(shape) for a in axes):
        raise ShapeError(f"{name}: axes {tuple(axes)} of {show(shape)} must be sorted and inside")
