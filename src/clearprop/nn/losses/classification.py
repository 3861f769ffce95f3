"""Losses of classes; predictions are logits, so that nothing underflows before the logarithm."""

from clearprop.errors import ArgumentError
from clearprop.nn.losses.loss import Loss, mean_of_outputs
from clearprop.nodes import build
from clearprop.nodes.node import Node

__all__ = ["binary_cross_entropy", "cross_entropy"]


def _cross_entropy(logits: Node, target: Node) -> Node:
    if len(logits.shape) < 2 or logits.shape[-1] == 1:
        raise ArgumentError(
            "cross_entropy needs an output for each class, the last layer gives 1: "
            "use binary_cross_entropy"
        )
    return -build.sum(target * build.log_softmax(logits), axis=-1)


def cross_entropy() -> Loss:
    """-sum of target times log softmax(logits) over the classes; mean over rows and times.

    Targets are integer labels (rows,) or one-hot or probabilities in the shape of the logits.
    """
    return Loss("cross_entropy", _cross_entropy, link=build.softmax, labels=True)


def _binary_cross_entropy(logits: Node, target: Node) -> Node:
    return mean_of_outputs(build.softplus(logits) - target * logits)


def binary_cross_entropy() -> Loss:
    """-t log p - (1 - t) log(1 - p), p = sigmoid(z): softplus(z) - t z; mean over outputs.

    Its derivative is p - t. Targets lie between 0 and 1.
    """
    return Loss("binary_cross_entropy", _binary_cross_entropy, link=build.sigmoid)
