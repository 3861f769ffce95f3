"""The metrics that are sums over places; what is no mean is scikit-learn's, at the epoch's end."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from clearprop.errors import ShapeError, unknown
from clearprop.nn.losses.loss import Loss, as_numbers, mean_of_outputs, weighted_sum
from clearprop.nodes import build
from clearprop.nodes.node import Node
from clearprop.nodes.ops import INTEGERS
from clearprop.nodes.shapes import ROWS, show

__all__ = ["METRICS", "Metric", "get_metric"]


@dataclass(frozen=True)
class Metric:
    """A metric: `function` (prediction, target, loss) gives it for each place."""

    name: str
    function: Callable[[Node, Node, Loss], Node]

    def total(self, prediction: Node, target: Node, weights: Node, loss: Loss) -> tuple[Node, Node]:
        """(sum of weight times metric, sum of weights), two scalars."""
        places = self.function(prediction, target, loss)
        if places.shape[:1] != (ROWS,):
            raise ShapeError(
                f"metric {self.name} must give a node of shape (rows, ...), one number for each "
                f"row; it gave {show(places.shape)}"
            )
        return weighted_sum(places, weights)


def _accuracy(prediction: Node, target: Node, loss: Loss) -> Node:
    """1 where the predicted class is the target's.

    One output, or binary_cross_entropy: each output is yes or no. Else the largest output is the
    class, and of one-hot targets the largest too.
    """
    classes = prediction.shape[-1] if len(prediction.shape) > 1 else 1
    if classes == 1 or loss.name == "binary_cross_entropy":
        said = prediction > (0 if loss.takes_logits else 0.5)
        true = as_numbers(prediction, target, labels=False) > 0.5
        right = build.equal(build.cast(said, "int32"), build.cast(true, "int32"))
        return mean_of_outputs(build.cast(right, prediction.dtype))
    if target.dtype in INTEGERS and target.shape != prediction.shape:
        true = build.reshape(build.cast(target, "int32"), prediction.shape[:-1])
    else:
        true = build.argmax(as_numbers(prediction, target, labels=False))
    return build.cast(build.equal(build.argmax(prediction), true), prediction.dtype)


@dataclass(frozen=True)
class _Error:
    """A measure of the error; of classes, the error of the probabilities (Brier's score)."""

    measure: Callable[[Node], Node]

    def __call__(self, prediction: Node, target: Node, loss: Loss) -> Node:
        probabilities = loss.probabilities(prediction)
        said = prediction if probabilities is None else probabilities
        return mean_of_outputs(self.measure(said - as_numbers(said, target, loss.labels)))


@dataclass(frozen=True)
class _Given:
    """A user's function of prediction and target."""

    function: Callable[[Node, Node], Node]

    def __call__(self, prediction: Node, target: Node, loss: Loss) -> Node:
        return self.function(prediction, target)


METRICS: Mapping[str, Metric] = {
    "accuracy": Metric("accuracy", _accuracy),
    "mean_squared_error": Metric("mean_squared_error", _Error(build.square)),
    "mean_absolute_error": Metric("mean_absolute_error", _Error(build.abs)),
}


def get_metric(metric: str | Metric | Callable[[Node, Node], Node]) -> Metric:
    """A metric by name, or from a function of (prediction, target) nodes."""
    if isinstance(metric, Metric):
        return metric
    if callable(metric):
        return Metric(getattr(metric, "__name__", "metric"), _Given(metric))
    if not isinstance(metric, str) or metric not in METRICS:
        raise unknown("metric", metric, METRICS)
    return METRICS[metric]
