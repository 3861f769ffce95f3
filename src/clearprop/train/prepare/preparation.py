"""What is learned about a table before training: how its columns become numbers, and back."""

import difflib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from clearprop.errors import DataError
from clearprop.train.prepare.features import (
    Category,
    Numbers,
    fit_category,
    fit_numbers,
    is_identifier,
)
from clearprop.train.prepare.frames import as_table
from clearprop.train.prepare.table import Column, Table, counted
from clearprop.train.prepare.target import Amount, Classes, Task, fit_target, infer_task

__all__ = ["Preparation", "Problem", "fit", "problem"]


@dataclass(frozen=True, eq=False)
class Preparation:
    """How a table's columns become the network's numbers, and its results become predictions."""

    numbers: Numbers
    categories: tuple[Category, ...]
    target_name: str
    target: Classes | Amount

    @property
    def task(self) -> Task:
        """classification or regression"""
        return self.target.task

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns that are read."""
        return (*self.numbers.names, *(c.name for c in self.categories))

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the numbers that come out, in order."""
        names = list(self.numbers.features)
        for category in self.categories:
            names += category.features
        return tuple(names)

    def prepare(self, data: Any, dtype: str = "float32") -> np.ndarray:
        """The network's inputs, shape (rows, features); DataError names a column that is missing.

        Columns are found by name, in any order; further ones are ignored. An array, which has no
        names, must have exactly the model's columns, in the order of `columns`.
        """
        table = self._named(data)
        self._check(table)
        parts = [self.numbers.apply(table), *(c.apply(table) for c in self.categories)]
        with np.errstate(over="ignore"):  # said below, with the row and the column
            out = np.concatenate(parts, axis=1).astype(dtype)
        if not np.isfinite(out).all():
            row, place = np.argwhere(~np.isfinite(out))[0]
            raise DataError(
                f"{table.source}, row {table.columns[0].row(row)}: {self.features[place]!r} is too "
                f"large for {dtype}"
            )
        return out

    def targets(self, data: Any, dtype: str = "float32") -> np.ndarray:
        """Class numbers (rows,) int32, or standardised amounts (rows, 1)."""
        table = as_table(data)
        out = self.target.encode(table.column(self.target_name, "target column"))
        return out if isinstance(self.target, Classes) else out.astype(dtype)

    def _named(self, data: Any) -> Table:
        if not isinstance(data, np.ndarray | list | tuple):
            return as_table(data)
        table = as_table(data)
        if len(table.columns) != len(self.columns):
            raise DataError(
                f"{table.source} has {counted(len(table.columns), 'feature')}, but the model was "
                f"trained on {len(self.columns)}: {', '.join(self.columns)}"
            )
        pairs = zip(self.columns, table.columns, strict=True)
        columns = tuple(replace(column, name=name) for name, column in pairs)
        return Table(columns, table.rows, table.source)

    def _check(self, table: Table) -> None:
        missing = [name for name in self.columns if table.find(name) is None]
        if missing:
            found = len(self.columns) - len(missing)
            others = [name for name in table.names if name not in self.columns]
            near = difflib.get_close_matches(missing[0], others, n=1, cutoff=0.5)
            hint = f" (is it {near[0]!r}?)" if near else ""
            raise DataError(
                f"{table.source} has {found} of the {len(self.columns)} features that the model "
                f"was trained on; missing: {_some(missing)}{hint}. Columns: {_some(table.names)}"
            )


def _some(names: Any, most: int = 8) -> str:
    shown = ", ".join(names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most} more"


@dataclass(frozen=True, eq=False)
class Problem:
    """A table that can be learned from: its feature columns, its target, and what to learn.

    Rows whose target is missing are not in it; `notices` say what was left out.
    """

    table: Table
    features: tuple[Column, ...]
    target: Column
    task: Task
    notices: tuple[str, ...]

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self.table.rows


def problem(data: Any, target: str | None = None, task: str = "auto") -> Problem:
    """The table as something to learn, checked; DataError says what makes it impossible."""
    table = as_table(data)
    name = table.default_target() if target is None else target
    column = table.column(name, "target column")
    notices = list(table.notices)
    if column.missing.all():
        raise DataError(f"target {name!r} has no values; expected a value in every row")
    if column.missing.any():
        left_out = counted(int(column.missing.sum()), "row")
        were = "was" if left_out == "1 row" else "were"
        notices.append(f"{left_out} without a target {were} left out")
        table = table.take(np.flatnonzero(~column.missing))
        column = table.column(name)
    if table.rows < 2:
        raise DataError(f"{table.source} has one row; expected at least two to learn from")
    chosen = infer_task(column, task)
    fit_target(column, chosen)
    features, said = _features(table, name)
    return Problem(table, features, column, chosen, (*notices, *said))


def _features(table: Table, target: str) -> tuple[tuple[Column, ...], list[str]]:
    kept, notices = [], []
    for column in table.columns:
        if column.name == target:
            continue
        if column.missing.all():
            raise DataError(
                f"column {column.name!r} of {table.source} has no values at all; "
                f"remove it, or fill it"
            )
        if column.kind == "text" and is_identifier(column):
            notices.append(
                f"column {column.name!r} was left out: its texts are nearly all different"
            )
        else:
            kept.append(column)
    if not kept:
        raise DataError(f"{table.source} has no column to learn from beside the target {target!r}")
    return tuple(kept), notices


def fit(given: Problem, rows: np.ndarray | None = None) -> Preparation:
    """The preparation learned on these rows (all by default); classes are those of all rows."""
    chosen = np.arange(given.rows) if rows is None else rows
    target = fit_target(given.target, given.task, chosen)
    columns = [c.take(chosen) for c in given.features]
    numbers = fit_numbers([c for c in columns if c.kind != "text"], len(chosen))
    categories = tuple(fit_category(c) for c in columns if c.kind == "text")
    return Preparation(numbers, categories, given.target.name, target)
