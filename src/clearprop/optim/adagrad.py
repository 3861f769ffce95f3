"""Adagrad: each element's rate falls with the sum of its squared gradients."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from clearprop.nodes import build
from clearprop.nodes.node import Node
from clearprop.optim.arguments import NOT_NEGATIVE, Checks
from clearprop.optim.optimizer import Optimizer, Slot, StepContext
from clearprop.optim.schedules import Schedule
from clearprop.optim.terms import coupled_decay

__all__ = ["Adagrad"]


@dataclass(frozen=True)
class Adagrad(Optimizer):
    """sum += g^2; p -= learning_rate / (1 + (t - 1) lr_decay) * g / (sqrt(sum) + eps).

    g is the gradient plus weight_decay * p. Source: Duchi et al. 2011, in PyTorch's form.
    """

    learning_rate: float | Schedule = 0.01
    lr_decay: float = 0.0
    weight_decay: float = 0.0
    initial_accumulator_value: float = 0.0
    eps: float = 1e-10

    checks: ClassVar[Checks] = {
        "lr_decay": NOT_NEGATIVE,
        "weight_decay": NOT_NEGATIVE,
        "initial_accumulator_value": NOT_NEGATIVE,
        "eps": NOT_NEGATIVE,
    }

    def slots(self, shape: tuple[int, ...]) -> dict[str, Slot]:
        """``sum``, of the squared gradients."""
        return {"sum": Slot(shape, self.initial_accumulator_value)}

    def update(
        self, parameter: Node, gradient: Node, slots: Mapping[str, Node], step: StepContext
    ) -> tuple[Node, dict[str, Node]]:
        """The new parameter and sum."""
        g = coupled_decay(self.weight_decay, parameter, gradient, step)
        total = slots["sum"] + g * g
        rate = self.rate(step)
        if self.lr_decay:
            rate = rate / (1 + (step.t - 1) * step.scalar("lr_decay", self.lr_decay))
        change = rate * g / (build.sqrt(total) + step.scalar("eps", self.eps))
        return parameter - change, {"sum": total}
