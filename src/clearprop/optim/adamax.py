"""Adamax: Adam with the largest gradient of late in place of the root mean square."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from clearprop.nodes import build
from clearprop.nodes.node import Node
from clearprop.optim.arguments import NOT_NEGATIVE, PAIR_BELOW_ONE, Checks
from clearprop.optim.optimizer import Optimizer, Slot, StepContext
from clearprop.optim.schedules import Schedule
from clearprop.optim.terms import average, coupled_decay, one_minus_power

__all__ = ["Adamax"]


@dataclass(frozen=True)
class Adamax(Optimizer):
    """m = b1 m + (1 - b1) g; u = max(b2 u, |g| + eps); p -= learning_rate / (1 - b1^t) * m / u.

    g is the gradient plus weight_decay * p. Source: Kingma and Ba 2015, algorithm 2.
    """

    learning_rate: float | Schedule = 0.002
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0

    checks: ClassVar[Checks] = {
        "betas": PAIR_BELOW_ONE,
        "eps": NOT_NEGATIVE,
        "weight_decay": NOT_NEGATIVE,
    }

    def slots(self, shape: tuple[int, ...]) -> dict[str, Slot]:
        """``m``, the running average of g, and ``u``, the decayed largest |g|."""
        return {"m": Slot(shape), "u": Slot(shape)}

    def update(
        self, parameter: Node, gradient: Node, slots: Mapping[str, Node], step: StepContext
    ) -> tuple[Node, dict[str, Node]]:
        """The new parameter, m and u."""
        g = coupled_decay(self.weight_decay, parameter, gradient, step)
        m = average("beta_1", self.betas[0], slots["m"], g, step)
        decayed = step.scalar("beta_2", self.betas[1]) * slots["u"]
        u = build.maximum(decayed, build.abs(g) + step.scalar("eps", self.eps))
        size = self.rate(step) / one_minus_power("beta_1", self.betas[0], step)
        return parameter - size * m / u, {"m": m, "u": u}
