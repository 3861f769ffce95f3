"""Tables from data frames (any that narwhals reads) and from arrays."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from clearprop.errors import DataError
from clearprop.train.prepare.table import Column, Table

__all__ = ["as_table", "table_from_arrays", "table_from_frame"]


def as_table(data: Any, source: str = "the table") -> Table:
    """A table from a Table, a path or built-in name, a data frame, or an array of rows."""
    if isinstance(data, Table):
        return data
    if isinstance(data, str) or hasattr(data, "__fspath__"):
        from clearprop.train.prepare.read import read_table

        return read_table(data)
    if isinstance(data, np.ndarray | list | tuple):
        return table_from_arrays(np.asarray(data), source=source)
    return table_from_frame(data, source)


def table_from_frame(frame: Any, source: str = "the table") -> Table:
    """A table from a pandas, Polars, PyArrow or other eager data frame."""
    import narwhals as nw

    try:
        table = nw.from_native(frame, eager_only=True)
    except TypeError as error:
        raise DataError(
            f"{source} is a {type(frame).__name__}; expected an array or a data frame "
            f"(pandas, Polars, PyArrow)"
        ) from error
    columns = tuple(_from_series(table[name]) for name in table.columns)
    return Table(columns, len(table), source)


def _from_series(series: Any) -> Column:
    import narwhals as nw

    name, dtype = str(series.name), series.dtype
    if dtype == nw.Boolean:
        return Column(name, "boolean", _floats(series.to_list()))
    if dtype.is_numeric():
        numbers = _floats(series.to_list()) if series.null_count() else series.to_numpy()
        numbers = np.array(numbers, dtype=np.float64)
        return Column(name, "whole" if dtype.is_integer() else "number", numbers)
    if dtype.is_temporal():
        raise DataError(
            f"column {name!r} holds dates or times; expected numbers or texts: "
            f"turn it into numbers (days, hours) or leave it out"
        )
    return _from_objects(name, series.to_list())


def _floats(values: Sequence[Any]) -> np.ndarray:
    return np.array([float("nan") if v is None else float(v) for v in values], np.float64)


def _from_objects(name: str, values: Sequence[Any]) -> Column:
    """A column of Python objects: booleans where all are, else their texts."""
    known = [None if _is_missing(v) else v for v in values]
    present = [v for v in known if v is not None]
    if present and all(isinstance(v, bool | np.bool_) for v in present):
        return Column(name, "boolean", _floats(known))
    words = np.empty(len(values), dtype=object)
    words[:] = [None if v is None else str(v) for v in known]
    return Column(name, "text", None, words)


def _is_missing(value: Any) -> bool:
    """None, NaN, and pandas' NA and NaT, which are their types' only value."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def _from_array(name: str, values: np.ndarray) -> Column:
    if values.dtype.kind == "b":
        return Column(name, "boolean", values.astype(np.float64))
    if values.dtype.kind in "iu":
        return Column(name, "whole", values.astype(np.float64))
    if values.dtype.kind == "f":
        return Column(name, "number", values.astype(np.float64))
    if values.dtype.kind in "UO":
        return _from_objects(name, values.tolist())
    raise DataError(f"{name} has dtype {values.dtype}; expected numbers, booleans or texts")


def table_from_arrays(
    X: np.ndarray,
    y: np.ndarray | None = None,
    names: Sequence[str] | None = None,
    source: str = "the table",
    target: str = "y",
) -> Table:
    """A table from rows of features, and a target; features of more axes are flattened.

    A one-hot target (rows, classes) becomes the numbers of its classes.

    >>> table_from_arrays(np.zeros((3, 2)), np.arange(3)).names
    ('x0', 'x1', 'y')
    """
    column = None if y is None else _target(target, y)
    fits = y is None or (column is not None and y.shape[:1] == X.shape[:1])
    if X.ndim == 0 or not fits:
        given = f"{X.shape} and {None if y is None else y.shape}"
        raise DataError(
            f"{source}: X and y have shapes {given}; expected (rows, features) and (rows,), or "
            f"one-hot (rows, classes)"
        )
    flat = X.reshape(len(X), -1) if len(X) else X.reshape(0, 1)
    made = [f"x{i}" for i in range(flat.shape[1])] if names is None else list(names)
    columns = [_from_array(name, flat[:, i]) for i, name in enumerate(made)]
    if column is None:
        return Table(tuple(columns), len(X), source, targetless=True)
    return Table((*columns, column), len(X), source, target)


def _target(name: str, y: np.ndarray) -> Column | None:
    """The target's column, None for a shape that is none of a target."""
    if y.ndim == 1 or (y.ndim == 2 and y.shape[1] == 1):
        return _from_array(name, y.reshape(-1))
    if y.ndim != 2 or y.dtype.kind not in "biuf" or not ((y == 0) | (y == 1)).all():
        return None
    if (y.sum(axis=1) != 1).any():
        return None
    return Column(name, "class", y.argmax(axis=1).astype(np.float64))
