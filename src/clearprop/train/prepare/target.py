"""The target column: classes to whole numbers, amounts to standardised ones, and back."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from clearprop.errors import ArgumentError, DataError
from clearprop.train.prepare.table import Column, column_of_words, parse_number, show_number

__all__ = ["TASKS", "Amount", "Classes", "Label", "Task", "fit_target", "infer_task"]

Task = Literal["classification", "regression"]
Label = bool | int | float | str
TASKS = ("auto", "classification", "regression")

_MOST_CLASSES = 20


@dataclass(frozen=True)
class Classes:
    """A target of classes: class number i is the label at place i (sorted)."""

    labels: tuple[Label, ...]

    @property
    def task(self) -> Task:
        """classification"""
        return "classification"

    def encode(self, column: Column) -> np.ndarray:
        """int32 class numbers; DataError for a class that is none of these, or a missing one."""
        place = {_written(label): i for i, label in enumerate(self.labels)}
        words = _label_words(column)
        for row, word in enumerate(words):
            if word not in place:
                known = ", ".join(str(label) for label in self.labels)
                given = "missing" if word is None else repr(word)
                raise DataError(
                    f"target {column.name!r}, row {column.row(row)} is {given}; "
                    f"expected one of the classes: {known}"
                )
        return np.array([place[w] for w in words if w is not None], dtype=np.int32)

    def decode(self, numbers: np.ndarray) -> list[Label]:
        """The labels of class numbers."""
        return [self.labels[int(i)] for i in numbers]


@dataclass(frozen=True)
class Amount:
    """A target of numbers: the network learns (y - mean) / scale."""

    mean: float
    scale: float

    @property
    def task(self) -> Task:
        """regression"""
        return "regression"

    def encode(self, column: Column) -> np.ndarray:
        """float64, shape (rows, 1); DataError for what is missing or infinite."""
        values = column.numbers()
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            row = int(bad[0])
            raise DataError(
                f"target {column.name!r}, row {column.row(row)} is {values[row]}; "
                f"expected a finite number"
            )
        return ((values - self.mean) / self.scale).reshape(-1, 1)

    def decode(self, numbers: np.ndarray) -> np.ndarray:
        """The amounts, float64, shape (rows,)."""
        return np.asarray(numbers, np.float64).reshape(-1) * self.scale + self.mean


def infer_task(column: Column, task: str = "auto") -> Task:
    """What to learn: classes if the target is text, boolean, or few whole numbers; else an amount.

    Few means at most 20 different ones, and at most half as many as there are rows. A column
    written with decimal points is an amount, however few values it has.
    """
    if task not in TASKS:
        raise ArgumentError(f"unknown task {task!r}; expected one of {', '.join(TASKS)}")
    if task == "regression":
        if column.kind == "text":
            column.numbers()
        if column.kind == "class":
            raise ArgumentError(
                f"target {column.name!r} is one-hot: it holds classes; expected one column of "
                f"numbers, or --task classification"
            )
        return "regression"
    if task == "auto" and column.kind == "text":
        _no_number_among_amounts(column)
    if task == "classification" or column.kind in ("text", "boolean", "class"):
        return "classification"
    if column.kind == "number":
        return "regression"
    values = column.numbers()[~column.missing]
    different = len(np.unique(values))
    few = different <= _MOST_CLASSES and different * 2 <= len(values)
    return "classification" if few else "regression"


def _no_number_among_amounts(column: Column) -> None:
    """DataError for a text among amounts: one cell, or at most one in ten, is no number."""
    words = [word for word in column.words() if word is not None]
    numbers = [word for word in words if parse_number(word) is not None]
    if len(numbers) < 2 or len(words) - len(numbers) > max(1, len(words) // 10):
        return
    if infer_task(column_of_words(column.name, numbers)) == "classification":
        return
    for place, word in enumerate(column.words()):
        if word is not None and parse_number(word) is None:
            raise DataError(
                f"target {column.name!r}, row {column.row(place)} is {word!r}, while nearly all "
                f"others are numbers; correct it or leave it empty, or take --task classification"
            )


def fit_target(column: Column, task: Task, rows: np.ndarray | None = None) -> Classes | Amount:
    """The classes of all rows, or mean and scale of the training rows."""
    if task == "classification":
        return _fit_classes(column)
    values = column.numbers()
    values = values if rows is None else values[rows]
    if values.size == 0 or not np.isfinite(values).all():
        Amount(0.0, 1.0).encode(column)
        raise DataError(f"target {column.name!r} has no values to learn from")
    if np.ptp(values) == 0:
        raise DataError(
            f"target {column.name!r} is {show_number(values[0])} in every row; "
            f"expected a target that varies"
        )
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(values.reshape(-1, 1))
    return Amount(float(scaler.mean_[0]), float(scaler.scale_[0]))


def _fit_classes(column: Column) -> Classes:
    labels = _labels(column)
    if len(labels) < 2:
        raise DataError(
            f"target {column.name!r} has one class only ({labels[0]}); "
            f"expected at least two, or another target column"
        )
    if len(labels) >= int((~column.missing).sum()):
        raise DataError(
            f"target {column.name!r} has as many classes as rows ({len(labels)}); expected classes "
            f"that repeat: name another column with --target, or take --task regression"
        )
    return Classes(labels)


def _labels(column: Column) -> tuple[Label, ...]:
    from sklearn.preprocessing import LabelEncoder

    present = ~column.missing
    if not present.any():
        raise DataError(f"target {column.name!r} has no values; expected classes")
    if column.kind == "text":
        words = column.words()[present].astype(str)
        return tuple(str(c) for c in LabelEncoder().fit(words).classes_)
    values = LabelEncoder().fit(column.numbers()[present]).classes_
    if column.kind == "boolean":
        return tuple(bool(v) for v in values)
    return tuple(int(v) if v == int(v) else float(v) for v in values)


def _written(label: Label) -> str:
    """One text for equal labels, whichever kind of file they come from."""
    if isinstance(label, str):
        return label
    return show_number(float(label))


def _label_words(column: Column) -> list[str | None]:
    """The cells as `_written` writes labels: 1, 1.0 and True are one label."""
    if column.held_numbers is not None:
        return [None if np.isnan(v) else show_number(v) for v in column.held_numbers]
    return list(column.words())
