"""The activations, by name: each is a function of a node, built so that no derivative overflows.

Where a branch of `where` is not taken its derivative is multiplied by 0, and 0 times infinity is
NaN: so the argument of exp is made safe before, never after.
"""

import math
from collections.abc import Callable, Mapping

from clearprop.errors import unknown
from clearprop.nodes import build
from clearprop.nodes.build import relu, sigmoid, softmax, softplus, tanh
from clearprop.nodes.node import Node

__all__ = ["ACTIVATIONS", "Activate", "get_activation"]

Activate = Callable[[Node], Node]

# Klambauer et al. 2017, arXiv 1706.02515: the fixed point with mean 0 and variance 1
SELU_ALPHA = 1.6732632423543772848170429916717
SELU_SCALE = 1.0507009873554804934193349852946


def linear(x: Node) -> Node:
    """x."""
    return x


def leaky_relu(x: Node) -> Node:
    """x where x > 0, else 0.01 x."""
    return build.where(x > 0, x, x * 0.01)


def _below_zero(x: Node) -> Node:
    """The smaller of x and 0, with derivative 1 at 0; NaN kept."""
    return build.where(x > 0, 0, x)


def elu(x: Node) -> Node:
    """x where x > 0, else exp(x) - 1; Clevert et al. 2016, arXiv 1511.07289, with alpha 1."""
    return build.where(x > 0, x, build.expm1(_below_zero(x)))


def selu(x: Node) -> Node:
    """scale x where x > 0, else scale alpha (exp(x) - 1)."""
    return SELU_SCALE * build.where(x > 0, x, SELU_ALPHA * build.expm1(_below_zero(x)))


def gelu(x: Node) -> Node:
    """x times the normal distribution function of x, exact: x (1 + erf(x / sqrt 2)) / 2."""
    return x * (build.erf(x * math.sqrt(0.5)) + 1) * 0.5


def silu(x: Node) -> Node:
    """x sigmoid(x), also called swish."""
    return x * sigmoid(x)


def hard_sigmoid(x: Node) -> Node:
    """x / 6 + 1/2, cut to [0, 1], as PyTorch's; the derivative is 0 at -3 and at 3."""
    inside = build.where(x >= 3, 1, x * (1 / 6) + 0.5)
    return build.where(x <= -3, 0, inside)


def mish(x: Node) -> Node:
    """x tanh(softplus(x)); Misra 2020, arXiv 1908.08681."""
    return x * tanh(softplus(x))


ACTIVATIONS: Mapping[str, Activate] = {
    "linear": linear,
    "relu": relu,
    "leaky_relu": leaky_relu,
    "elu": elu,
    "selu": selu,
    "gelu": gelu,
    "silu": silu,
    "softplus": softplus,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "hard_sigmoid": hard_sigmoid,
    "mish": mish,
    "softmax": softmax,
}


def get_activation(name: str | None) -> Activate:
    """The activation of this name, linear for None; ArgumentError with the nearest name if unknown.

    >>> get_activation("tahn")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    clearprop.errors.ArgumentError: unknown activation 'tahn': did you mean 'tanh'? Known: ...
    """
    if name is None:
        return linear
    if not isinstance(name, str) or name not in ACTIVATIONS:
        raise unknown("activation", name, ACTIVATIONS)
    return ACTIVATIONS[name]
