"""A graph compiled into a function of arrays."""

from collections.abc import Callable, Mapping

import numpy as np

from clearprop.errors import EngineError
from clearprop.nodes.graph import Graph
from clearprop.nodes.node import Node
from clearprop.nodes.shapes import Rows, bind
from clearprop.readings.llvm.program import Loop
from clearprop.readings.llvm.roles import Roles, rows_place
from clearprop.readings.llvm.target import Target, host

__all__ = ["compile_function"]


def compile_function(graph: Graph, target: Target | None = None) -> Callable[..., list[np.ndarray]]:
    """The graph as a function of arrays in the order of its inputs, giving one for each output.

    >>> from clearprop.nodes.build import input, sum
    >>> x = input("x", (2, 3))
    >>> total = compile_function(Graph((x,), (sum(x, 1),)))
    >>> total([[1, 2, 3], [4, 5, 6]])
    [array([ 6., 15.], dtype=float32)]
    """
    inner = Graph(graph.inputs, tuple(dict.fromkeys(graph.outputs)))
    made = tuple(o for o in inner.outputs if o.op != "input")
    loop = Loop(Roles(inner, external=made), target or host())

    def function(*arrays: object) -> list[np.ndarray]:
        if len(arrays) != len(graph.inputs):
            raise EngineError(f"{len(graph.inputs)} arrays expected, {len(arrays)} given")
        values = {
            i["name"]: _laid(i, np.asarray(a, dtype=i.dtype))
            for i, a in zip(graph.inputs, arrays, strict=True)
        }
        rows = _rows(graph, values)
        results = {o: _laid(o, np.empty(bind(o.shape, rows), o.dtype)) for o in made}
        loop.run(values, rows=rows, batch=max(rows, 1), results=results)
        return [
            np.array(values[o["name"]] if o.op == "input" else results[o], order="C")
            for o in graph.outputs
        ]

    return function


def _laid(node: Node, array: np.ndarray) -> np.ndarray:
    """The same array laid out as the engine reads it, its rows outermost."""
    place = rows_place(node)
    if not place or place >= array.ndim:
        return np.array(array, order="C", copy=None)
    return np.moveaxis(np.array(np.moveaxis(array, place, 0), order="C", copy=None), 0, place)


def _rows(graph: Graph, values: Mapping[str, np.ndarray]) -> int:
    """The number of rows that the arrays have; every array is then held to it."""
    for node in graph.inputs:
        for dim, length in zip(node.shape, values[node["name"]].shape, strict=False):
            if isinstance(dim, Rows):
                return int(length) // dim.times
    return 0
