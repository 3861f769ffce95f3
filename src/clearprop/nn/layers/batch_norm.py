"""BatchNorm: each feature with mean 0 and variance 1 over the minibatch."""

from dataclasses import dataclass
from typing import ClassVar

from clearprop.errors import ShapeError
from clearprop.nn.checks import number
from clearprop.nn.init import INITIALIZERS
from clearprop.nn.layer import Context, Layer, Variable
from clearprop.nodes import build
from clearprop.nodes.node import Node

__all__ = ["BatchNorm"]


@dataclass(frozen=True)
class BatchNorm(Layer):
    """weight (x - mean) / sqrt(variance + epsilon) + bias, over rows and all axes but the last.

    Training uses the minibatch's mean and (biased) variance, and moves ``running_mean`` and
    ``running_variance`` (unbiased) toward them: new = (1 - momentum) old + momentum batch.
    Prediction uses the running ones. All rows count alike, whatever their weights.

    Source: Ioffe and Szegedy 2015, arXiv 1502.03167; conventions of PyTorch. Where the minibatch
    holds one number a feature (a last batch of one row), PyTorch raises; here the output is the
    bias, the variance being 0, and ``running_variance``, of which one number says nothing, stays.
    """

    kind: ClassVar[str] = "batch_norm"

    epsilon: float = 1e-5
    momentum: float = 0.1

    def __post_init__(self) -> None:
        epsilon = number("BatchNorm epsilon", self.epsilon, 1e-30, 1.0)
        momentum = number("BatchNorm momentum", self.momentum, 0.0, 1.0, closed=True)
        object.__setattr__(self, "epsilon", epsilon)
        object.__setattr__(self, "momentum", momentum)

    def declare(self, shape: tuple[int, ...], dtype: str) -> dict[str, Variable]:
        """weight, bias and the two running statistics, all (features,)."""
        if not shape:
            raise ShapeError("BatchNorm needs rows of at least one number, a row here has no axis")
        features, zeros, ones = shape[-1:], INITIALIZERS["zeros"], INITIALIZERS["ones"]
        return {
            "weight": Variable(features, ones),
            "bias": Variable(features, zeros),
            "running_mean": Variable(features, zeros, trainable=False, state=True),
            "running_variance": Variable(features, ones, trainable=False, state=True),
        }

    def call(self, x: Node, context: Context) -> Node:
        if context.training:
            mean, variance = self._batch(x, context)
        else:
            mean, variance = context.variable("running_mean"), context.variable("running_variance")
        scaled = (x - mean) / build.sqrt(variance + self.epsilon)
        context.name(scaled, "normalized")
        y = scaled * context.variable("weight") + context.variable("bias")
        return context.name(y, "a")

    def _batch(self, x: Node, context: Context) -> tuple[Node, Node]:
        """The minibatch's mean and variance; moves the running ones."""
        axes = tuple(range(len(x.shape) - 1))
        mean = context.name(build.mean(x, axes), "mean")
        variance = context.name(build.mean(build.square(x - mean), axes), "variance")
        count = build.sum(build.full(x.shape[:-1], 1, x.dtype))
        several = count > 1
        unbiased = variance * (count / build.where(several, count - 1, 1))
        old, m = context.variable("running_variance"), self.momentum
        context.update("running_variance", build.where(several, old * (1 - m) + unbiased * m, old))
        context.update("running_mean", context.variable("running_mean") * (1 - m) + mean * m)
        return mean, variance
