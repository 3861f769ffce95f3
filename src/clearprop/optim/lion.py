"""Lion: steps of one size, along the sign of a momentum."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from clearprop.nodes import build
from clearprop.nodes.node import Node
from clearprop.optim.arguments import NOT_NEGATIVE, PAIR_BELOW_ONE, Checks
from clearprop.optim.optimizer import Optimizer, Slot, StepContext
from clearprop.optim.schedules import Schedule
from clearprop.optim.terms import average, decoupled_decay

__all__ = ["Lion"]


@dataclass(frozen=True)
class Lion(Optimizer):
    """p -= learning_rate * (sign(b1 m + (1 - b1) g) + weight_decay * p); m = b2 m + (1 - b2) g.

    Source: Chen et al. 2023, Symbolic discovery of optimization algorithms, algorithm 2.
    """

    learning_rate: float | Schedule = 1e-4
    betas: tuple[float, float] = (0.9, 0.99)
    weight_decay: float = 0.0

    checks: ClassVar[Checks] = {"betas": PAIR_BELOW_ONE, "weight_decay": NOT_NEGATIVE}

    def slots(self, shape: tuple[int, ...]) -> dict[str, Slot]:
        """``m``, the running average of g."""
        return {"m": Slot(shape)}

    def update(
        self, parameter: Node, gradient: Node, slots: Mapping[str, Node], step: StepContext
    ) -> tuple[Node, dict[str, Node]]:
        """The new parameter and m."""
        rate = self.rate(step)
        direction = build.sign(average("beta_1", self.betas[0], slots["m"], gradient, step))
        m = average("beta_2", self.betas[1], slots["m"], gradient, step)
        shrunk = decoupled_decay(self.weight_decay, rate, parameter, step)
        return shrunk - rate * direction, {"m": m}
