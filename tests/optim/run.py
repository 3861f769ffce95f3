"""Updates run through the reference: one graph a step, as training builds it."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from clearprop.nodes.build import input
from clearprop.nodes.graph import Graph
from clearprop.nodes.node import Node
from clearprop.nodes.scalars import Scalars
from clearprop.optim import Optimizer, StepContext, clip_gradients
from clearprop.readings.reference import evaluate

Array = NDArray[np.float64]
Gradient = Callable[[list[Array], int], list[Array]]


def step_graph(
    optimizer: Optimizer, shapes: Sequence[tuple[int, ...]], dtype: str, decay: Sequence[bool]
) -> tuple[Graph, dict[str, float], dict[str, tuple[tuple[int, ...], float]]]:
    """One update's graph, its scalars' values, and each carried input's shape and first value."""
    scalars = Scalars(dtype)
    t, scale = input("t", (), dtype), input("scale", (), dtype)
    gradients = [input(f"gradient.{i}", shape, dtype) for i, shape in enumerate(shapes)]
    clipped = clip_gradients(gradients, optimizer.clip_norm, optimizer.clip_value, scalars)
    carried: dict[str, tuple[tuple[int, ...], float]] = {}
    inputs: list[Node] = []
    outputs: list[Node] = []
    for i, shape in enumerate(shapes):
        remembered = optimizer.slots(shape)
        parameter = input(f"parameter.{i}", shape, dtype)
        slots = {k: input(f"{k}.{i}", slot.shape, dtype) for k, slot in remembered.items()}
        step = StepContext(t, scale, scalars, decay[i])
        new, new_slots = optimizer.update(parameter, clipped[i], slots, step)
        assert set(new_slots) == set(slots)
        assert all(new_slots[k].shape == slots[k].shape for k in slots)
        inputs += [parameter, *slots.values()]
        outputs += [new, *(new_slots[k] for k in slots)]
        carried[f"parameter.{i}"] = (shape, 0.0)
        carried.update({f"{k}.{i}": (s.shape, s.initial) for k, s in remembered.items()})
    everything = (t, scale, *gradients, *scalars.nodes.values(), *inputs)
    return Graph(everything, tuple(outputs)), scalars.values, carried


def run(
    optimizer: Optimizer,
    start: Sequence[Array],
    gradient: Gradient,
    updates: int,
    *,
    dtype: str = "float64",
    decay: Sequence[bool] | None = None,
    scale: float = 1.0,
) -> list[list[Array]]:
    """The parameters after each update."""
    shapes = [p.shape for p in start]
    graph, numbers, carried = step_graph(optimizer, shapes, dtype, decay or [True] * len(start))
    values: dict[str, Array] = {k: np.array(v, dtype) for k, v in numbers.items()}
    values["scale"] = np.array(scale, dtype)
    values.update({k: np.full(shape, first, dtype) for k, (shape, first) in carried.items()})
    for i, p in enumerate(start):
        values[f"parameter.{i}"] = p.astype(dtype)
    out: list[list[Array]] = []
    for t in range(1, updates + 1):
        here = [values[f"parameter.{i}"] for i in range(len(start))]
        values["t"] = np.array(t, dtype)
        for i, g in enumerate(gradient(here, t)):
            values[f"gradient.{i}"] = g.astype(dtype)
        values.update(zip(carried, evaluate(graph, values), strict=True))
        out.append([values[f"parameter.{i}"] for i in range(len(start))])
    return out


def scalar(node: Node, scalars: Scalars, values: Mapping[str, float]) -> float:
    """The value of a scalar node."""
    given = {**scalars.values, **values}
    inputs = [*scalars.nodes.values(), *(input(k, (), scalars.dtype) for k in values)]
    arrays = {k: np.array(v, scalars.dtype) for k, v in given.items()}
    return float(evaluate(Graph(tuple(inputs), (node,)), arrays)[0])
