"""The derivative of every operation: one row each, by family; those without one are listed."""

from collections.abc import Mapping

from clearprop.transform.vjp.contract import ROWS_CONTRACT
from clearprop.transform.vjp.elementwise import ROWS_ELEMENTWISE
from clearprop.transform.vjp.movement import ROWS_MOVEMENT
from clearprop.transform.vjp.reduce import ROWS_REDUCE
from clearprop.transform.vjp.selection import ROWS_SELECTION
from clearprop.transform.vjp.table import Row, Rule

__all__ = ["NO_DERIVATIVE", "VJPS", "rule_of"]

VJPS: Mapping[str, Row] = {
    **ROWS_ELEMENTWISE,
    **ROWS_REDUCE,
    **ROWS_CONTRACT,
    **ROWS_MOVEMENT,
    **ROWS_SELECTION,
}

# operation: why no gradient passes
NO_DERIVATIVE: Mapping[str, str] = {
    "sign": "0 wherever there is one",
    "floor": "0 wherever there is one",
    "stop_gradient": "asked for",
    "less": "the result is true or false",
    "less_equal": "the result is true or false",
    "equal": "the result is true or false",
    "logical_not": "the result is true or false",
    "logical_and": "the result is true or false",
    "logical_or": "the result is true or false",
    "argmax": "the result is a place",
    "one_hot": "the argument is a place",
    "iota": "there is no argument",
    "random_bits": "the arguments are whole numbers",
    "input": "there is no argument",
    "constant": "there is no argument",
}


def rule_of(op: str, place: int) -> Rule | None:
    """The rule for the gradient of the argument at a place, or None."""
    row = VJPS.get(op)
    if row is None:
        return None
    return row[place] if isinstance(row, tuple) else row(place)
