"""What a layer is: `declare` says which variables it has, `call` builds its nodes.

A layer holds arguments only, never numbers that training changes. A new layer is one small file in
`layers/` that builds nodes; its backward pass follows by differentiation.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

import numpy as np

from clearprop.nodes import build
from clearprop.nodes.node import Node
from clearprop.nodes.scalars import Scalars
from clearprop.nodes.shapes import Shape

__all__ = ["Context", "Initial", "Layer", "Variable"]

Initial = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]


@dataclass(frozen=True)
class Variable:
    """An array that a layer owns: a parameter, or state that training updates by a rule.

    `trainable` variables are given to the optimizer, `decay` ones to weight decay; a `state`
    variable (running statistics) is named and saved, and never given to the optimizer.
    """

    shape: tuple[int, ...]
    initial: Initial
    trainable: bool = True
    decay: bool = True
    state: bool = False


@dataclass
class _Shared:
    """What all contexts of one pass share."""

    training: bool
    variables: Mapping[str, Node]
    weights: Node
    seed: Node
    step: Node
    scalars: Scalars
    names: dict[Node, str] = field(default_factory=dict)
    updates: dict[str, Node] = field(default_factory=dict)


@dataclass(frozen=True)
class Context:
    """What a layer may ask for while it builds its nodes; paths are ``4.attention``."""

    path: str
    shared: _Shared

    @classmethod
    def root(
        cls,
        *,
        training: bool,
        variables: Mapping[str, Node],
        weights: Node,
        seed: Node,
        step: Node,
        scalars: Scalars,
    ) -> "Context":
        """The context of the whole network; `weights` are the row weights, shape (rows,)."""
        return cls("", _Shared(training, variables, weights, seed, step, scalars))

    @property
    def training(self) -> bool:
        """Whether this is the training step (dropout drops, batch norm uses the batch)."""
        return self.shared.training

    @property
    def weights(self) -> Node:
        """The row weights, shape (rows,)."""
        return self.shared.weights

    def _full(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def enter(self, name: str) -> "Context":
        """The context of a part of this layer."""
        return Context(self._full(name), self.shared)

    def variable(self, name: str) -> Node:
        """The node of a declared variable."""
        return self.shared.variables[self._full(name)]

    def update(self, name: str, value: Node) -> None:
        """The new value of a state variable after this step."""
        self.shared.updates[self._full(name)] = value

    def scalar(self, name: str, value: float) -> Node:
        """A number that people vary, as a scalar input."""
        return self.shared.scalars(self._full(name), value)

    def name(self, node: Node, name: str) -> Node:
        """Say what a node is called in this graph; the node itself comes back."""
        self.shared.names.setdefault(node, self._full(name))
        return node

    def random_uniform(self, shape: Shape, stream: str = "random") -> Node:
        """Uniform numbers in [0, 1) of this step; the stream is this layer's path."""
        s = self.shared
        dtype = s.scalars.dtype
        return build.random_uniform(s.seed, s.step, shape, self._full(stream), dtype)


class Layer(ABC):
    """A layer's arguments; concrete layers are frozen dataclasses, never overridden."""

    kind: ClassVar[str]
    """The name in files: the class name in snake case."""
    takes: ClassVar[str] = "float"
    """``float``, or ``integer`` where the layer takes ids (an embedding)."""

    @abstractmethod
    def declare(self, shape: tuple[int, ...], dtype: str) -> dict[str, Variable]:
        """The variables for inputs whose rows have this shape; ShapeError if they do not fit."""

    @abstractmethod
    def call(self, x: Node, context: Context) -> Node:
        """The layer's nodes; x has shape (rows, ...), so has the result."""

    def config(self) -> dict[str, Any]:
        """The arguments that differ from their defaults, as JSON would hold them.

        Arrays are left out (a model file holds them as tensors); an array of no axes is a number.
        """
        out: dict[str, Any] = {}
        for f in fields(self):  # type: ignore[arg-type]  # every concrete layer is a dataclass
            value = getattr(self, f.name)
            if isinstance(value, np.ndarray):
                if value.ndim == 0:
                    out[f.name] = float(value)
            elif value is not f.default and value != f.default:
                out[f.name] = list(value) if isinstance(value, tuple) else value
        return out
