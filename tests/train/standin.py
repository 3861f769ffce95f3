"""A stand-in of the engine: the same interface, over the reference. An independent judge of it.

Plain loops, written to be right: what a step reads, where its results go, when it stops.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clearprop.nodes.graph import Graph
from clearprop.nodes.node import Node
from clearprop.readings.reference import evaluate

Array = NDArray[Any]


class StandIn:
    """What `compile_loop` gives."""

    def __init__(
        self,
        graph: Graph,
        *,
        carried: Mapping[Node, Node],
        streamed: Sequence[Node],
        counter: Node | None,
        logged: Sequence[Node],
        collected: Sequence[Node],
    ) -> None:
        self.graph, self.carried, self.streamed = graph, dict(carried), list(streamed)
        self.counter, self.logged, self.collected = counter, list(logged), list(collected)
        self.calls = 0
        assert set(self.carried) <= set(graph.inputs)
        assert set(self.streamed) <= set(graph.inputs)
        assert counter is None or counter in graph.inputs
        assert {*self.carried.values(), *logged, *collected} <= set(graph.outputs)

    def run(
        self,
        values: Mapping[str, Array],
        data: Sequence[Array],
        *,
        rows: int,
        batch: int,
        indices: Array | None = None,
        first_step: int = 0,
        start: int = 0,
        steps: int,
        log: Array | None = None,
        collected: Sequence[Array] = (),
        stop_on_nonfinite: bool = False,
        threads: int | None = None,
    ) -> int:
        self.calls += 1
        self._check(values, data)
        _check_places(len(self.logged), rows, indices, log, steps)
        for k in range(steps):
            places = np.arange((start + k) * batch, min((start + k + 1) * batch, rows))
            chosen = places if indices is None else indices[places]
            given = dict(values)
            for node, array in zip(self.streamed, data, strict=True):
                given[node["name"]] = array[chosen]
            if self.counter is not None:
                given[self.counter["name"]] = np.array(first_step + k, np.uint32)
            found = dict(zip(self.graph.outputs, evaluate(self.graph, given), strict=True))
            for old, new in self.carried.items():
                values[old["name"]][...] = found[new]
            numbers = [float(found[node]) for node in self.logged]
            if log is not None:
                log[k, :] = numbers
            for node, whole in zip(self.collected, collected, strict=True):
                whole[places] = found[node]
            if stop_on_nonfinite and not np.isfinite(numbers).all():
                return k + 1
        return steps

    def _check(self, values: Mapping[str, Array], data: Sequence[Array]) -> None:
        """The caller's side of the bargain."""
        for here in self.graph.inputs:
            if here not in self.streamed and here is not self.counter:
                array = values[here["name"]]
                assert array.shape == here.shape
                assert array.dtype == here.dtype
                assert array.flags.c_contiguous
        for node, array in zip(self.streamed, data, strict=True):
            assert array.dtype == node.dtype
            assert array.flags.c_contiguous
            assert array.shape[1:] == node.shape[1:]


def _check_places(
    logged: int, rows: int, indices: Array | None, log: Array | None, steps: int
) -> None:
    if indices is not None:
        assert indices.dtype == np.int64
        assert len(indices) == rows
    if log is not None:
        assert log.shape == (steps, logged)
        assert log.dtype == np.float64


def compile_loop(
    graph: Graph,
    *,
    carried: Mapping[Node, Node],
    streamed: Sequence[Node],
    counter: Node | None,
    logged: Sequence[Node],
    collected: Sequence[Node] = (),
) -> StandIn:
    """As clearprop.readings.llvm.compile_loop."""
    return StandIn(
        graph,
        carried=carried,
        streamed=streamed,
        counter=counter,
        logged=logged,
        collected=collected,
    )


def compile_function(graph: Graph) -> Callable[..., list[Array]]:
    """As clearprop.readings.llvm.compile_function."""

    def function(*arrays: Array) -> list[Array]:
        names = [here["name"] for here in graph.inputs]
        return evaluate(graph, dict(zip(names, arrays, strict=True)))

    return function
