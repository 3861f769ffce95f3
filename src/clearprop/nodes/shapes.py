"""Shape arithmetic: a dimension is a whole number, or a multiple of the number of rows.

The number of rows of a minibatch is not known when a graph is built: a smaller last batch, or any
number of rows at prediction, runs the same machine code. It is the symbol ``Rows``; everything else
is a whole number.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from clearprop.errors import ShapeError

__all__ = ["ROWS", "Dim", "Rows", "Shape", "bind", "has_rows", "show", "size", "strides"]


@dataclass(frozen=True, slots=True)
class Rows:
    """``times`` times the number of rows, which is known only when the graph runs."""

    times: int = 1

    def __repr__(self) -> str:
        return "rows" if self.times == 1 else f"{self.times}*rows"


ROWS = Rows()
Dim = int | Rows
Shape = tuple[Dim, ...]


def size(shape: Sequence[Dim]) -> Dim:
    """The number of elements: the product of the dimensions.

    >>> size((ROWS, 3, 4)), size((2, 3)), size(())
    (12*rows, 6, 1)
    """
    symbols = [d for d in shape if isinstance(d, Rows)]
    if len(symbols) > 1:
        raise ShapeError(f"shape {show(shape)} has rows twice; reduce or merge one of them first")
    whole = math.prod(d for d in shape if isinstance(d, int))
    return Rows(symbols[0].times * whole) if symbols and whole else whole


def bind(shape: Sequence[Dim], rows: int) -> tuple[int, ...]:
    """The shape with the number of rows put in.

    >>> bind((Rows(2), 3), rows=5)
    (10, 3)
    """
    return tuple(d if isinstance(d, int) else d.times * rows for d in shape)


def has_rows(shape: Sequence[Dim]) -> bool:
    """Whether any dimension depends on the number of rows."""
    return any(isinstance(d, Rows) for d in shape)


def strides(shape: Sequence[Dim]) -> tuple[int, ...]:
    """Row-major strides in elements; rows must come first, where their stride is a whole number.

    >>> strides((ROWS, 3, 4))
    (12, 4, 1)
    """
    out, step = [], 1
    for place, dim in reversed(list(enumerate(shape))):
        out.append(step)
        if isinstance(dim, Rows):
            if any(d != 1 for d in shape[:place]):
                raise ShapeError(f"shape {show(shape)}: rows must be the first dimension")
        else:
            step *= dim
    return tuple(reversed(out))


def show(shape: Sequence[Dim]) -> str:
    """The shape as people write it: ``(rows, 784)``."""
    inner = ", ".join(str(d) for d in shape)
    return f"({inner},)" if len(shape) == 1 else f"({inner})"
