"""Compiled programs: a step lowered, handed to the engine, and called with arrays.

The engine is imported here, when the first program is made, and nowhere else in `train`.
"""

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from clearprop.nodes.graph import Graph
from clearprop.nodes.shapes import bind
from clearprop.train.step import Step
from clearprop.transform.lower import lower
from clearprop.transform.simplify import simplify

__all__ = ["BLOCK", "Loop", "Program", "compile_gradients", "compile_step", "totals"]

Array = NDArray[Any]

BLOCK = 256
"""Rows a block where nothing is trained; large enough for the products, small for the cache."""


class Loop(Protocol):
    """What the engine gives for a step (readings/llvm)."""

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
    ) -> int: ...


def _engine() -> Any:
    return importlib.import_module("clearprop.readings.llvm")


@dataclass(frozen=True)
class Program:
    """A step and the loop that the engine made of it."""

    step: Step
    loop: Loop

    def values(self, views: Mapping[str, Array], seed: int) -> dict[str, Array]:
        """The arrays of all inputs that are held: views of the model's, scalars, the seed."""
        dtypes = {here["name"]: here.dtype for here in self.step.graph.inputs}
        out: dict[str, Array] = {}
        for name in self.step.held():
            if name in views:
                out[name] = views[name]
            else:
                number = np.uint32(seed) if name == "seed" else self.step.scalars[name]
                out[name] = np.array(number, dtypes[name])
        return out

    def sums(self, values: Mapping[str, Array], data: Sequence[Array]) -> Array:
        """The logged sums of all blocks, shape (blocks, logged), float64."""
        rows = len(data[0])
        blocks = -(-rows // BLOCK)
        log = np.empty((blocks, len(self.step.logged)))
        self.loop.run(values, data, rows=rows, batch=BLOCK, steps=blocks, log=log)
        return log

    def collect(self, values: Mapping[str, Array], x: Array, threads: int | None = None) -> Array:
        """The collected output of all rows."""
        here = self.step.collected[0]
        rows = len(x)
        out = np.empty(bind(here.shape, rows), here.dtype)
        blocks = -(-rows // BLOCK)
        self.loop.run(
            values, [x], rows=rows, batch=BLOCK, steps=blocks, collected=[out], threads=threads
        )
        return out


def compile_step(step: Step) -> Program:
    """The step's program; its graph is lowered here, the step keeps the untouched one."""
    low = step.lowered()
    loop = _engine().compile_loop(
        low.graph,
        carried=low.carried,
        streamed=low.streamed,
        counter=low.counter,
        logged=low.logged,
        collected=low.collected,
    )
    return Program(step, loop)


def compile_gradients(graph: Graph) -> Callable[..., Sequence[Array]]:
    """A function of the graph's inputs, in their order."""
    made: Callable[..., Sequence[Array]] = _engine().compile_function(lower(simplify(graph)))
    return made


def totals(log: Array, step: Step, names: Sequence[str]) -> dict[str, float]:
    """Quotients of logged sums over blocks; a plain sum is the sum of its numerators."""
    sums = log.sum(axis=0)
    out: dict[str, float] = {}
    for place, (name, summed) in enumerate(zip(names, step.summed, strict=True)):
        top, bottom = float(sums[2 * place]), float(sums[2 * place + 1])
        out[name] = top if summed else top / bottom
    return out
