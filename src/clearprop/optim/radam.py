"""RAdam: Adam that waits with its adaptive step until v's variance is tractable."""

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

__all__ = ["RAdam"]


@dataclass(frozen=True)
class RAdam(Optimizer):
    """m and v as in Adam; rho_inf = 2 / (1 - b2) - 1, rho = rho_inf - 2 t b2^t / (1 - b2^t);
    p -= learning_rate * m / (1 - b1^t) * (r sqrt(1 - b2^t) / (sqrt(v) + eps) if rho > 5 else 1),
    r = sqrt((rho - 4) (rho - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho)).

    g is the gradient plus weight_decay * p, or the bare one with decoupled_weight_decay.
    Source: Liu et al. 2020, On the variance of the adaptive learning rate, in PyTorch's form.
    """

    learning_rate: float | Schedule = 0.001
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    decoupled_weight_decay: bool = False

    checks: ClassVar[Checks] = {
        "betas": PAIR_BELOW_ONE,
        "eps": NOT_NEGATIVE,
        "weight_decay": NOT_NEGATIVE,
        "decoupled_weight_decay": FLAG,
    }

    def slots(self, shape: tuple[int, ...]) -> dict[str, Slot]:
        """``m`` and ``v``, the running averages of g and its square."""
        return {"m": Slot(shape), "v": Slot(shape)}

    def update(
        self, parameter: Node, gradient: Node, slots: Mapping[str, Node], step: StepContext
    ) -> tuple[Node, dict[str, Node]]:
        """The new parameter, m and v."""
        rate, g = self.rate(step), gradient
        if self.decoupled_weight_decay:
            parameter = decoupled_decay(self.weight_decay, rate, parameter, step)
        else:
            g = coupled_decay(self.weight_decay, parameter, gradient, step)
        m = average("beta_1", self.betas[0], slots["m"], g, step)
        v = average("beta_2", self.betas[1], slots["v"], g * g, step)
        size = rate / one_minus_power("beta_1", self.betas[0], step)
        late, factor = self._rectified(step)
        root = build.sqrt(v) + step.scalar("eps", self.eps)
        # plain momentum is m / 1 * size: one division an element in both cases
        change = build.where(late, size * factor, size) * m / build.where(late, root, 1)
        return parameter - change, {"m": m, "v": v}

    def _rectified(self, step: StepContext) -> tuple[Node, Node]:
        """Whether rho > 5, and r sqrt(1 - b2^t) (1 where it is not), both scalars."""
        beta_2 = self.betas[1]
        limit = 2 / (1 - beta_2) - 1
        if beta_2 == 0:  # rho is 1
            return step.t < 0, build.constant(1, step.t.dtype)
        rho = _rho(beta_2, limit, step)
        late = rho > 5
        safe = build.where(late, rho, 6)  # the root of a negative number would be NaN
        # rho stays below its limit: where that is at most 5, it is never late, and r is not used
        unscaled = (limit - 4) * (limit - 2) if limit > 5 else 1.0
        scale = step.scalar("rho_scale", limit / unscaled)
        r = build.sqrt((safe - 4) * (safe - 2) * scale / safe)
        return late, r * build.sqrt(one_minus_power("beta_2", beta_2, step))


def _rho(beta_2: float, limit: float, step: StepContext) -> Node:
    """rho_inf - 2 t b2^t / (1 - b2^t), without its cancellation.

    The two terms are near 2000 and their difference near 1 at first: float32 would keep 4 digits.
    With x = -t log(b2) the second term is c (x / expm1(x)), c = -2 / log(b2), so that
    rho = (rho_inf - c) + c (1 - x / expm1(x)); for small x the bracket is its Taylor series.
    """
    c = -2 / math.log(beta_2)
    x = -(step.t * step.scalar("log_beta_2", math.log(beta_2)))
    square = x * x
    series = x / 2 - square / 12 + square * square / 720 - square * square * square / 30240
    small = x < 0.125
    closed = 1 - x / build.expm1(build.where(small, 1, x))
    rest = build.where(small, series, closed)
    return step.scalar("rho_rest", limit - c) + step.scalar("rho_slope", c) * rest
