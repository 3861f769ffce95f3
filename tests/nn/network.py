"""A stack of layers as nodes with drawn values, for tests of layers without the trainer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clearprop.nn.init import initial_value
from clearprop.nn.layer import Context, Layer, Variable
from clearprop.nodes import ROWS, Graph, Node
from clearprop.nodes.build import input
from clearprop.nodes.scalars import Scalars
from clearprop.nodes.shapes import Shape
from clearprop.nodes.walk import order
from clearprop.readings.reference import evaluate

Array = np.ndarray[Any, np.dtype[Any]]


def whole(shape: Shape) -> tuple[int, ...]:
    """The shape of a row."""
    return tuple(d for d in shape[1:] if isinstance(d, int))


@dataclass
class Network:
    """Nodes of a stack of layers, and values for every input but ``x``."""

    x: Node
    weights: Node
    output: Node
    variables: dict[str, Node]
    declared: dict[str, Variable]
    context: Context
    values: dict[str, Array]

    @property
    def parameters(self) -> dict[str, Node]:
        return {n: v for n, v in self.variables.items() if self.declared[n].trainable}

    @property
    def updates(self) -> dict[str, Node]:
        return self.context.shared.updates

    @property
    def names(self) -> dict[str, Node]:
        return {name: node for node, name in self.context.shared.names.items()}

    def run(self, outputs: Sequence[Node], x: Array, **values: Array) -> list[Array]:
        """The outputs by the reference; values of the package's own inputs go in by name."""
        inputs = [n for n in order(outputs) if n.op == "input"]
        everything = {"x": x, "weights": np.ones(len(x), x.dtype), **self.values, **values}
        given = {n["name"]: everything[n["name"]] for n in inputs}
        return evaluate(Graph(tuple(inputs), tuple(outputs)), given)


def network(
    layers: Sequence[Layer],
    shape: tuple[int, ...],
    *,
    training: bool = True,
    dtype: str = "float64",
    seed: int = 0,
    step: int = 0,
) -> Network:
    """The layers one after another on rows of this shape, with paths 0, 1, ..."""
    scalars = Scalars(dtype)
    x, weights = input("x", (ROWS, *shape), dtype), input("weights", (ROWS,), dtype)
    variables: dict[str, Node] = {}
    declared: dict[str, Variable] = {}
    root = Context.root(
        training=training,
        variables=variables,
        weights=weights,
        seed=input("seed", (), "uint32"),
        step=input("step", (), "uint32"),
        scalars=scalars,
    )
    here = x
    for place, layer in enumerate(layers):
        for name, variable in layer.declare(whole(here.shape), dtype).items():
            path = f"{place}.{name}"
            declared[path] = variable
            variables[path] = input(path, variable.shape, dtype)
        here = layer.call(here, root.enter(str(place)))
    values = {path: initial_value(v, seed, path, dtype) for path, v in declared.items()}
    values |= {"seed": np.array(seed, np.uint32), "step": np.array(step, np.uint32)}
    values |= {name: np.array(value, dtype) for name, value in scalars.values.items()}
    return Network(x, weights, here, variables, declared, root, values)
