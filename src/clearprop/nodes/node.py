"""Node: one value of a computation, frozen and interned.

Equal expressions are the same object: the key is the operation, the identity of the arguments and
the attributes, scalars by their bits (NaN equals itself, -0.0 is not 0.0, 1 is not True). The table
is weak, so that a graph nobody holds is freed, and locked, so that threads may build. Shape and
dtype are derived by the operation's rule and never given.
"""

import struct
import threading
import weakref
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from clearprop.errors import GraphError
from clearprop.nodes.ops import OPS
from clearprop.nodes.shapes import Shape, show

__all__ = ["Node", "node"]

Attr = Any


class Node:
    """One operation applied to arguments; made by `node`, never by hand."""

    __slots__ = ("__weakref__", "args", "attrs", "dtype", "op", "shape")

    op: str
    args: "tuple[Node, ...]"
    attrs: tuple[tuple[str, Attr], ...]
    shape: Shape
    dtype: str

    def __init__(self) -> None:
        raise GraphError("nodes are made by clearprop.nodes.node() or by the functions of build")

    def __getitem__(self, key: Any) -> Any:
        """An attribute by its name; else elements, as NumPy's basic indexing."""
        if not isinstance(key, str):
            return self._indexed(key)
        for name, value in self.attrs:
            if name == key:
                return value
        raise KeyError(f"{self.op} has no attribute {key!r}")

    def __setattr__(self, name: str, value: object) -> None:
        raise GraphError(f"a node is frozen: build another one instead of setting {name}")

    def __repr__(self) -> str:
        return f"<{self.op} {show(self.shape)} {self.dtype}>"

    def __bool__(self) -> bool:
        raise GraphError("a node has no truth value while the graph is built; use where()")

    __iter__ = None

    def __array_ufunc__(self, function: Any, *args: object, **options: object) -> None:
        self._not_numpy(function)

    def __array_function__(self, function: Any, *args: object) -> None:
        self._not_numpy(function)

    def _not_numpy(self, function: Any) -> None:
        raise GraphError(
            f"numpy.{getattr(function, '__name__', function)} cannot work on a node, whose numbers "
            "come when the graph runs: use the function of that name in clearprop.graph, and make "
            "an array an input of the graph"
        )

    if TYPE_CHECKING:  # put on by build/operators.py, since operators broadcast

        def __add__(self, other: "Node | float") -> "Node": ...
        def __radd__(self, other: float) -> "Node": ...
        def __sub__(self, other: "Node | float") -> "Node": ...
        def __rsub__(self, other: float) -> "Node": ...
        def __mul__(self, other: "Node | float") -> "Node": ...
        def __rmul__(self, other: float) -> "Node": ...
        def __truediv__(self, other: "Node | float") -> "Node": ...
        def __rtruediv__(self, other: float) -> "Node": ...
        def __pow__(self, other: "Node | float") -> "Node": ...
        def __neg__(self) -> "Node": ...
        def __abs__(self) -> "Node": ...
        def _indexed(self, key: Any) -> "Node": ...
        def __matmul__(self, other: "Node") -> "Node": ...
        def __lt__(self, other: "Node | float") -> "Node": ...
        def __le__(self, other: "Node | float") -> "Node": ...
        def __gt__(self, other: "Node | float") -> "Node": ...
        def __ge__(self, other: "Node | float") -> "Node": ...


_TABLE: weakref.WeakValueDictionary[object, Node] = weakref.WeakValueDictionary()
_LOCK = threading.Lock()


def _bits(value: Attr) -> object:
    """A stand-in for an attribute that is equal exactly where the bits are."""
    if isinstance(value, float):
        return "float", struct.pack("<d", value)
    if isinstance(value, tuple):
        return tuple(_bits(v) for v in value)
    return type(value), value


def node(op: str, args: Iterable[Node] = (), **attrs: Attr) -> Node:
    """The one node of this operation, arguments and attributes.

    >>> from clearprop.nodes.build import input
    >>> x = input("x", (2, 3))
    >>> node("exp", [x]) is node("exp", [x])
    True
    """
    rule = OPS.get(op)
    if rule is None:
        raise GraphError(f"unknown operation {op!r}; nodes/ops.py holds the vocabulary")
    arguments = tuple(args)
    if rule.arity is not None and len(arguments) != rule.arity:
        raise GraphError(f"{op} takes {rule.arity} arguments, {len(arguments)} were given")
    if set(attrs) != set(rule.attrs):
        raise GraphError(f"{op} takes the attributes {rule.attrs}, given were {tuple(attrs)}")
    pairs = tuple((name, attrs[name]) for name in rule.attrs)
    key = (op, tuple(id(a) for a in arguments), tuple(_bits(v) for _, v in pairs))
    with _LOCK:
        found = _TABLE.get(key)
        if found is not None:
            return found
        shape, dtype = rule.rule(arguments, attrs)
        made = object.__new__(Node)
        fields = {"op": op, "args": arguments, "attrs": pairs, "shape": shape, "dtype": dtype}
        for name, value in fields.items():
            object.__setattr__(made, name, value)
        _TABLE[key] = made
        return made
