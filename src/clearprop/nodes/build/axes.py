"""Which axes a caller means: from the end where negative, all of them where none is named."""

from collections.abc import Sequence

from clearprop.errors import ShapeError

__all__ = ["Axes", "axis_of", "given_axes"]

Axes = int | Sequence[int] | None


def axis_of(axis: int, rank: int) -> int:
    """The axis counted from the front; ShapeError where the array has no such axis.

    >>> axis_of(-1, 3)
    2
    """
    if not -rank <= axis < rank:
        raise ShapeError(f"axis {axis} of an array with {rank} axes")
    return axis % rank


def given_axes(axes: Axes, rank: int) -> list[int]:
    """One axis, several, or None for all, as a list counted from the front, in the order given."""
    named = range(rank) if axes is None else [axes] if isinstance(axes, int) else axes
    return [axis_of(axis, rank) for axis in named]
