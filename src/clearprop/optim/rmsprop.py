"""RMSprop: the gradient divided by the root of its running mean square."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from clearprop.nodes import build
from clearprop.nodes.node import Node
from clearprop.optim.arguments import BELOW_ONE, FLAG, NOT_NEGATIVE, Checks
from clearprop.optim.optimizer import Optimizer, Slot, StepContext
from clearprop.optim.schedules import Schedule
from clearprop.optim.terms import average, coupled_decay

__all__ = ["RMSprop"]


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """v = alpha v + (1 - alpha) g^2; p -= learning_rate * g / (sqrt(v) + eps).

    g is the gradient plus weight_decay * p. `centered` takes the square of the running mean of g
    from v; with `momentum`, velocity = momentum * velocity + g / (...), p -= learning_rate *
    velocity. Source: Tieleman and Hinton 2012, lecture 6.5; centered: Graves 2013, equation 40.
    """

    learning_rate: float | Schedule = 0.01
    alpha: float = 0.99
    eps: float = 1e-8
    weight_decay: float = 0.0
    momentum: float = 0.0
    centered: bool = False

    checks: ClassVar[Checks] = {
        "alpha": BELOW_ONE,
        "eps": NOT_NEGATIVE,
        "weight_decay": NOT_NEGATIVE,
        "momentum": NOT_NEGATIVE,
        "centered": FLAG,
    }

    def slots(self, shape: tuple[int, ...]) -> dict[str, Slot]:
        """``v``; ``mean`` if centered; ``velocity`` if there is momentum."""
        names = {"v": True, "mean": self.centered, "velocity": self.momentum != 0}
        return {name: Slot(shape) for name, used in names.items() if used}

    def update(
        self, parameter: Node, gradient: Node, slots: Mapping[str, Node], step: StepContext
    ) -> tuple[Node, dict[str, Node]]:
        """The new parameter and slots."""
        g = coupled_decay(self.weight_decay, parameter, gradient, step)
        v = average("alpha", self.alpha, slots["v"], g * g, step)
        new = {"v": v}
        spread = v
        if self.centered:
            new["mean"] = mean = average("alpha", self.alpha, slots["mean"], g, step)
            # rounding may leave a variance near 0 negative, and its root would be NaN
            spread = build.maximum(v - mean * mean, 0)
        direction = g / (build.sqrt(spread) + step.scalar("eps", self.eps))
        if self.momentum:
            kept = step.scalar("momentum", self.momentum) * slots["velocity"]
            direction = new["velocity"] = kept + direction
        return parameter - self.rate(step) * direction, new
