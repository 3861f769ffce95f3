"""Adam, and AdamW with its decoupled weight decay."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from clearprop.nodes import build
from clearprop.nodes.node import Node
from clearprop.optim.arguments import FLAG, NOT_NEGATIVE, PAIR_BELOW_ONE, Checks
from clearprop.optim.optimizer import Optimizer, Slot, StepContext
from clearprop.optim.schedules import Schedule
from clearprop.optim.terms import average, coupled_decay, decoupled_decay, one_minus_power

__all__ = ["Adam", "AdamW"]

_CHECKS: Checks = {
    "betas": PAIR_BELOW_ONE,
    "eps": NOT_NEGATIVE,
    "weight_decay": NOT_NEGATIVE,
    "amsgrad": FLAG,
}


def _slots(shape: tuple[int, ...], amsgrad: bool) -> dict[str, Slot]:
    names = ("m", "v", "v_max") if amsgrad else ("m", "v")
    return {name: Slot(shape) for name in names}


def _change(
    self: "Adam | AdamW", rate: Node, gradient: Node, slots: Mapping[str, Node], step: StepContext
) -> tuple[Node, dict[str, Node]]:
    """rate / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps), and the new slots."""
    beta_1, beta_2 = self.betas
    m = average("beta_1", beta_1, slots["m"], gradient, step)
    v = average("beta_2", beta_2, slots["v"], gradient * gradient, step)
    new = {"m": m, "v": v}
    if self.amsgrad:
        v = new["v_max"] = build.maximum(slots["v_max"], v)
    # scalars, once a step; an element costs a square root and a division
    size = rate / one_minus_power("beta_1", beta_1, step)
    correction = 1 / build.sqrt(one_minus_power("beta_2", beta_2, step))
    return size * m / (build.sqrt(v) * correction + step.scalar("eps", self.eps)), new


@dataclass(frozen=True)
class Adam(Optimizer):
    """m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2,
    p -= learning_rate / (1 - b1^t) * m / (sqrt(v) / sqrt(1 - b2^t) + eps).

    g is the gradient plus weight_decay * p; with `amsgrad`, the largest v so far is used.
    Source: Kingma and Ba 2015, algorithm 1; amsgrad: Reddi et al. 2018.
    """

    learning_rate: float | Schedule = 0.001
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.0
    amsgrad: bool = False

    checks: ClassVar[Checks] = _CHECKS

    def slots(self, shape: tuple[int, ...]) -> dict[str, Slot]:
        """``m`` and ``v``, the running averages of g and its square (``v_max`` with amsgrad)."""
        return _slots(shape, self.amsgrad)

    def update(
        self, parameter: Node, gradient: Node, slots: Mapping[str, Node], step: StepContext
    ) -> tuple[Node, dict[str, Node]]:
        """The new parameter, m and v."""
        g = coupled_decay(self.weight_decay, parameter, gradient, step)
        change, new = _change(self, self.rate(step), g, slots, step)
        return parameter - change, new


@dataclass(frozen=True)
class AdamW(Optimizer):
    """p *= 1 - learning_rate * weight_decay, then Adam's step on the bare gradient.

    Source: Loshchilov and Hutter 2019, algorithm 2, in PyTorch's form.
    """

    learning_rate: float | Schedule = 0.001
    betas: tuple[float, float] = (0.9, 0.999)
    eps: float = 1e-8
    weight_decay: float = 0.01
    amsgrad: bool = False

    checks: ClassVar[Checks] = _CHECKS

    def slots(self, shape: tuple[int, ...]) -> dict[str, Slot]:
        """As Adam."""
        return _slots(shape, self.amsgrad)

    def update(
        self, parameter: Node, gradient: Node, slots: Mapping[str, Node], step: StepContext
    ) -> tuple[Node, dict[str, Node]]:
        """The new parameter, m and v."""
        rate = self.rate(step)
        change, new = _change(self, rate, gradient, slots, step)
        return decoupled_decay(self.weight_decay, rate, parameter, step) - change, new
