"""What training is for: loss and metrics as sums over rows, and the gradient of the mean loss.

Loss and metrics are pairs of a numerator, the sum of weight times loss, and a denominator, the sum
of weights. The gradient is of the numerator, and divided once by the denominator.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clearprop.errors import ShapeError
from clearprop.nn.losses import Loss
from clearprop.nn.metrics import Metric
from clearprop.nodes.build import equal, input, where
from clearprop.nodes.graph import tag
from clearprop.nodes.node import Node
from clearprop.nodes.shapes import ROWS
from clearprop.train.network import Forward
from clearprop.transform.differentiate import gradients

__all__ = ["Objective", "mean_gradients", "summed", "totals"]

Pair = tuple[Node, Node]


@dataclass(frozen=True)
class Objective:
    """What is to become small, and what is measured beside it, on targets of a shape and dtype."""

    loss: Loss
    metrics: tuple[Metric, ...]
    target_shape: tuple[int, ...]
    target_dtype: str

    def target(self) -> Node:
        """The input of the targets, shape (rows, ...)."""
        return input("y", (ROWS, *self.target_shape), self.target_dtype)


def totals(walk: Forward, objective: Objective, y: Node) -> list[Pair]:
    """Numerator and denominator of the loss, then of each metric."""
    loss, prediction = objective.loss, walk.output
    walk.names[y], walk.origins[y] = "y", "input"
    try:
        pairs = [loss.total(prediction, y, walk.weights, walk.scalars)]
    except ShapeError as error:
        raise ShapeError(f"loss {loss.name}: {error}") from error
    tag(walk.origins, pairs[0], f"loss {loss.name}")
    (top, bottom) = pairs[0]
    walk.names.setdefault(top, "loss" if bottom.op == "constant" else "loss.sum")
    walk.names.setdefault(bottom, "loss.count")
    for metric in objective.metrics:
        pairs.append(metric.total(prediction, y, walk.weights, loss))
        tag(walk.origins, pairs[-1], f"metric {metric.name}")
    return pairs


def summed(pairs: Sequence[Pair]) -> tuple[bool, ...]:
    """Whether each pair is a plain sum: its denominator is a constant."""
    return tuple(bottom.op == "constant" for _, bottom in pairs)


def mean_gradients(walk: Forward, total: Pair, wrt: Mapping[str, Node]) -> list[Node]:
    """The gradient of numerator / denominator by each node of `wrt`, named after it.

    A denominator of 0 (no row counts) gives zeros.
    """
    top, bottom = total
    # pre-activations too: they cost nothing, being on the way, and get their names
    inner = {name: here for here, name in walk.names.items() if name.endswith(".z")}
    found = gradients(top, [*wrt.values(), *inner.values()], walk.origins, walk.names)
    raw, deltas = found[: len(wrt)], found[len(wrt) :]
    for name, delta in zip(inner, deltas, strict=True):
        walk.names.setdefault(delta, f"gradient.{name}")
    means = raw
    if bottom.op != "constant":
        share = 1 / where(equal(bottom, 0), 1, bottom)
        tag(walk.origins, [share], "mean of the gradient")
        means = [g * share for g in raw]
    _name_gradients(walk, dict(zip(wrt, means, strict=True)))
    return means


def _name_gradients(walk: Forward, found: Mapping[str, Node]) -> None:
    for name, gradient in found.items():
        walk.names.setdefault(gradient, f"gradient.{name}")
        tag(walk.origins, [gradient], f"gradient of {name}")
