"""The rows to train on and the rows held out."""

from dataclasses import dataclass

from clearprop.errors import ArgumentError
from clearprop.faces.cli.screen import Screen
from clearprop.train.prepare import (
    Classes,
    Preparation,
    Problem,
    Table,
    fit,
    fit_target,
    read_table,
    split_rows,
)

__all__ = ["Parts", "hold_out"]

_FEW_ROWS = 10


@dataclass(frozen=True)
class Parts:
    """The rows to train on, and those held out (None: there are none)."""

    train: Table
    validation: Table | None
    preparation: Preparation


def hold_out(whole: Problem, validation: str, seed: int, screen: Screen) -> Parts:
    """The parts that ``--validation`` asks for: a file, a fraction, or nothing held out."""
    fraction = _fraction(validation)
    if fraction is None:
        return Parts(whole.table, read_table(validation), fit(whole))
    if fraction == 0 or whole.rows < _FEW_ROWS:
        if fraction:
            screen.say(f"{whole.rows} rows are too few to hold any out")
        return Parts(whole.table, None, fit(whole))
    target = fit_target(whole.target, whole.task)
    classes = target.encode(whole.target) if isinstance(target, Classes) else None
    train, held_out = split_rows(whole.rows, fraction, seed, classes)
    if len(held_out) == 0 or len(train) < 2:
        raise ArgumentError(
            f"--validation {validation} of {whole.rows} rows leaves {len(train)} to train "
            f"on and {len(held_out)} to hold out; expected a fraction that leaves both"
        )
    rows = whole.table
    return Parts(rows.take(train), rows.take(held_out), fit(whole, train))


def _fraction(validation: str) -> float | None:
    """The fraction that ``--validation`` gives, or None where it names a file."""
    try:
        fraction = float(validation)
    except ValueError:
        return None
    if not 0 <= fraction < 1:
        raise ArgumentError(
            f"--validation is {validation}; expected a fraction from 0 to below 1, or a file"
        )
    return fraction
