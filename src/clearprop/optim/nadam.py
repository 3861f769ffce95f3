"""NAdam: Adam with Nesterov's momentum."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from clearprop.nodes import build
from clearprop.nodes.node import Node
from clearprop.optim.arguments import FLAG, NOT_NEGATIVE, PAIR_BELOW_ONE, Checks
from clearprop.optim.optimizer import Optimizer, Slot, StepContext
from clearprop.optim.schedules import Schedule
from clearprop.optim.terms import average, coupled_decay, decoupled_decay, one_minus_power

__all__ = ["NAdam"]


@dataclass(frozen=True)
class NAdam(Optimizer):
    """m and v as in Adam; mu_t = b1 (1 - 0.96^(t momentum_decay) / 2), M_t = mu_1 ... mu_t;
    p -= learning_rate * ((1 - mu_t) / (1 - M_t) g + mu_{t+1} / (1 - M_{t+1}) m)
         / (sqrt(v / (1 - b2^t)) + eps).

    g is the gradient plus weight_decay * p, or the bare one with decoupled_weight_decay.
    Source: Dozat 2016, Incorporating Nesterov momentum into Adam, in PyTorch's form.
    """

    learning_rate: float | Schedule = 0.002
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    momentum_decay: float = 0.004
    decoupled_weight_decay: bool = False

    checks: ClassVar[Checks] = {
        "betas": PAIR_BELOW_ONE,
        "eps": NOT_NEGATIVE,
        "weight_decay": NOT_NEGATIVE,
        "momentum_decay": NOT_NEGATIVE,
        "decoupled_weight_decay": FLAG,
    }

    def slots(self, shape: tuple[int, ...]) -> dict[str, Slot]:
        """``m``, ``v`` and ``mu_product``, a scalar that begins at 1."""
        return {"m": Slot(shape), "v": Slot(shape), "mu_product": Slot((), 1.0)}

    def update(
        self, parameter: Node, gradient: Node, slots: Mapping[str, Node], step: StepContext
    ) -> tuple[Node, dict[str, Node]]:
        """The new parameter, m, v and mu_product."""
        rate, g = self.rate(step), gradient
        if self.decoupled_weight_decay:
            parameter = decoupled_decay(self.weight_decay, rate, parameter, step)
        else:
            g = coupled_decay(self.weight_decay, parameter, gradient, step)
        m = average("beta_1", self.betas[0], slots["m"], g, step)
        v = average("beta_2", self.betas[1], slots["v"], g * g, step)
        mu, mu_next = self._mu(step.t, step), self._mu(step.t + 1, step)
        product = slots["mu_product"] * mu
        of_g = rate * (1 - mu) / (1 - product)
        of_m = rate * mu_next / (1 - product * mu_next)
        correction = 1 / build.sqrt(one_minus_power("beta_2", self.betas[1], step))
        denominator = build.sqrt(v) * correction + step.scalar("eps", self.eps)
        change = (of_g * g + of_m * m) / denominator
        return parameter - change, {"m": m, "v": v, "mu_product": product}

    def _mu(self, t: Node, step: StepContext) -> Node:
        """The momentum of step t, a scalar; 0.96^(t decay) is written as exp(t log(0.96) decay)."""
        power = step.scalar("log_momentum_decay", math.log(0.96) * self.momentum_decay)
        return step.scalar("beta_1", self.betas[0]) * (1 - build.exp(t * power) * 0.5)
