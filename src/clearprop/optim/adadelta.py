"""Adadelta: steps in the parameter's own units, from running averages of g^2 and of the steps^2."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from clearprop.nodes import build
from clearprop.nodes.node import Node
from clearprop.optim.arguments import BELOW_ONE, NOT_NEGATIVE, Checks
from clearprop.optim.optimizer import Optimizer, Slot, StepContext
from clearprop.optim.schedules import Schedule
from clearprop.optim.terms import average, coupled_decay

__all__ = ["Adadelta"]


@dataclass(frozen=True)
class Adadelta(Optimizer):
    """v = rho v + (1 - rho) g^2; d = sqrt(u + eps) / sqrt(v + eps) g; u = rho u + (1 - rho) d^2;
    p -= learning_rate * d.

    g is the gradient plus weight_decay * p. Source: Zeiler 2012, algorithm 1.
    """

    learning_rate: float | Schedule = 1.0
    rho: float = 0.9
    eps: float = 1e-6
    weight_decay: float = 0.0

    checks: ClassVar[Checks] = {
        "rho": BELOW_ONE,
        "eps": NOT_NEGATIVE,
        "weight_decay": NOT_NEGATIVE,
    }

    def slots(self, shape: tuple[int, ...]) -> dict[str, Slot]:
        """``v`` and ``u``, the running averages of the squares of g and of d."""
        return {"v": Slot(shape), "u": Slot(shape)}

    def update(
        self, parameter: Node, gradient: Node, slots: Mapping[str, Node], step: StepContext
    ) -> tuple[Node, dict[str, Node]]:
        """The new parameter, v and u."""
        g = coupled_decay(self.weight_decay, parameter, gradient, step)
        eps = step.scalar("eps", self.eps)
        v = average("rho", self.rho, slots["v"], g * g, step)
        delta = build.sqrt(slots["u"] + eps) / build.sqrt(v + eps) * g
        u = average("rho", self.rho, slots["u"], delta * delta, step)
        return parameter - self.rate(step) * delta, {"v": v, "u": u}
