"""Checks of a model's arguments; each gives the value as the model keeps it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from clearprop.errors import ArgumentError
from clearprop.nn.layer import Layer
from clearprop.nn.losses import Loss

__all__ = [
    "check_lengths",
    "check_probabilities",
    "check_threads",
    "dtype_name",
    "layer_list",
    "metric_list",
    "row_shape",
    "seed_number",
]


def layer_list(given: Sequence[Layer]) -> list[Layer]:
    """At least one layer, each made and not a class."""
    layers = list(given)
    if not layers:
        raise ArgumentError("a model needs at least one layer")
    for place, layer in enumerate(layers):
        if isinstance(layer, type) and issubclass(layer, Layer):
            raise ArgumentError(f"layer {place} is the class {layer.__name__}; call it: Dense(3)")
        if not isinstance(layer, Layer):
            raise ArgumentError(f"layer {place} is {layer!r}; expected a layer such as Dense(3)")
    return layers


def metric_list(given: Any) -> Sequence[Any]:
    """Several metrics, or one name."""
    return [given] if isinstance(given, str) else list(given or ())


def dtype_name(given: object) -> str:
    """float32 or float64, as a name or as NumPy's.

    >>> dtype_name(np.float64)
    'float64'
    """
    try:
        name = str(np.dtype(given))  # type: ignore[call-overload]
    except TypeError:
        name = str(given)
    if name not in ("float32", "float64"):
        raise ArgumentError(f"dtype is {given!r}; expected 'float32' or 'float64'")
    return name


def seed_number(given: object) -> int:
    """A whole number of at least 0."""
    if isinstance(given, bool) or not isinstance(given, int | np.integer) or given < 0:
        raise ArgumentError(f"seed is {given!r}; expected a whole number of at least 0")
    return int(given)


def row_shape(given: int | Sequence[int]) -> tuple[int, ...]:
    """The shape of one row of inputs; a number stands for that many features.

    >>> row_shape(4)
    (4,)
    """
    shape = (given,) if isinstance(given, int | np.integer) else tuple(given)
    if not all(isinstance(d, int | np.integer) and d > 0 for d in shape):
        raise ArgumentError(f"input_shape is {given!r}; expected whole numbers, without the rows")
    return tuple(int(d) for d in shape)


def check_threads(threads: object) -> None:
    """None or a number of threads; the bits of a result do not depend on it."""
    good = isinstance(threads, int | np.integer) and not isinstance(threads, bool)
    if threads is not None and (not good or int(threads) < 1):  # type: ignore[call-overload]
        raise ArgumentError(f"threads is {threads!r}; expected None or a whole number >= 1")


def check_lengths(lengths: object) -> None:
    """None: no layer mixes time."""
    if lengths is not None:
        raise ArgumentError("lengths= was given, but no layer of this model mixes time")


def check_probabilities(layers: Sequence[Layer], loss: Loss) -> None:
    """ArgumentError where neither the loss nor the last layer makes probabilities."""
    applied = getattr(layers[-1], "activation", None) or getattr(layers[-1], "name", None)
    if not loss.takes_logits and applied not in ("softmax", "sigmoid"):
        raise ArgumentError(
            f"with the loss {loss.name} and a last layer without softmax or sigmoid there "
            "are no probabilities; use predict"
        )
