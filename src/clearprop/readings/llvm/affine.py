"""Affine index expressions: a whole number for each loop variable, and a constant.

Every place that a kernel reads or writes is an affine function of its loop variables (a gather
adds one loaded number). That makes it decidable whether two accesses meet in the same element or
row, and what can leave a loop.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from clearprop.errors import EngineError
from clearprop.nodes.shapes import Dim, Rows, Shape, show

__all__ = ["Affine", "buffer_strides", "linear", "natural", "points", "variables"]


@dataclass(frozen=True, slots=True)
class Affine:
    """sum of terms[v] * variable v, plus constant."""

    terms: tuple[int, ...]
    constant: int = 0

    def __add__(self, other: "Affine | int") -> "Affine":
        if isinstance(other, int):
            return Affine(self.terms, self.constant + other)
        terms = tuple(a + b for a, b in zip(self.terms, other.terms, strict=True))
        return Affine(terms, self.constant + other.constant)

    def times(self, factor: int) -> "Affine":
        """The expression multiplied by a whole number."""
        return Affine(tuple(t * factor for t in self.terms), self.constant * factor)

    def range(self, extents: Sequence[Dim]) -> tuple[int, int] | None:
        """Least and largest value over the variables' extents; None where rows decide."""
        low = high = self.constant
        for term, extent in zip(self.terms, extents, strict=True):
            if not term:
                continue
            if isinstance(extent, Rows):
                return None
            reach = term * max(extent - 1, 0)
            low, high = low + min(reach, 0), high + max(reach, 0)
        return low, high


def variables(count: int) -> tuple[Affine, ...]:
    """The loop variables themselves."""
    return tuple(Affine(tuple(int(i == j) for j in range(count))) for i in range(count))


def points(domain: Shape) -> tuple[Affine, ...]:
    """The index of a point of a domain: a variable a dimension, 0 where there is only one place.

    Dimensions of size 1 have no variable, so that equal places are equal expressions.
    """
    nowhere = Affine((0,) * len(domain))
    names = zip(domain, variables(len(domain)), strict=True)
    return tuple(nowhere if d == 1 else v for d, v in names)


def natural(shape: Shape) -> Affine:
    """The place of each point in the stored array of its own shape."""
    return linear(points(shape), buffer_strides(shape), len(shape))


def buffer_strides(shape: Shape) -> tuple[int, ...]:
    """Strides in elements of a stored array: row-major, the rows outermost wherever they stand.

    >>> from clearprop.nodes.shapes import ROWS
    >>> buffer_strides((5, ROWS, 3))
    (3, 15, 1)
    """
    order = sorted(range(len(shape)), key=lambda i: not isinstance(shape[i], Rows))
    out, step = [0] * len(shape), 1
    for place in reversed(order):
        out[place] = step
        dim = shape[place]
        if isinstance(dim, int):
            step *= dim
        elif place != order[0]:
            raise EngineError(f"{show(shape)} depends on the number of rows twice")
    return tuple(out)


def linear(index: Sequence[Affine], steps: Sequence[int], count: int) -> Affine:
    """The flat place of an index: sum of index times stride; `count` variables."""
    total = Affine((0,) * count)
    for part, step in zip(index, steps, strict=True):
        total = total + part.times(step)
    return total
