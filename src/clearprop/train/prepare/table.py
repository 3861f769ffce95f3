"""A table as read: named columns of numbers or words, with what is missing marked."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from clearprop.errors import DataError

__all__ = [
    "MISSING", "Column", "Kind", "Table", "column_of_words", "counted", "parse_number",
    "show_number",
]  # fmt: skip

Kind = Literal["number", "whole", "boolean", "text", "class"]
"""What the cells are; ``class`` are whole numbers that are known to count classes."""

MISSING = frozenset(
    ("", "?", "NA", "N/A", "n/a", "na", "#N/A", "<NA>", "NaN", "nan", "NAN", "NULL", "null", "None")
)
"""How a missing value is written in text."""

_BOOLEANS = {"true": 1.0, "false": 0.0}
_TARGETS = ("target", "label", "class", "y")


def show_number(value: float) -> str:
    """A number as a person writes it: whole ones without a point.

    >>> show_number(3.0), show_number(0.5)
    ('3', '0.5')
    """
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(float(value))


def counted(number: int, noun: str) -> str:
    """A number of things.

    >>> counted(1, "row"), counted(2, "row")
    ('1 row', '2 rows')
    """
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def parse_number(word: str) -> float | None:
    """The number that a word writes; Python's underscores are none."""
    try:
        return None if "_" in word else float(word)
    except ValueError:
        return None


@dataclass(frozen=True, eq=False)
class Column:
    """One column; numbers are float64 with NaN for missing, words are texts with None.

    At least one of the two is held: a CSV column of numbers keeps the words as they were written.
    `origin` are the places that its rows had in what was read, None where these are all in order.
    """

    name: str
    kind: Kind
    held_numbers: np.ndarray | None = None
    held_words: np.ndarray | None = None
    origin: np.ndarray | None = None

    def row(self, place: int) -> int:
        """The number of a row as messages give it: of the rows of data as read, from 1."""
        return int(place if self.origin is None else self.origin[place]) + 1

    def numbers(self) -> np.ndarray:
        """float64, NaN where missing; DataError names the first cell that is no number."""
        if self.held_numbers is not None:
            return self.held_numbers
        assert self.held_words is not None
        return np.array([self._number(i, w) for i, w in enumerate(self.held_words)], np.float64)

    def _number(self, row: int, word: str | None) -> float:
        if word is None:
            return float("nan")
        value = parse_number(word)
        if value is None:
            value = _BOOLEANS.get(word.lower())
        if value is None:
            raise DataError(
                f"column {self.name!r}, row {self.row(row)}: {word!r} is not a number; "
                f"expected numbers, since this column is one of numbers"
            )
        return value

    def words(self) -> np.ndarray:
        """Objects: texts, None where missing."""
        if self.held_words is not None:
            return self.held_words
        assert self.held_numbers is not None
        words = [None if np.isnan(v) else show_number(v) for v in self.held_numbers]
        return np.array(words, dtype=object)

    @property
    def missing(self) -> np.ndarray:
        """Whether each cell is missing."""
        if self.held_numbers is not None:
            return np.asarray(np.isnan(self.held_numbers))
        assert self.held_words is not None
        return np.array([w is None for w in self.held_words], dtype=bool)

    def take(self, rows: np.ndarray) -> "Column":
        """These rows of it."""
        held = (self.held_numbers, self.held_words)
        numbers, words = (None if h is None else h[rows] for h in held)
        origin = rows if self.origin is None else self.origin[rows]
        return replace(self, held_numbers=numbers, held_words=words, origin=origin)


def column_of_words(name: str, cells: Sequence[str]) -> Column:
    """A column from text cells, of the narrowest kind that holds every cell.

    >>> column_of_words("age", ["3", "?", "5"]).kind
    'whole'
    """
    present = [c for c in cells if c not in MISSING]
    words = np.empty(len(cells), dtype=object)
    words[:] = [None if c in MISSING else c for c in cells]
    if present and all(c.lower() in _BOOLEANS for c in present):
        values = [float("nan") if w is None else _BOOLEANS[w.lower()] for w in words]
        return Column(name, "boolean", np.array(values, np.float64), words)
    parsed = [parse_number(c) for c in present]
    if not present or any(p is None for p in parsed):
        return Column(name, "text", None, words)
    numbers = np.full(len(cells), np.nan)
    numbers[np.array([w is not None for w in words])] = parsed
    whole = all(c.lstrip("+-").isdigit() for c in present)
    return Column(name, "whole" if whole else "number", numbers, words)


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of equal length, in order.

    `source` is what messages call it; `target` is the target's name where the source itself says
    it; `targetless` that it says it has none; `notices` are what a person should be told about the
    reading.
    """

    columns: tuple[Column, ...]
    rows: int
    source: str = "the table"
    target: str | None = None
    notices: tuple[str, ...] = ()
    targetless: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The columns' names, in order."""
        return tuple(c.name for c in self.columns)

    def find(self, name: str) -> Column | None:
        """The column of this name, if there is one."""
        return next((c for c in self.columns if c.name == name), None)

    def column(self, name: str, what: str = "column") -> Column:
        """The column of this name; DataError names the nearest one."""
        found = self.find(name)
        if found is not None:
            return found
        near = difflib.get_close_matches(name, self.names, n=1, cutoff=0.5)
        hint = f": did you mean {near[0]!r}? Its" if near else "; its"
        raise DataError(
            f"{self.source} has no {what} {name!r}{hint} columns are {', '.join(self.names)}"
        )

    def default_target(self) -> str:
        """What is predicted where nobody says: target, label, class or y, else the last column.

        DataError where the table says that it has no target.
        """
        if self.targetless:
            raise DataError(
                f"{self.source} holds X, but no y; expected both, or one of the columns of X named "
                f"with --target: {', '.join(self.names)}"
            )
        if self.target is not None:
            return self.target
        lower = {name.lower(): name for name in reversed(self.names)}
        return next((lower[t] for t in _TARGETS if t in lower), self.names[-1])

    def renamed(self, name: str, new: str) -> "Table":
        """The same with one column under another name, and no other of that name."""
        self.column(name)
        kept = [c for c in self.columns if c.name == name or c.name != new]
        columns = tuple(replace(c, name=new) if c.name == name else c for c in kept)
        return replace(self, columns=columns)

    def take(self, rows: np.ndarray) -> "Table":
        """These rows of it."""
        columns = tuple(c.take(rows) for c in self.columns)
        return replace(self, columns=columns, rows=len(rows))
