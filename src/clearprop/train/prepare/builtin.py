"""The built-in data sets: from scikit-learn, or made from a formula and a fixed seed."""

from collections.abc import Callable

import numpy as np

from clearprop.train.prepare.frames import table_from_arrays
from clearprop.train.prepare.table import Table

__all__ = ["BUILTIN", "builtin"]


def _from_sklearn(name: str) -> Callable[[], Table]:
    def load() -> Table:
        from sklearn import datasets

        bunch = getattr(datasets, f"load_{name}")()
        y = bunch.target
        if "target_names" in bunch and name != "digits":
            y = np.asarray(bunch.target_names)[y]
        names = [str(n) for n in bunch.feature_names]
        return table_from_arrays(bunch.data, y, names, name, "target")

    return load


def _xor() -> Table:
    X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    return table_from_arrays(X, X[:, 0] ^ X[:, 1], ["a", "b"], "xor", "target")


def _moons() -> Table:
    """Two half circles that reach into each other, 500 rows, with a little noise."""
    rng = np.random.default_rng(0)
    angle = np.pi * rng.random(500)
    y = np.arange(500) % 2
    x0 = np.where(y == 0, np.cos(angle), 1 - np.cos(angle))
    x1 = np.where(y == 0, np.sin(angle), 0.5 - np.sin(angle))
    X = np.stack([x0, x1], axis=1) + 0.15 * rng.standard_normal((500, 2))
    return table_from_arrays(X, y, ["x0", "x1"], "moons", "target")


def _spirals() -> Table:
    """Two arms of one and a half turns each around the origin, 1000 rows, with a little noise."""
    rng = np.random.default_rng(0)
    y = np.arange(1000) % 2
    turn = 3 * np.pi * np.sqrt(rng.random(1000))
    angle = turn + np.pi * y
    X = np.stack([turn * np.cos(angle), turn * np.sin(angle)], axis=1) / (3 * np.pi)
    X += 0.015 * rng.standard_normal((1000, 2))
    return table_from_arrays(X, y, ["x0", "x1"], "spirals", "target")


BUILTIN: dict[str, Callable[[], Table]] = {
    "xor": _xor,
    "iris": _from_sklearn("iris"),
    "wine": _from_sklearn("wine"),
    "breast_cancer": _from_sklearn("breast_cancer"),
    "digits": _from_sklearn("digits"),
    "diabetes": _from_sklearn("diabetes"),
    "moons": _moons,
    "spirals": _spirals,
}


def builtin(name: str) -> Table:
    """The built-in table of this name."""
    return BUILTIN[name]()
