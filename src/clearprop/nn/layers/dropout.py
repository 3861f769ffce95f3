"""Dropout: in training, each number is dropped with a probability and the others grow to match."""

from dataclasses import dataclass
from typing import ClassVar

from clearprop.nn.checks import number
from clearprop.nn.layer import Context, Layer, Variable
from clearprop.nodes import build
from clearprop.nodes.node import Node

__all__ = ["Dropout"]


@dataclass(frozen=True)
class Dropout(Layer):
    """x times 0 with probability `rate`, else times 1 / (1 - rate); x itself in prediction.

    So the expected value is x (inverted dropout; Srivastava et al. 2014). The mask depends on the
    model's seed, the step, the layer's path and the place of the number in the whole minibatch.
    The rate is a scalar input: models that differ in it share machine code.
    """

    kind: ClassVar[str] = "dropout"

    rate: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", number("Dropout rate", self.rate, 0, 1))

    def declare(self, shape: tuple[int, ...], dtype: str) -> dict[str, Variable]:
        """No variables."""
        return {}

    def call(self, x: Node, context: Context) -> Node:
        if not context.training or self.rate == 0:
            return x
        rate = context.scalar("rate", self.rate)
        kept = build.greater_equal(context.random_uniform(x.shape), rate)
        mask = context.name(build.where(kept, 1 / (1 - rate), 0), "mask")
        return context.name(x * mask, "a")
