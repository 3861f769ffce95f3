"""Dense: every unit reads every input."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike

from clearprop.errors import ArgumentError, ShapeError
from clearprop.nn.activations import get_activation
from clearprop.nn.checks import flag, whole
from clearprop.nn.init import INITIALIZERS, get_initializer, given
from clearprop.nn.layer import Context, Layer, Variable
from clearprop.nodes.node import Node

__all__ = ["Dense"]


@dataclass(frozen=True, eq=False)  # arrays have no one equality: a layer is equal to itself
class Dense(Layer):
    """activation(x @ weight + bias), over the last axis of x.

    `weight` (inputs, units) and `bias` (units,) are initial values; a bias given as one number is
    shared by the units, and its gradient is the sum over them. Without a bias given it begins at 0.
    Names: ``z`` before the activation, ``a`` after.
    """

    kind: ClassVar[str] = "dense"

    units: int
    activation: str | None = None
    use_bias: bool = True
    weight: ArrayLike | None = None
    bias: ArrayLike | None = None
    initializer: str = "glorot_uniform"
    train_bias: bool = True
    train_weight: bool = True

    def __post_init__(self) -> None:
        store = object.__setattr__
        store(self, "units", whole("Dense units", self.units))
        get_activation(self.activation)
        get_initializer(self.initializer)
        for name in ("use_bias", "train_bias", "train_weight"):
            flag(f"Dense {name}", getattr(self, name))
        if self.bias is not None and not self.use_bias:
            raise ArgumentError("Dense was given a bias and use_bias=False: leave one of them out")
        for name, axes in (("weight", (2,)), ("bias", (0, 1))):
            if getattr(self, name) is not None:
                store(self, name, _array(name, getattr(self, name), axes))
        for name in ("weight", "bias"):
            array = getattr(self, name)
            if array is not None and array.ndim and array.shape[-1] != self.units:
                raise ShapeError(
                    f"Dense with {self.units} units was given a {name} of shape {array.shape}: "
                    f"its last size must be {self.units}"
                )

    def declare(self, shape: tuple[int, ...], dtype: str) -> dict[str, Variable]:
        """weight (inputs, units), bias (units,) or () if shared; ShapeError without inputs."""
        if not shape:
            raise ShapeError("Dense needs rows of at least one number, a row here has no axis")
        full = (shape[-1], self.units)
        initial = INITIALIZERS[self.initializer]
        if isinstance(self.weight, np.ndarray):
            if self.weight.shape != full:
                raise ShapeError(
                    f"Dense was given a weight of shape {self.weight.shape}, its input has "
                    f"{shape[-1]} numbers a row: the weight must be (inputs, units) = {full}"
                )
            initial = given(self.weight)
        out = {"weight": Variable(full, initial, trainable=self.train_weight)}
        if self.use_bias:
            bias = self.bias if isinstance(self.bias, np.ndarray) else np.zeros(self.units)
            out["bias"] = Variable(bias.shape, given(bias), trainable=self.train_bias)
        return out

    def call(self, x: Node, context: Context) -> Node:
        z = x @ context.variable("weight")
        if self.use_bias:
            z = z + context.variable("bias")
        context.name(z, "z")
        return context.name(get_activation(self.activation)(z), "a")


def _array(name: str, value: ArrayLike, axes: tuple[int, ...]) -> np.ndarray:
    """A given initial value as float64; ArgumentError if it is no array of finite numbers."""
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise ArgumentError(f"Dense {name} must be an array of numbers, is {value!r}") from None
    if array.ndim not in axes:
        wanted = " or ".join(map(str, axes))
        raise ShapeError(f"Dense {name} must have {wanted} axes, was given {array.shape}")
    if not np.isfinite(array).all():
        raise ArgumentError(f"Dense {name} holds NaN or infinity")
    return array
