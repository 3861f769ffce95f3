"""Stochastic gradient descent, with momentum and Nesterov's form of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from clearprop.errors import ArgumentError
from clearprop.nodes import build
from clearprop.nodes.node import Node
from clearprop.optim.arguments import BELOW_ONE, FLAG, NOT_NEGATIVE, Checks
from clearprop.optim.optimizer import Optimizer, Slot, StepContext
from clearprop.optim.schedules import Schedule
from clearprop.optim.terms import coupled_decay

__all__ = ["SGD"]


@dataclass(frozen=True)
class SGD(Optimizer):
    """velocity = momentum * velocity + (1 - dampening) * g; p -= learning_rate * velocity.

    g is the gradient plus weight_decay * p. The first velocity is g, whatever the dampening;
    Nesterov's form steps along g + momentum * velocity. Without momentum: p -= learning_rate * g.
    Source: Sutskever et al. 2013, in PyTorch's form (the rate outside of the velocity).
    """

    learning_rate: float | Schedule = 0.01
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float = 0.0
    dampening: float = field(default=0.0, kw_only=True)

    checks: ClassVar[Checks] = {
        "momentum": NOT_NEGATIVE,
        "nesterov": FLAG,
        "weight_decay": NOT_NEGATIVE,
        "dampening": BELOW_ONE,
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.nesterov and (self.momentum == 0 or self.dampening != 0):
            raise ArgumentError(
                f"SGD: nesterov=True needs momentum > 0 and dampening=0, given were "
                f"momentum={self.momentum} and dampening={self.dampening}"
            )

    def slots(self, shape: tuple[int, ...]) -> dict[str, Slot]:
        """``velocity``, if there is momentum."""
        return {"velocity": Slot(shape)} if self.momentum else {}

    def update(
        self, parameter: Node, gradient: Node, slots: Mapping[str, Node], step: StepContext
    ) -> tuple[Node, dict[str, Node]]:
        """The new parameter and velocity."""
        g = coupled_decay(self.weight_decay, parameter, gradient, step)
        if self.momentum == 0:
            return parameter - self.rate(step) * g, {}
        momentum = step.scalar("momentum", self.momentum)
        velocity = momentum * slots["velocity"] + self._dampened(g, step)
        direction = g + momentum * velocity if self.nesterov else velocity
        return parameter - self.rate(step) * direction, {"velocity": velocity}

    def _dampened(self, g: Node, step: StepContext) -> Node:
        if self.dampening == 0:
            return g
        share = step.scalar("one_minus_dampening", 1 - self.dampening)
        return build.where(step.t < 1.5, 1, share) * g
