"""Inputs and targets as the arrays that a program reads, checked before the first step."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clearprop.errors import DataError, ShapeError
from clearprop.nn.losses import Loss
from clearprop.train.arrays import as_array, as_numbers, check_finite, shown
from clearprop.train.network import Network, layer_text

__all__ = ["Data", "check_inputs", "inputs", "targets"]

Array = NDArray[Any]

# which numbers a loss takes as targets, where not all
_RANGES: Mapping[str, tuple[float, float]] = {
    "binary_cross_entropy": (0.0, 1.0),
    "cross_entropy": (0.0, 1.0),
    "poisson": (0.0, np.inf),
}
_NEAR_ONE = 1e-3
"""How far from 1 the probabilities of a row may sum up: what rounded numbers need."""


@dataclass(frozen=True)
class Data:
    """Rows of inputs, targets and weights, all of one length."""

    x: Array
    y: Array
    weights: Array

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.x)

    def arrays(self) -> list[Array]:
        """In the order of a step's streamed inputs."""
        return [self.x, self.y, self.weights]


def inputs(given: object, takes: str, dtype: str, what: str = "X") -> Array:
    """X as numbers of the model's dtype, or as int32 ids where the first layer takes integers."""
    array = as_array(given, what)
    if array.ndim == 0 or len(array) == 0:
        raise DataError(f"{what} has no rows (shape {array.shape}); at least one is needed")
    if array.size == 0:
        raise DataError(f"{what} has no columns (shape {array.shape}); at least one is needed")
    if takes == "integer":
        return _ids(array, what)
    if array.ndim == 1:
        raise ShapeError(
            f"{what} has one axis {array.shape}; expected rows first, such as (rows, features): "
            f"use {what}.reshape(-1, 1) for one feature, {what}.reshape(1, -1) for one row"
        )
    made = as_numbers(array, dtype, what)
    check_finite(made, what, array)
    return made


def _ids(array: Array, what: str) -> Array:
    whole = _whole(array, what)
    low, high = int(whole.min()), int(whole.max())
    if low < 0 or high > np.iinfo(np.int32).max:
        raise DataError(f"{what} holds the id {low if low < 0 else high}; ids count from 0")
    return np.ascontiguousarray(whole, dtype=np.int32)


def _whole(array: Array, what: str) -> Array:
    """Integers: those given, or floats without a fraction."""
    if array.dtype.kind in "biu":
        return array
    numbers = as_numbers(array, "float64", what)
    check_finite(numbers, what)
    odd = numbers != np.floor(numbers)
    if odd.any():
        place = int(np.argmax(odd.ravel()))
        raise DataError(f"{what} holds {numbers.flat[place]}, expected whole numbers (row {place})")
    return numbers


def check_inputs(x: Array, network: Network, what: str = "X") -> None:
    """The rows have the shape, and the ids the range, that the network was built for."""
    if x.shape[1:] != network.input_shape:
        first = layer_text(0, network.layers[0])
        raise ShapeError(
            f"{what} has shape {x.shape}, its rows {x.shape[1:]}; {first} was built for rows of "
            f"{network.input_shape}"
        )
    vocabulary = getattr(network.layers[0], "vocabulary", None)
    if network.input_dtype == "int32" and vocabulary is not None and int(x.max()) >= vocabulary:
        place = np.unravel_index(int(np.argmax(x)), x.shape)
        raise DataError(
            f"{what} holds the id {x.max()} at {tuple(int(p) for p in place)}; "
            f"{layer_text(0, network.layers[0])} takes ids from 0 to {vocabulary - 1}"
        )


def targets(given: object, rows: int, network: Network, loss: Loss, what: str = "y") -> Array:
    """y as int32 labels where the loss takes labels, else in the shape and dtype of the output."""
    array = as_array(given, what)
    if array.ndim == 0 or len(array) != rows:
        count = len(array) if array.ndim else 0
        raise DataError(f"X has {rows} rows, {what} has {count}; they must have one length")
    output = network.output_shape
    if loss.labels and len(output) and array.shape[1:] != output:
        return _labels(array, network, what)
    numbers = _fit(_numbers(array, network, loss, what), network, what)
    check_finite(numbers, what, array)
    if not loss.custom:
        _check_range(numbers, loss, what)
    return numbers


def _check_range(numbers: Array, loss: Loss, what: str) -> None:
    """The numbers lie where the loss takes them, and probabilities of classes sum up to 1."""
    low, high = _RANGES.get(loss.name, (-np.inf, np.inf))
    outside = (numbers < low) | (numbers > high)
    if outside.any():
        place = int(np.argmax(outside.ravel()))
        raise DataError(
            f"{what} holds {numbers.flat[place]} (row {_row(place, numbers)}); {loss.name} "
            f"takes targets from {low:g} to {high:g}"
        )
    if loss.name == "cross_entropy":
        sums = numbers.sum(axis=-1, dtype=np.float64)
        odd = np.abs(sums - 1) > _NEAR_ONE
        if odd.any():
            place = int(np.argmax(odd.ravel()))
            raise DataError(
                f"{what} holds probabilities that sum up to {sums.flat[place]:.6g} (row "
                f"{_row(place, sums)}); cross_entropy takes one-hot rows, or rows that sum up to 1"
            )


def _row(place: int, array: Array) -> int:
    """The row of a place in the flat array."""
    return place * len(array) // array.size


def _numbers(array: Array, network: Network, loss: Loss, what: str) -> Array:
    try:
        return as_numbers(array, network.dtype, what)
    except DataError as error:
        raise DataError(f"{error}; {loss.name} needs numbers as targets") from error


def _fit(numbers: Array, network: Network, what: str) -> Array:
    """One number a row may be given without its axis; else shapes must be equal."""
    output, given = network.output_shape, numbers.shape[1:]
    if given == output:
        return numbers
    if (*given, 1) == output or given == (*output, 1):
        return numbers.reshape(len(numbers), *output)
    raise ShapeError(
        f"{what} has shape {numbers.shape}, its rows {given}; {network.last_text} gives rows of "
        f"{output}: change its units or the target"
    )


def _labels(array: Array, network: Network, what: str) -> Array:
    """int32 class labels of shape (rows, ...), checked against the number of outputs."""
    *places, classes = network.output_shape
    shape = (len(array), *places)
    if array.shape not in (shape, (*shape, 1)):
        raise ShapeError(
            f"{what} has shape {array.shape}; {network.last_text} gives rows of "
            f"{network.output_shape}: expected integer labels of shape {shape} or one-hot rows of "
            f"shape {(*shape, classes)}"
        )
    if array.dtype.kind in "USO":
        raise DataError(
            f"{what} holds text ({shown(array.flat[0])}), expected labels from 0 to {classes - 1}: "
            "number the classes first (the estimators and the command line do)"
        )
    whole = _whole(array, what).reshape(shape)
    bad = (whole < 0) | (whole >= classes)
    if bad.any():
        place = int(np.argmax(bad.ravel()))
        raise DataError(
            f"{what} holds the label {int(whole.flat[place])} at row {_row(place, whole)}; "
            f"{network.last_text} has {classes} outputs, so labels go from 0 to {classes - 1}"
        )
    return np.ascontiguousarray(whole, dtype=np.int32)
