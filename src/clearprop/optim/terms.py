"""Terms that several optimizers share, so that each optimizer is its formula and nothing else."""

import math

from clearprop.nodes import build
from clearprop.nodes.node import Node
from clearprop.optim.optimizer import StepContext

__all__ = ["average", "coupled_decay", "decoupled_decay", "one_minus_power"]


def average(name: str, rate: float, old: Node, new: Node, step: StepContext) -> Node:
    """rate * old + (1 - rate) * new, a running average.

    1 - rate is an input of its own, computed in double: the float32 nearest to 0.999 is
    0.99900001, and 1 minus that has 5 wrong digits of 7.
    """
    if rate == 0:
        return new
    kept = step.scalar(name, rate)
    return kept * old + step.scalar(f"one_minus_{name}", 1 - rate) * new


def one_minus_power(name: str, rate: float, step: StepContext) -> Node:
    """1 - rate^t, a scalar: the bias correction of a running average that started at 0.

    Written -expm1(t log(rate)) with log(rate) an input computed in double: in float32, rate^t is
    near 1 at first, and 1 - rate^t would lose the digits that rate's own rounding left.
    """
    if rate == 0:
        return build.constant(1, step.t.dtype)
    return -build.expm1(step.t * step.scalar(f"log_{name}", math.log(rate)))


def coupled_decay(weight_decay: float, parameter: Node, gradient: Node, step: StepContext) -> Node:
    """gradient + weight_decay * parameter, for a parameter of the decayed group."""
    if weight_decay == 0 or not step.decay:
        return gradient
    return gradient + step.scalar("weight_decay", weight_decay) * parameter


def decoupled_decay(weight_decay: float, rate: Node, parameter: Node, step: StepContext) -> Node:
    """parameter * (1 - rate * weight_decay), for a parameter of the decayed group.

    Source: Loshchilov and Hutter 2019, Decoupled weight decay regularization.
    """
    if weight_decay == 0 or not step.decay:
        return parameter
    return parameter * (1 - rate * step.scalar("weight_decay", weight_decay))
