"""What an optimizer is: a pair of pure functions, `slots` (what it remembers) and `update` (nodes).

An update is more nodes of the step's graph: the new value of a parameter from its old value, its
gradient and the remembered slots. Numbers that people vary are scalar inputs.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

from clearprop.nodes.node import Node
from clearprop.nodes.scalars import Scalars

__all__ = ["Optimizer", "Slot", "StepContext"]


@dataclass(frozen=True)
class Slot:
    """An array that an optimizer keeps for one parameter, and its first value."""

    shape: tuple[int, ...]
    initial: float = 0.0


@dataclass(frozen=True)
class StepContext:
    """What an update may ask for: the step number and the numbers that people vary.

    `t` counts updates from 1, a float scalar of the parameters' dtype. `scale` is the factor on the
    learning rate that the host may set (plateau, finder). `decay` says whether this parameter is of
    the decayed group.
    """

    t: Node
    scale: Node
    scalars: Scalars
    decay: bool = True

    def scalar(self, name: str, value: float) -> Node:
        """A hyper-parameter as a scalar input named ``optimizer.NAME``."""
        return self.scalars(f"optimizer.{name}", value)


class Optimizer(ABC):
    """An optimizer's arguments; concrete ones are frozen dataclasses, never overridden."""

    @abstractmethod
    def slots(self, shape: tuple[int, ...]) -> dict[str, Slot]:
        """What is remembered for a parameter of this shape (``m``, ``v``, ``velocity``)."""

    @abstractmethod
    def update(
        self, parameter: Node, gradient: Node, slots: Mapping[str, Node], step: StepContext
    ) -> tuple[Node, dict[str, Node]]:
        """The parameter's new value and the slots' new values, as nodes."""
