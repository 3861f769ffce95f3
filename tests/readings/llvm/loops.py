"""Loops run twice: by the engine and by the stand-in that judges it."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clearprop.nodes import Graph, Node
from clearprop.nodes.shapes import bind
from clearprop.nodes.walk import order
from clearprop.readings.llvm import compile_loop
from clearprop.train.step import Step
from tests.train import standin

__all__ = ["Ran", "Setup", "agree", "both", "of_step", "run", "sample", "setup"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Setup:
    """A graph and the part that each of its inputs and outputs plays."""

    graph: Graph
    carried: Mapping[Node, Node] = field(default_factory=dict)
    streamed: Sequence[Node] = ()
    counter: Node | None = None
    logged: Sequence[Node] = ()
    collected: Sequence[Node] = ()

    def roles(self) -> dict[str, Any]:
        """The arguments of compile_loop."""
        names = ("graph", "carried", "streamed", "counter", "logged", "collected")
        return {name: getattr(self, name) for name in names}


@dataclass
class Ran:
    """What a run left: the values, the log, the collected arrays, how many steps were done."""

    values: dict[str, Array]
    log: Array
    collected: list[Array]
    done: int

    def bytes(self) -> bytes:
        """All of it, to compare bits."""
        parts = [self.log[: self.done], *self.collected, *self.values.values()]
        return b"|".join(p.tobytes() for p in parts)


def setup(
    carried: Mapping[Node, Node] | None = None,
    streamed: Sequence[Node] = (),
    counter: Node | None = None,
    logged: Sequence[Node] = (),
    collected: Sequence[Node] = (),
) -> Setup:
    """The loop over all that the outputs need; inputs in the order met."""
    pairs = dict(carried or {})
    outputs = tuple(dict.fromkeys([*logged, *pairs.values(), *collected]))
    met = [n for n in order(outputs) if n.op == "input"]
    wanted = [*pairs, *streamed, *([counter] if counter is not None else [])]
    inputs = tuple(dict.fromkeys([*met, *wanted]))
    return Setup(Graph(inputs, outputs), pairs, streamed, counter, logged, collected)


def of_step(step: Step) -> Setup:
    """The loop over a training step."""
    return Setup(step.graph, step.carried, step.streamed, step.counter, step.logged)


def sample(made: Setup, rows: int, scalars: Mapping[str, float]) -> tuple[Any, list[Array]]:
    """Values of what is held and the whole data arrays, the same each time."""
    names = " ".join(here["name"] for here in made.graph.inputs)
    rng = np.random.default_rng(zlib.crc32(names.encode()))
    values: dict[str, Array] = {}
    data: dict[Node, Array] = {}
    for here in made.graph.inputs:
        name, shape = here["name"], bind(here.shape, rows)
        if name in scalars:
            drawn: Any = scalars[name]
        elif here.dtype in ("int32", "int64", "uint32", "bool"):
            drawn = rng.integers(0, 2, shape)
        elif name == "row_weights" or name.startswith("optimizer.") or "variance" in name:
            drawn = rng.uniform(0.5, 2.0, shape)
        else:
            drawn = rng.normal(size=shape) * 0.5
        array = np.array(drawn, here.dtype)
        if here in made.streamed:
            data[here] = array
        elif here is not made.counter:
            values[name] = array
    return values, [data[node] for node in made.streamed]


def run(
    loop: Any,
    made: Setup,
    values: Mapping[str, Array],
    data: Sequence[Array],
    *,
    rows: int = 0,
    batch: int = 1,
    steps: int = 1,
    slices: Sequence[int] = (),
    indices: Array | None = None,
    first_step: int = 0,
    **options: Any,
) -> Ran:
    """Run a loop on copies of the values; in several calls, of `slices` steps, where given."""
    own = {name: array.copy() for name, array in values.items()}
    log = np.full((steps, len(made.logged)), np.nan)
    wholes = [np.zeros(bind(node.shape, rows), node.dtype) for node in made.collected]
    done = 0
    for count in slices or [steps]:
        part = log[done : done + count]
        did = loop.run(
            own,
            data,
            rows=rows,
            batch=batch,
            indices=indices,
            first_step=first_step + done,
            start=done,
            steps=count,
            log=part,
            collected=wholes,
            **options,
        )
        done += did
        if did < count:
            break
    return Ran(own, log, wholes, done)


def both(
    made: Setup, values: Mapping[str, Array], data: Sequence[Array] = (), **options: Any
) -> tuple[Ran, Ran]:
    """The engine's run and the stand-in's."""
    ours = run(compile_loop(**made.roles()), made, values, data, **options)
    return ours, run(standin.compile_loop(**made.roles()), made, values, data, **options)


def agree(
    made: Setup,
    values: Mapping[str, Array],
    data: Sequence[Array] = (),
    *,
    tolerance: float = 1e-9,
    **options: Any,
) -> Ran:
    """Hold the engine's run to the stand-in's; floats to a relative tolerance. Gives ours."""
    ours, theirs = both(made, values, data, **options)
    assert ours.done == theirs.done
    pairs = [("log", ours.log, theirs.log)]
    pairs += [(name, ours.values[name], theirs.values[name]) for name in values]
    pairs += [("collected", a, b) for a, b in zip(ours.collected, theirs.collected, strict=True)]
    for name, a, b in pairs:
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance, err_msg=name)
    return ours
