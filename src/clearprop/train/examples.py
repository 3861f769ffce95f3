"""Examples: what users give as X and y, as a program's arrays and what is measured on them."""

from typing import Any

from numpy.typing import NDArray

from clearprop.errors import ArgumentError
from clearprop.nn.losses import Loss
from clearprop.nn.metrics import Metric
from clearprop.train.data import ClassWeight, Data, check_inputs, inputs, row_weights, targets
from clearprop.train.network import Network
from clearprop.train.objective import Objective

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
    weights = row_weights(sample_weight, class_weight, target, loss.labels, network.dtype)
    objective = Objective(loss, metrics, target.shape[1:], str(target.dtype))
    return Data(x, target, weights), objective


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
