"""The face of graphs: build them, differentiate them, compile them, read them.

>>> from clearprop import graph as g
>>> x, w = g.input("x", (4, 3)), g.input("w", (3, 2))
>>> y = g.sum(g.sigmoid(x @ w))
>>> (dw,) = g.gradient(y, [w])
>>> f = g.compile([y, dw], [x, w], reading="reference")
>>> [a.shape for a in f(np.ones((4, 3), np.float32), np.zeros((3, 2), np.float32))]
[(), (3, 2)]
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, overload

import numpy as np
from numpy.typing import NDArray

from clearprop.errors import ArgumentError, TypeMismatch, unknown
from clearprop.nodes import build
from clearprop.nodes.build import *  # noqa: F403 -- every build function is public here
from clearprop.nodes.graph import Graph
from clearprop.nodes.node import Node
from clearprop.nodes.shapes import ROWS
from clearprop.nodes.text import parse
from clearprop.nodes.text import text as _text
from clearprop.nodes.walk import order
from clearprop.readings.arrays import bind_rows
from clearprop.readings.reference import evaluate
from clearprop.readings.source import compile_source
from clearprop.readings.source import source as _written
from clearprop.transform.differentiate import gradients
from clearprop.transform.lower import lower
from clearprop.transform.simplify import simplify

__all__ = ["READINGS", "ROWS", "Graph", "Node", "compile", "gradient", "parse", "source", "text"]
__all__ += build.__all__

Outputs = Node | Sequence[Node]
Array = NDArray[Any]
Names = Mapping[Node, str] | None


@overload
def gradient(y: Node, wrt: Node) -> Node: ...
@overload
def gradient(y: Node, wrt: Sequence[Node]) -> list[Node]: ...
def gradient(y: Node, wrt: Outputs) -> Node | list[Node]:
    """The derivative of the scalar y with respect to each node of `wrt`, as nodes.

    They can be differentiated again. A `wrt` that is one node gives one node. Raises ShapeError
    where y is no scalar.

    >>> from clearprop import graph as g
    >>> x = g.input("x", (), "float64")
    >>> dx = g.gradient(x * x * x, x)
    >>> ddx = g.gradient(dx, x)
    >>> float(g.compile(ddx, [x], reading="reference")(2.0))
    12.0
    """
    made = gradients(_node(y), _listed(wrt))
    return made[0] if isinstance(wrt, Node) else made


def _node(given: object) -> Node:
    if not isinstance(given, Node):
        raise ArgumentError(f"expected a node, given was {given!r}; see clearprop.graph.input")
    return given


def _listed(given: Outputs) -> list[Node]:
    if isinstance(given, Node):
        return [given]
    if not isinstance(given, Iterable):
        raise ArgumentError(f"expected a node or a list of nodes, given was {given!r}")
    return [_node(each) for each in given]


def _graph(outputs: Outputs, names: Names = None) -> Graph:
    """The graph of the outputs; its inputs in the order in which they are met."""
    listed = _listed(outputs)
    found = tuple(n for n in order(listed) if n.op == "input")
    return Graph(found, tuple(listed), dict(names or {}))


def source(outputs: Outputs, names: Names = None, name: str = "step") -> str:
    """The outputs as a readable NumPy function of the inputs; it needs NumPy alone.

    `names` says what nodes are called in the text.

    >>> from clearprop import graph as g
    >>> x = g.input("x", (3,))
    >>> print(g.source(g.exp(-x) + 1).splitlines()[-2].strip())
    t1 = np.exp(-x) + 1.0
    """
    return _written(_graph(outputs, names), name)


def text(outputs: Outputs, names: Names = None) -> str:
    """The outputs' graph, one line a node; `parse` reads it back to the same nodes."""
    return _text(_graph(outputs, names))


def _llvm(graph: Graph) -> Callable[..., Sequence[Array]]:
    from clearprop.readings.llvm import compile_function  # llvmlite is heavy

    return compile_function(lower(simplify(graph)))


def _reference(graph: Graph) -> Callable[..., Sequence[Array]]:
    names = [i["name"] for i in graph.inputs]
    return lambda *arrays: evaluate(graph, dict(zip(names, arrays, strict=True)))


READINGS: Mapping[str, Callable[[Graph], Callable[..., Sequence[Array]]]] = {
    "llvm": _llvm,
    "source": compile_source,
    "reference": _reference,
}


def compile(outputs: Outputs, inputs: Sequence[Node], reading: str = "llvm") -> Callable[..., Any]:
    """A function from arrays, in the order of `inputs`, to the outputs' values.

    `reading` is ``llvm`` (machine code), ``source`` (written NumPy) or ``reference``. The function
    gives a list of arrays, or one array where `outputs` is one node. Lists and numbers are taken as
    arrays of the input's dtype, as are arrays of a dtype of the same kind. Raises ArgumentError for
    an unknown reading or an input that is none, and when called with the wrong number of arrays;
    ShapeError and TypeMismatch for arrays that do not fit.
    """
    if reading not in READINGS:
        raise unknown("reading", reading, READINGS)
    for here in _listed(inputs):
        if here.op != "input":
            raise ArgumentError(f"compile: {here!r} is not an input; list nodes of graph.input()")
    graph = Graph(tuple(_listed(inputs)), tuple(_listed(outputs)))
    named = [here["name"] for here in graph.inputs]
    if not graph.outputs or len(set(named)) != len(named):
        raise ArgumentError(
            f"compile needs at least one output and inputs of different names; given were "
            f"{len(graph.outputs)} outputs and the inputs {', '.join(map(repr, named))}"
        )
    run = READINGS[reading](graph)
    single = isinstance(outputs, Node)

    def call(*arrays: Any) -> Any:
        given = _checked(graph.inputs, arrays)
        results = [np.array(value, order="C") for value in run(*given)]
        return results[0] if single else results

    return call


def _checked(inputs: Sequence[Node], arrays: Sequence[Any]) -> list[Array]:
    """The arrays in their inputs' dtypes, their shapes compared with the inputs'."""
    if len(arrays) != len(inputs):
        names = ", ".join(repr(i["name"]) for i in inputs)
        raise ArgumentError(f"{len(inputs)} arrays are needed ({names}), given were {len(arrays)}")
    given = {i: _as(i, array) for i, array in zip(inputs, arrays, strict=True)}
    bind_rows(given)
    return list(given.values())


def _as(here: Node, given: Any) -> Array:
    array = np.asarray(given)
    if array.dtype == here.dtype:
        return array
    if not np.can_cast(array.dtype, here.dtype, "same_kind"):
        raise TypeMismatch(
            f"input {here['name']!r} takes {here.dtype}, given was {array.dtype}; use astype"
        )
    return array.astype(here.dtype)
