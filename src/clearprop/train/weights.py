"""Weights set by name: all of them or none, and only numbers of the right shape."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clearprop.errors import ArgumentError, DataError, ShapeError, unknown

__all__ = ["set_weights"]

Array = NDArray[Any]


def set_weights(views: Mapping[str, Array], weights: Mapping[str, Any]) -> None:
    """Write one array a name into the views; nothing is written unless all names and shapes fit."""
    for name in weights:
        if name not in views:
            raise unknown("weight", name, views)
    missing = [name for name in views if name not in weights]
    if missing:
        raise ArgumentError(f"set_weights lacks {', '.join(missing)}")
    made = {name: _weight(name, weights[name], view) for name, view in views.items()}
    for name, view in views.items():
        view[...] = made[name]


def _weight(name: str, given: Any, view: Array) -> Array:
    try:
        array = np.asarray(given, dtype=view.dtype)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"weight {name} cannot be read as numbers: {error}") from error
    if array.shape != view.shape:
        raise ShapeError(f"weight {name} has shape {view.shape}, given was {array.shape}")
    if not np.isfinite(array).all():
        raise DataError(f"weight {name} holds NaN or infinity")
    return array
