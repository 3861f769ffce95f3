"""Losses of numbers: squared, absolute and in between, quantiles and counts."""

from clearprop.nn.checks import number
from clearprop.nn.losses.loss import Loss, mean_of_outputs, sum_of_outputs
from clearprop.nodes import build
from clearprop.nodes.node import Node

__all__ = [
    "half_squared_error", "huber", "mean_absolute_error", "mean_squared_error", "poisson",
    "quantile", "sum_squared_error",
]  # fmt: skip

LOG_RATE_LIMIT = 64.0


def mean_squared_error() -> Loss:
    """(prediction - target)^2, mean over outputs, rows and times."""
    return Loss("mean_squared_error", lambda p, t: mean_of_outputs(build.square(p - t)))


def half_squared_error() -> Loss:
    """(prediction - target)^2 / 2, sum over outputs, mean over rows and times."""
    return Loss("half_squared_error", lambda p, t: sum_of_outputs(build.square(p - t) * 0.5))


def sum_squared_error() -> Loss:
    """(prediction - target)^2, summed over everything."""
    function = lambda p, t: sum_of_outputs(build.square(p - t))  # noqa: E731 (a row of the table)
    return Loss("sum_squared_error", function, averaged=False)


def mean_absolute_error() -> Loss:
    """|prediction - target|, mean over outputs, rows and times; derivative 0 at 0."""
    return Loss("mean_absolute_error", lambda p, t: mean_of_outputs(build.abs(p - t)))


def huber(delta: float = 1.0) -> Loss:
    """e^2 / 2 where |e| <= delta, else delta (|e| - delta / 2); mean over outputs.

    Source: Huber 1964. Written c (e - c / 2) with c = e cut to [-delta, delta], so that no square
    overflows in the branch that is not taken.
    """
    delta = number("huber's delta", delta, 1e-30, float("inf"))

    def function(prediction: Node, target: Node) -> Node:
        error = prediction - target
        cut = build.clip(error, -delta, delta)
        return mean_of_outputs(cut * (error - cut * 0.5))

    return Loss("huber", function, arguments=(("delta", delta),) if delta != 1 else ())


def quantile(q: float = 0.5) -> Loss:
    """q e where e = target - prediction > 0, (q - 1) e below; mean over outputs.

    The minimum is the q-quantile of the target (Koenker and Bassett 1978). Written
    |e| / 2 + (q - 1/2) e, so that at 0 the derivative of |e| is 0 as everywhere.
    """
    q = number("quantile's q", q, 0.0, 1.0, closed=True)

    def function(prediction: Node, target: Node) -> Node:
        error = target - prediction
        return mean_of_outputs(build.abs(error) * 0.5 + error * (q - 0.5))

    return Loss("quantile", function, arguments=(("q", q),) if q != 0.5 else ())


def poisson() -> Loss:
    """exp(x) - target x, where x is the log of the rate; mean over outputs.

    PyTorch's PoissonNLLLoss with log_input. Above x = 64, a rate of 6e27, exp goes on as its
    tangent, so that a wild prediction gives a large gradient instead of infinity.
    """

    def function(log_rate: Node, target: Node) -> Node:
        above = build.where(log_rate > LOG_RATE_LIMIT, log_rate - LOG_RATE_LIMIT, 0)
        rate = build.exp(build.where(log_rate > LOG_RATE_LIMIT, LOG_RATE_LIMIT, log_rate))
        return mean_of_outputs(rate + rate * above - target * log_rate)

    return Loss("poisson", function)
