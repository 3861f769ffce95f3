"""Small problems that the tests train on."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clearprop.nn.layers import Dense, Dropout
from clearprop.train.model import Sequential

Array = NDArray[Any]


def three_classes(rows: int = 60, seed: int = 0) -> tuple[Array, Array]:
    """Three clouds of points in the plane, float64, with labels 0, 1, 2."""
    generator = np.random.default_rng(seed)
    y = np.arange(rows) % 3
    centres = np.array([[0.0, 2.0], [-2.0, -1.0], [2.0, -1.0]])
    return centres[y] + generator.normal(size=(rows, 2)) * 0.6, y


def line(rows: int = 40, seed: int = 0) -> tuple[Array, Array]:
    """y = 2 x0 - x1 + 0.5, float64."""
    x = np.random.default_rng(seed).normal(size=(rows, 2))
    return x, x @ np.array([2.0, -1.0]) + 0.5


def classifier(**arguments: Any) -> Sequential:
    """A small network with everything that could change bits: dropout, Adam, float32."""
    layers = [Dense(8, activation="relu"), Dropout(0.2), Dense(3)]
    return Sequential(layers, loss="cross_entropy", **{"metrics": ["accuracy"], **arguments})


def same_bits(a: dict[str, Array], b: dict[str, Array]) -> bool:
    """Whether two sets of weights are equal byte for byte."""
    return list(a) == list(b) and all(a[n].tobytes() == b[n].tobytes() for n in a)
