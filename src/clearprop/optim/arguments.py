"""Checks of arguments, as a table: argument name -> range; each gives the value normalised."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from clearprop.errors import ArgumentError

__all__ = [
    "BELOW_ONE",
    "COUNT",
    "FLAG",
    "FRACTION",
    "NOT_NEGATIVE",
    "PAIR_BELOW_ONE",
    "POSITIVE",
    "WHOLE",
    "Check",
    "Checks",
    "normalise",
    "one_of",
    "optional",
]


@dataclass(frozen=True)
class Check:
    """What an argument may be: a text for the error, and a function that normalises or refuses."""

    expected: str
    read: Callable[[Any], Any]

    def __call__(self, owner: str, name: str, value: Any) -> Any:
        """The value, normalised; ArgumentError if it is refused."""
        try:
            return self.read(value)
        except (TypeError, ValueError):
            raise ArgumentError(
                f"{owner}: {name}={value!r} is not allowed; expected {self.expected}"
            ) from None


Checks = Mapping[str, Check]


def _refuse(condition: bool) -> None:
    if condition:
        raise ValueError


def _number(inside: Callable[[float], bool]) -> Callable[[Any], float]:
    def read(value: Any) -> float:
        _refuse(isinstance(value, bool) or not isinstance(value, Real))
        number = float(value)
        _refuse(not math.isfinite(number) or not inside(number))
        return number

    return read


def _whole(least: int) -> Callable[[Any], int]:
    def read(value: Any) -> int:
        _refuse(isinstance(value, bool) or not isinstance(value, Integral) or value < least)
        return int(value)

    return read


def _flag(value: Any) -> bool:
    _refuse(value not in (True, False))
    return bool(value)


def _pair(value: Any) -> tuple[float, float]:
    _refuse(isinstance(value, str) or not isinstance(value, Sequence) or len(value) != 2)
    return BELOW_ONE.read(value[0]), BELOW_ONE.read(value[1])


POSITIVE = Check("a number > 0", _number(lambda x: x > 0))
NOT_NEGATIVE = Check("a number >= 0", _number(lambda x: x >= 0))
BELOW_ONE = Check("a number in [0, 1)", _number(lambda x: 0 <= x < 1))
FRACTION = Check("a number in (0, 1)", _number(lambda x: 0 < x < 1))
PAIR_BELOW_ONE = Check("two numbers in [0, 1)", _pair)
WHOLE = Check("a whole number >= 0", _whole(0))
COUNT = Check("a whole number >= 1", _whole(1))
FLAG = Check("True or False", _flag)


def optional(check: Check) -> Check:
    """The same check, and None."""
    return Check(
        f"None or {check.expected}", lambda value: None if value is None else check.read(value)
    )


def one_of(*known: str) -> Check:
    """One of a few words."""

    def read(value: Any) -> str:
        _refuse(value not in known)
        return str(value)

    return Check(" or ".join(repr(word) for word in known), read)


def normalise(owner: object, table: Checks) -> None:
    """Check the fields of a frozen dataclass and store what the checks give.

    >>> POSITIVE("SGD", "learning_rate", -1)
    Traceback (most recent call last):
    clearprop.errors.ArgumentError: SGD: learning_rate=-1 is not allowed; expected a number > 0
    """
    for name, check in table.items():
        value = check(type(owner).__name__, name, getattr(owner, name))
        object.__setattr__(owner, name, value)
