"""The errors that clearprop raises; each says what was given, what was expected and what to do.

::

    ClearpropError
    ├── GraphError            a graph that cannot be built or read
    │   ├── ShapeError        shapes that do not fit (also a ValueError)
    │   └── TypeMismatch      dtypes that do not fit (also a TypeError)
    ├── ArgumentError         an argument of a public call (also a ValueError)
    ├── DataError             data that cannot be trained on or predicted from (also a ValueError)
    ├── FileError             a file that cannot be read, or is not what it should be
    ├── NotFiniteError        training met NaN or infinity
    └── EngineError           the compiled engine cannot do what was asked
"""

import difflib
from collections.abc import Iterable

__all__ = [
    "ArgumentError",
    "ClearpropError",
    "DataError",
    "EngineError",
    "FileError",
    "GraphError",
    "NotFiniteError",
    "ShapeError",
    "TypeMismatch",
    "unknown",
]


class ClearpropError(Exception):
    """The root of every error that clearprop raises on purpose."""


class GraphError(ClearpropError):
    """A graph that cannot be built, checked or read."""


class ShapeError(GraphError, ValueError):
    """Shapes that do not fit; the message gives both."""


class TypeMismatch(GraphError, TypeError):  # noqa: N818 (shorter than TypeMismatchError)
    """Dtypes that do not fit; the message gives both."""


class ArgumentError(ClearpropError, ValueError):
    """An argument with a value that is not allowed."""


class DataError(ClearpropError, ValueError):
    """Data that cannot be trained on or predicted from."""


class FileError(ClearpropError):
    """A file that cannot be read, or is not what it should be."""


class NotFiniteError(ClearpropError, ArithmeticError):
    """Training met NaN or infinity; the message names the step and the first layer."""


class EngineError(ClearpropError):
    """The compiled engine cannot do what was asked."""


def unknown(kind: str, given: object, known: Iterable[str]) -> ArgumentError:
    """The error for a name that is not in a table, with the nearest known name.

    >>> print(unknown("loss", "cross_entrpy", ["cross_entropy", "huber"]))
    unknown loss 'cross_entrpy': did you mean 'cross_entropy'? Known: cross_entropy, huber
    """
    names = sorted(known)
    near = difflib.get_close_matches(str(given), names, n=1, cutoff=0.5)
    hint = f": did you mean {near[0]!r}?" if near else "."
    return ArgumentError(f"unknown {kind} {given!r}{hint} Known: {', '.join(names)}")
