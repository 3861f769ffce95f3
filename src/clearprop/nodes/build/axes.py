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


def given_axes(axes: Axes, rank: int) -> tuple[int, ...]:
    """One axis, several, or None for all: counted from the front, sorted, each once.

    >>> given_axes((-1, 0, 2), 3)
    (0, 2)
    """
    named = range(rank) if axes is None else [axes] if isinstance(axes, int) else axes
    return tuple(sorted({axis_of(axis, rank) for axis in named}))
