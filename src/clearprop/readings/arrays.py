"""Given arrays against a graph's inputs: do they fit, and how many rows do they tell."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from clearprop.errors import ShapeError
from clearprop.nodes.node import Node
from clearprop.nodes.shapes import Rows, show

__all__ = ["bind_rows"]


def bind_rows(arrays: Mapping[Node, NDArray[Any]]) -> int | None:
    """The number of rows that the inputs' arrays tell; None where no input depends on it.

    Raises ShapeError for an array that does not fit its input, and where two disagree on the rows.
    """
    rows, teller = None, ""
    for here, array in arrays.items():
        found = _rows(here, array.shape)
        if found is None:
            continue
        name = f"{here['name']!r} {show(array.shape)}"
        if rows is not None and found != rows:
            raise ShapeError(
                f"inputs disagree on the number of rows: {teller} has {rows}, {name} has {found}"
            )
        rows, teller = found, name
    return rows


def _rows(here: Node, shape: tuple[int, ...]) -> int | None:
    """The number of rows that one array tells."""
    rows = None
    fits = len(shape) == len(here.shape)
    for dim, given in zip(here.shape, shape, strict=False):
        if isinstance(dim, Rows):
            rows, rest = divmod(given, dim.times)
            fits = fits and not rest
        else:
            fits = fits and dim == given
    if not fits:
        raise ShapeError(
            f"input {here['name']!r} takes {show(here.shape)}, given was {show(shape)}"
        )
    return rows
