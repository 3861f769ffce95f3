"""What an optimizer is: a pair of pure functions, `slots` (what it remembers) and `update` (nodes).

An update is more nodes of the step's graph: the new value of a parameter from its old value, its
gradient and the remembered slots. Numbers that people vary are scalar inputs.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from clearprop.nodes.node import Node
from clearprop.nodes.scalars import Scalars
from clearprop.optim.arguments import NOT_NEGATIVE, POSITIVE, Check, Checks, normalise, optional
from clearprop.optim.schedules import Schedule

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


def _rate(value: object) -> object:
    return value if isinstance(value, Schedule) else NOT_NEGATIVE.read(value)


_COMMON = {
    "learning_rate": Check("a number >= 0 or a schedule", _rate),
    "clip_norm": optional(POSITIVE),
    "clip_value": optional(POSITIVE),
}


@dataclass(frozen=True)
class Optimizer(ABC):
    """An optimizer's arguments; concrete ones are frozen dataclasses, never overridden.

    The learning rate is a number or a schedule. `clip_value` cuts each gradient to
    [-clip_value, clip_value], `clip_norm` scales all of them to a global norm of at most clip_norm
    (see `clip.py`; who builds the step clips before the updates).
    """

    learning_rate: float | Schedule
    clip_norm: float | None = field(default=None, kw_only=True)
    clip_value: float | None = field(default=None, kw_only=True)

    checks: ClassVar[Checks]

    def __post_init__(self) -> None:
        normalise(self, {**_COMMON, **self.checks})

    @abstractmethod
    def slots(self, shape: tuple[int, ...]) -> dict[str, Slot]:
        """What is remembered for a parameter of this shape (``m``, ``v``, ``velocity``)."""

    @abstractmethod
    def update(
        self, parameter: Node, gradient: Node, slots: Mapping[str, Node], step: StepContext
    ) -> tuple[Node, dict[str, Node]]:
        """The parameter's new value and the slots' new values, as nodes."""

    def rate(self, step: StepContext) -> Node:
        """The learning rate of this step, a scalar: number or schedule, times the host's scale."""
        if isinstance(self.learning_rate, Schedule):
            return self.learning_rate.rate(step.t - 1, step.scalar) * step.scale
        return step.scalar("learning_rate", self.learning_rate) * step.scale
