"""What a loss is: a number for each place of the output, and its weighted sum.

A place is a row, or a row and a time. The gradient is of the numerator of `Loss.total`; both parts
are added over blocks and minibatches and divided once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from clearprop.errors import ArgumentError, ShapeError
from clearprop.nodes import build
from clearprop.nodes.node import Node
from clearprop.nodes.ops import INTEGERS
from clearprop.nodes.scalars import Scalars
from clearprop.nodes.shapes import ROWS, show, size

__all__ = ["Function", "Loss", "as_numbers", "mean_of_outputs", "sum_of_outputs", "weighted_sum"]

Function = Callable[..., Node]
"""(prediction, target) and, by name, the loss' varied arguments, to the loss of each place."""


def sum_of_outputs(x: Node) -> Node:
    """The sum over the last axis; x itself where a row is one number."""
    return build.sum(x, axis=-1) if len(x.shape) > 1 else x


def mean_of_outputs(x: Node) -> Node:
    """The mean over the last axis; x itself where a row is one number."""
    return build.mean(x, axis=-1) if len(x.shape) > 1 else x


def as_numbers(prediction: Node, target: Node, labels: bool) -> Node:
    """The target in the prediction's shape and dtype; integer labels become one-hot."""
    if labels and target.dtype in INTEGERS and target.shape != prediction.shape:
        places = prediction.shape[:-1]
        if target.shape == (*places, 1):
            target = build.reshape(target, places)
        if target.shape == places:
            depth = prediction.shape[-1]
            assert isinstance(depth, int)  # rows come first, and a row has outputs
            return build.one_hot(target, depth, prediction.dtype)
    if target.shape == (*prediction.shape, 1) or prediction.shape == (*target.shape, 1):
        target = build.reshape(target, prediction.shape)
    if target.shape != prediction.shape:
        raise ShapeError(
            f"the target is {show(target.shape)}, the prediction {show(prediction.shape)}: "
            "the last layer must have as many units as the target has columns"
        )
    return build.cast(target, prediction.dtype)


def weighted_sum(places: Node, weights: Node) -> tuple[Node, Node]:
    """(sum of weight times value, sum of weights); a row's weight holds for all its places.

    A place of weight 0 is left out of both, even where its value is infinite or NaN. (What lies
    before it in the graph is not shielded: the derivative of NaN is NaN.)
    """
    rank = len(weights.shape)
    if places.shape[:rank] != weights.shape:
        raise ShapeError(
            f"the weights are {show(weights.shape)}, the loss is {show(places.shape)}: it must "
            "begin with the axes of the weights"
        )
    inner = size(places.shape[rank:])
    assert isinstance(inner, int)  # rows are among the weights' axes
    spread = build.reshape(weights, weights.shape + (1,) * (len(places.shape) - rank))
    weighted = build.where(build.equal(spread, 0), 0, places) * spread  # slope: the weight alone
    total = build.sum(weights)
    return build.sum(weighted), total if inner == 1 else total * inner


@dataclass(frozen=True)
class Loss:
    """A loss: `function` gives it for each place; `total` sums it up.

    `link` turns logits into probabilities, where the loss takes logits. `labels` says whether
    integer class labels are accepted. Not `averaged` is a plain sum: its denominator is 1. Of the
    `arguments` those in `varied` are given to the function when it is called: as inputs of the
    graph, so that another value needs no other program.
    """

    name: str
    function: Function
    link: Callable[[Node], Node] | None = None
    labels: bool = False
    averaged: bool = True
    custom: bool = False
    arguments: tuple[tuple[str, float], ...] = ()
    varied: tuple[str, ...] = ()

    @property
    def takes_logits(self) -> bool:
        """Whether the last layer gives logits, which softmax or sigmoid turns to probabilities."""
        return self.link is not None

    def places(self, prediction: Node, target: Node, scalars: Scalars | None = None) -> Node:
        """The loss of each place: shape (rows,) or (rows, time).

        Varied arguments are inputs ``loss.NAME`` of `scalars`; without it they are constants.
        """
        if not self.custom:
            numbers = as_numbers(prediction, target, self.labels)
            return self.function(prediction, numbers, **self._varied(scalars))
        out = self.function(prediction, target)
        if not isinstance(out, Node) or out.shape[:1] != (ROWS,):
            given = show(out.shape) if isinstance(out, Node) else repr(out)
            raise ShapeError(
                f"loss {self.name} must give a node of shape (rows, ...), one number for each "
                f"row; it gave {given}"
            )
        return out

    def _varied(self, scalars: Scalars | None) -> dict[str, Node | float]:
        given = {name: value for name, value in self.arguments if name in self.varied}
        if scalars is None:
            return dict(given)
        return {name: scalars(f"loss.{name}", value) for name, value in given.items()}

    def total(
        self, prediction: Node, target: Node, weights: Node, scalars: Scalars | None = None
    ) -> tuple[Node, Node]:
        """(sum of weight times loss, sum of weights), two scalars; the loss is their quotient."""
        places = self.places(prediction, target, scalars)
        numerator, denominator = weighted_sum(places, weights)
        return numerator, denominator if self.averaged else build.constant(1, weights.dtype)

    def probabilities(self, prediction: Node) -> Node | None:
        """What the prediction says as probabilities, None where the loss does not take logits."""
        return None if self.link is None else self.link(prediction)

    def config(self) -> str | dict[str, Any]:
        """The loss as JSON holds it; ArgumentError for a function, which no file can name."""
        if self.custom:
            raise ArgumentError(
                f"the loss {self.name} is a function and cannot be written to a file; "
                "use a named loss"
            )
        return {"type": self.name, **dict(self.arguments)} if self.arguments else self.name
