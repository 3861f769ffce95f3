"""Feature columns to numbers: scikit-learn's transformers learn, their numbers are kept as data.

What a fitted transformer knows is in its public attributes (``statistics_``, ``mean_``, ``scale_``,
``categories_``). These arrays are kept and applied here by the same arithmetic, so that a model
file holds numbers and texts only, prediction needs no scikit-learn, and a file written under one
version of it is read under any other. A test holds our result to the transformers', bit for bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clearprop.errors import DataError
from clearprop.train.prepare.table import Column, Table

__all__ = ["Category", "Numbers", "fit_category", "fit_numbers", "is_identifier"]

_MOST_CATEGORIES = 1000


@dataclass(frozen=True, eq=False)
class Numbers:
    """Columns of numbers: missing ones filled, then (x - mean) / scale; arrays of one each."""

    names: tuple[str, ...]
    fill: np.ndarray
    mean: np.ndarray
    scale: np.ndarray

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the numbers that come out."""
        return self.names

    def apply(self, table: Table) -> np.ndarray:
        """float64, shape (rows, columns)."""
        matrix = _matrix([table.column(name) for name in self.names], table.rows)
        filled = np.where(np.isnan(matrix), self.fill, matrix)
        return np.asarray((filled - self.mean) / self.scale)


@dataclass(frozen=True)
class Category:
    """A column of texts, one-hot: a 1 at its category; all zeros for one that was never seen.

    What is missing is the category ``""``, where training saw it missing.
    """

    name: str
    categories: tuple[str, ...]

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the numbers that come out."""
        return tuple(f"{self.name}={category}" for category in self.categories)

    def apply(self, table: Table) -> np.ndarray:
        """float64, shape (rows, categories)."""
        place = {category: i for i, category in enumerate(self.categories)}
        out = np.zeros((table.rows, len(self.categories)))
        for row, word in enumerate(table.column(self.name).words()):
            at = place.get("" if word is None else word)
            if at is not None:
                out[row, at] = 1.0
        return out


def _matrix(columns: Sequence[Column], rows: int) -> np.ndarray:
    matrix = np.empty((rows, len(columns)))
    for i, column in enumerate(columns):
        matrix[:, i] = column.numbers()
        if np.isinf(matrix[:, i]).any():
            row = int(np.flatnonzero(np.isinf(matrix[:, i]))[0])
            raise DataError(
                f"column {column.name!r}, row {column.row(row)}: infinity; expected finite "
                f"numbers: leave the cell empty if the value is not known"
            )
    return matrix


def fit_numbers(columns: Sequence[Column], rows: int) -> Numbers:
    """Medians (booleans: the most frequent), means and scales of these columns.

    A column that has no value in these rows is filled with 0.
    """
    names = tuple(c.name for c in columns)
    matrix = _matrix(columns, rows)
    if not columns:
        return Numbers(names, np.zeros(0), np.zeros(0), np.ones(0))
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import StandardScaler

    fill = np.empty(len(columns))
    booleans = np.array([c.kind == "boolean" for c in columns])
    for strategy, chosen in (("median", ~booleans), ("most_frequent", booleans)):
        if chosen.any():
            imputer = SimpleImputer(strategy=strategy, keep_empty_features=True)
            fill[chosen] = imputer.fit(matrix[:, chosen]).statistics_
    with np.errstate(over="ignore", invalid="ignore"):
        scaler = StandardScaler().fit(np.where(np.isnan(matrix), fill, matrix))
    mean, scale = np.asarray(scaler.mean_), np.asarray(scaler.scale_)
    for name, finite in zip(names, np.isfinite(mean) & np.isfinite(scale), strict=True):
        if not finite:
            raise DataError(f"column {name!r} holds numbers too large to be standardised")
    return Numbers(names, fill, mean, scale)


def fit_category(column: Column) -> Category:
    """The categories that are in these rows, sorted."""
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import OneHotEncoder

    words = column.words().reshape(-1, 1)
    imputer = SimpleImputer(missing_values=None, strategy="constant", fill_value="")
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    encoder.fit(imputer.fit_transform(words))
    return Category(column.name, tuple(str(c) for c in encoder.categories_[0]))


def is_identifier(column: Column) -> bool:
    """Whether a text column names its rows rather than says something about them.

    So it is if more than half of its texts differ, in ten rows or more, or more than a thousand do.
    """
    words = [w for w in column.words() if w is not None]
    different = len(set(words))
    return different > _MOST_CATEGORIES or (len(words) >= 10 and different > len(words) / 2)
