"""Losses of classes; predictions are logits, so that nothing underflows before the logarithm."""

from clearprop.errors import ArgumentError
from clearprop.nn.checks import number
from clearprop.nn.losses.loss import Loss, mean_of_outputs
from clearprop.nodes import build
from clearprop.nodes.node import Node

__all__ = ["binary_cross_entropy", "cross_entropy"]

_SMOOTHING = "label_smoothing"


def _arguments(label_smoothing: float) -> tuple[tuple[str, float], ...]:
    """The argument where it is not 0: only that shapes the graph."""
    share = number(_SMOOTHING, label_smoothing, 0.0, 1.0, closed=True)
    return ((_SMOOTHING, share),) if share else ()


def _cross_entropy(logits: Node, target: Node, label_smoothing: Node | float | None = None) -> Node:
    if len(logits.shape) < 2 or logits.shape[-1] == 1:
        raise ArgumentError(
            "cross_entropy needs an output for each class, the last layer gives 1: "
            "use binary_cross_entropy"
        )
    if label_smoothing is not None:
        classes = logits.shape[-1]
        assert isinstance(classes, int)  # rows come first, and a row has outputs
        target = target * (1 - label_smoothing) + label_smoothing / classes
    return -build.sum(target * build.log_softmax(logits), axis=-1)


def cross_entropy(label_smoothing: float = 0.0) -> Loss:
    """-sum of target times log softmax(logits) over the classes; mean over rows and times.

    Targets are integer labels (rows,) or one-hot or probabilities in the shape of the logits. Label
    smoothing s spreads a share s of each label over all classes: with L the loss without it,
    (1 - s) L + s mean of -log softmax over the classes, as in PyTorch (Szegedy et al. 2016,
    section 7).

    >>> cross_entropy(label_smoothing=0.1).config()
    {'type': 'cross_entropy', 'label_smoothing': 0.1}
    """
    return Loss(
        "cross_entropy",
        _cross_entropy,
        link=build.softmax,
        labels=True,
        arguments=_arguments(label_smoothing),
        varied=(_SMOOTHING,),
    )


def _binary_cross_entropy(
    logits: Node, target: Node, label_smoothing: Node | float | None = None
) -> Node:
    if label_smoothing is not None:
        target = target * (1 - label_smoothing) + label_smoothing / 2
    return mean_of_outputs(build.softplus(logits) - target * logits)


def binary_cross_entropy(label_smoothing: float = 0.0) -> Loss:
    """-t log p - (1 - t) log(1 - p), p = sigmoid(z): softplus(z) - t z; mean over outputs.

    Its derivative is p - t. Targets lie between 0 and 1. With label smoothing s the target is
    (1 - s) t + s / 2.
    """
    return Loss(
        "binary_cross_entropy",
        _binary_cross_entropy,
        link=build.sigmoid,
        arguments=_arguments(label_smoothing),
        varied=(_SMOOTHING,),
    )
