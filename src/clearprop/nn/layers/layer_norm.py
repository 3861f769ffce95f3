"""LayerNorm: the features of each place with mean 0 and variance 1."""

from dataclasses import dataclass
from typing import ClassVar

from clearprop.errors import ShapeError
from clearprop.nn.checks import number
from clearprop.nn.init import INITIALIZERS
from clearprop.nn.layer import Context, Layer, Variable
from clearprop.nodes import build
from clearprop.nodes.node import Node

__all__ = ["LayerNorm"]


@dataclass(frozen=True)
class LayerNorm(Layer):
    """weight (x - mean) / sqrt(variance + epsilon) + bias, over the last axis.

    The variance is the biased one. Source: Ba, Kiros and Hinton 2016, arXiv 1607.06450.
    """

    kind: ClassVar[str] = "layer_norm"

    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        epsilon = number("LayerNorm epsilon", self.epsilon, 1e-30, 1.0)
        object.__setattr__(self, "epsilon", epsilon)

    def declare(self, shape: tuple[int, ...], dtype: str) -> dict[str, Variable]:
        """weight and bias, both (features,)."""
        if not shape:
            raise ShapeError("LayerNorm needs rows of at least one number, a row here has no axis")
        features = shape[-1:]
        return {
            "weight": Variable(features, INITIALIZERS["ones"]),
            "bias": Variable(features, INITIALIZERS["zeros"]),
        }

    def call(self, x: Node, context: Context) -> Node:
        centred = x - build.mean(x, axis=-1, keepdims=True)
        variance = build.mean(build.square(centred), axis=-1, keepdims=True)
        scaled = context.name(centred / build.sqrt(variance + self.epsilon), "normalized")
        y = scaled * context.variable("weight") + context.variable("bias")
        return context.name(y, "a")
