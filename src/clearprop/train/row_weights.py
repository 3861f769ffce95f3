"""Row weights: the weight of each sample times that of its class."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clearprop.errors import ArgumentError, DataError, ShapeError
from clearprop.train.arrays import as_array, as_numbers, check_finite, shown

__all__ = ["ClassWeight", "row_weights"]

Array = NDArray[Any]
ClassWeight = Mapping[Any, float] | str | None


def row_weights(
    sample_weight: object,
    class_weight: ClassWeight,
    y: Array,
    labels: bool,
    dtype: str,
    outputs: int = 1,
) -> Array:
    """One weight a row: the sample's times its class'; ones where neither is given.

    `outputs` of the last layer say which classes there are. Raises DataError where no weight is a
    normal number: the engine takes smaller ones for 0, and the mean of no rows is NaN.
    """
    rows = len(y)
    out = np.ones(rows, dtype)
    if sample_weight is not None:
        out = _sample_weight(sample_weight, rows, dtype)
    if class_weight is not None:
        with np.errstate(over="ignore"):  # what is too large is found by check_finite
            out = out * _class_weight(class_weight, y, labels, outputs).astype(dtype)
        check_finite(out, "sample_weight times class_weight")
    largest, least = out.max(), np.finfo(out.dtype).tiny
    if not largest:
        raise DataError("every row has the weight 0, so there is nothing to train on or to measure")
    if largest < least:
        raise DataError(
            f"the largest weight of a row is {largest:g}, too small for {dtype}; at least one must "
            f"be {least:g} or more: multiply all weights by the same number"
        )
    return out


def _sample_weight(given: object, rows: int, dtype: str) -> Array:
    array = as_array(given, "sample_weight")
    if array.shape not in ((rows,), (rows, 1)):
        raise ShapeError(f"sample_weight has shape {array.shape}; expected ({rows},), one a row")
    weights = as_numbers(array.reshape(rows), dtype, "sample_weight")
    check_finite(weights, "sample_weight", array.reshape(rows))
    if (weights < 0).any():
        place = int(np.argmax(weights < 0))
        raise DataError(f"sample_weight holds {weights[place]:g} at row {place}; expected >= 0")
    return weights


def _class_weight(given: Mapping[Any, float] | str, y: Array, labels: bool, outputs: int) -> Array:
    classes = _classes(y, labels)
    known, inverse = np.unique(classes, return_inverse=True)
    if isinstance(given, str):
        if given != "balanced":
            raise ArgumentError(f"class_weight is {given!r}; expected 'balanced' or a dictionary")
        counts = np.bincount(inverse)
        return np.asarray((len(classes) / (len(known) * counts))[inverse])
    if not isinstance(given, Mapping):
        raise ArgumentError(f"class_weight is {given!r}; expected 'balanced' or a dictionary")
    weights = np.ones(len(known))
    possible = sorted({*range(max(outputs, 2)), *known.tolist()})
    for label, weight in given.items():
        _check_class(label, weight, possible)
        weights[known == label] = weight
    return weights[inverse]


def _check_class(label: object, weight: object, possible: list[int]) -> None:
    """The label is a class, even where no row has it, and its weight a number."""
    if label not in possible:
        known = ", ".join(map(str, possible[:10])) + (", ..." if len(possible) > 10 else "")
        raise ArgumentError(f"class_weight names {shown(label)}; the classes are {known}")
    good = isinstance(weight, int | float | np.integer | np.floating)
    if not good or not 0 <= float(weight) < np.inf:  # type: ignore[arg-type]
        raise ArgumentError(
            f"class_weight[{shown(label)}] is {shown(weight)}; expected a number >= 0"
        )


def _classes(y: Array, labels: bool) -> Array:
    """The class of each row: of labels, of one-hot rows, of a column of zeros and ones."""
    if labels and y.dtype.kind == "i":
        classes = y
    elif y.ndim == 2 and y.shape[1] > 1 and labels:
        classes = np.argmax(y, axis=1)
    elif y.size == len(y) and np.array_equal(y, np.round(y)):
        classes = y.reshape(len(y)).astype(np.int64)
    else:
        raise ArgumentError("class_weight needs a target of classes; use sample_weight here")
    if classes.ndim != 1:
        raise ArgumentError("class_weight needs one label a row; use sample_weight here")
    return classes
