"""Checks of a layer's arguments; each gives the value back as a plain Python number."""

from collections.abc import Sequence
from numbers import Integral, Real

from clearprop.errors import ArgumentError

__all__ = ["flag", "number", "sizes", "whole"]


def whole(what: str, value: object, low: int = 1) -> int:
    """A whole number of at least `low`."""
    if isinstance(value, bool) or not isinstance(value, Integral) or int(value) < low:
        raise ArgumentError(f"{what} must be a whole number of at least {low}, is {value!r}")
    return int(value)


def number(what: str, value: object, low: float, high: float, *, closed: bool = False) -> float:
    """A number with low <= value < high, or <= high where the range is closed."""
    if not isinstance(value, bool) and isinstance(value, Real):
        found = float(value)
        if low <= found < high or (closed and found == high):
            return found
    end = "at most" if closed else "below"
    raise ArgumentError(f"{what} must be at least {low:g} and {end} {high:g}, is {value!r}")


def flag(what: str, value: object) -> bool:
    """True or False."""
    if not isinstance(value, bool):
        raise ArgumentError(f"{what} must be true or false, is {value!r}")
    return value


def sizes(what: str, value: object, low: int = 1) -> tuple[int, ...]:
    """A tuple of whole numbers of at least `low`; one number stands for a tuple of one."""
    if isinstance(value, Integral):
        return (whole(what, value, low),)
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise ArgumentError(f"{what} must be a list of whole numbers, is {value!r}")
    return tuple(whole(f"{what}[{i}]", v, low) for i, v in enumerate(value))
