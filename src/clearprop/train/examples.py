"""Examples: what users give as X and y, as a program's arrays and what is measured on them."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from clearprop.errors import ArgumentError, DataError
from clearprop.nn.losses import Loss
from clearprop.nn.metrics import METRICS, Metric
from clearprop.train.data import Data, check_inputs, inputs, targets
from clearprop.train.network import Network
from clearprop.train.objective import Objective
from clearprop.train.row_weights import ClassWeight, row_weights

__all__ = ["examples", "usual_objective", "validation_examples"]

Array = NDArray[Any]
Metrics = tuple[Metric, ...]


def examples(
    network: Network,
    loss: Loss,
    metrics: Metrics,
    x: Array,
    y: object,
    sample_weight: object = None,
    class_weight: ClassWeight = None,
    prefix: str = "",
) -> tuple[Data, Objective]:
    """All that a program reads, and what is measured on targets of this kind.

    Raises DataError and ShapeError for what does not fit the network; `prefix` says there which
    X and y are meant.
    """
    check_inputs(x, network, f"{prefix}X")
    target = targets(y, len(x), network, loss, f"{prefix}y")
    _check_metrics(metrics, loss, target, f"{prefix}y")
    outputs = network.output_shape[-1] if network.output_shape else 1
    weights = row_weights(sample_weight, class_weight, target, loss.labels, network.dtype, outputs)
    objective = Objective(loss, metrics, target.shape[1:], str(target.dtype))
    return Data(x, target, weights), objective


def _check_metrics(metrics: Metrics, loss: Loss, target: Array, what: str) -> None:
    """Accuracy is of classes: where the loss is of numbers, these must be 0 and 1."""
    if METRICS["accuracy"] not in metrics or loss.takes_logits or target.dtype.kind == "i":
        return
    odd = (target != 0) & (target != 1)
    if odd.any():
        place = int(np.argmax(odd.ravel()))
        raise DataError(
            f"{what} holds {target.flat[place]} (row {place * len(target) // target.size}); the "
            "metric accuracy needs targets of 0 and 1: use mean_absolute_error for numbers, or a "
            "loss of classes"
        )


def validation_examples(
    network: Network, loss: Loss, metrics: Metrics, given: object
) -> tuple[Data, Objective]:
    """`examples` of fit's validation_data: (X, y) or (X, y, sample_weight)."""
    if not isinstance(given, tuple | list) or len(given) not in (2, 3):
        raise ArgumentError("validation_data must be (X, y) or (X, y, sample_weight)")
    x = inputs(given[0], network.layers[0].takes, network.dtype, "validation X")
    weights = given[2] if len(given) == 3 else None
    return examples(network, loss, metrics, x, given[1], weights, prefix="validation ")


def usual_objective(network: Network, loss: Loss, metrics: Metrics) -> Objective:
    """What is measured where no target is at hand: on labels where the loss takes them."""
    output = network.output_shape
    if loss.labels and output:
        return Objective(loss, metrics, output[:-1], "int32")
    return Objective(loss, metrics, output, network.dtype)
