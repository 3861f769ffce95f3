"""Activation: an activation as a layer of its own."""

from dataclasses import dataclass
from typing import ClassVar

from clearprop.errors import ArgumentError
from clearprop.nn.activations import get_activation
from clearprop.nn.layer import Context, Layer, Variable
from clearprop.nodes.node import Node

__all__ = ["Activation"]


@dataclass(frozen=True)
class Activation(Layer):
    """The activation of this name, element by element (softmax: over the last axis)."""

    kind: ClassVar[str] = "activation"

    name: str

    def __post_init__(self) -> None:
        if self.name is None:
            raise ArgumentError('Activation needs a name, such as "relu"')
        get_activation(self.name)

    def declare(self, shape: tuple[int, ...], dtype: str) -> dict[str, Variable]:
        """No variables."""
        return {}

    def call(self, x: Node, context: Context) -> Node:
        return context.name(get_activation(self.name)(x), "a")
