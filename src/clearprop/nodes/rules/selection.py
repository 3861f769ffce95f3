"""Selection: elements at places given by whole numbers along the first axis."""

from collections.abc import Sequence

from clearprop.errors import ShapeError
from clearprop.nodes.rules.checks import Attrs, Typed, Value, need
from clearprop.nodes.shapes import show

__all__ = ["gather", "one_hot", "scatter_add"]


def gather(args: Sequence[Value], attrs: Attrs) -> Typed:
    """Indices (i...) of a table (n, rest...) give (i..., rest...)."""
    table, indices = args
    need(indices.dtype, ("int32", "int64"), "gather's indices")
    if not table.shape:
        raise ShapeError("gather: the table needs at least one axis")
    return (*indices.shape, *table.shape[1:]), table.dtype


def scatter_add(args: Sequence[Value], attrs: Attrs) -> Typed:
    """Updates (i..., rest...) at indices (i...) give (size, rest...)."""
    updates, indices = args
    need(indices.dtype, ("int32", "int64"), "scatter_add's indices")
    if updates.shape[: len(indices.shape)] != indices.shape:
        raise ShapeError(
            f"scatter_add: updates {show(updates.shape)} must begin with the shape of the "
            f"indices {show(indices.shape)}"
        )
    return (attrs["size"], *updates.shape[len(indices.shape) :]), updates.dtype


def one_hot(args: Sequence[Value], attrs: Attrs) -> Typed:
    """Indices (i...) give (i..., depth)."""
    (indices,) = args
    need(indices.dtype, ("int32", "int64"), "one_hot")
    return (*indices.shape, attrs["depth"]), attrs["dtype"]
