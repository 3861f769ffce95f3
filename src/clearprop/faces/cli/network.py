"""The network that `clearprop train` makes: hidden layers as asked, a head as the target needs."""

from collections.abc import Sequence

from clearprop.errors import ArgumentError
from clearprop.faces.cli.recipe import LABEL_SMOOTHING
from clearprop.nn.layers import Dense
from clearprop.nn.losses import Loss, get_loss
from clearprop.optim import Optimizer
from clearprop.train.model import Sequential
from clearprop.train.prepare import Amount, Classes, Preparation

__all__ = ["network", "task_loss", "units"]


def units(layers: str) -> list[int]:
    """The numbers of units that ``--layers`` lists."""
    if layers.strip().lower() in ("", "none"):
        return []
    try:
        numbers = [int(word) for word in layers.split(",")]
    except ValueError:
        numbers = [0]
    if min(numbers) < 1:
        raise ArgumentError(
            f"--layers is {layers!r}; expected whole numbers above 0 such as 64,32, or none"
        )
    return numbers


def task_loss(name: str | None, target: Classes | Amount, smoothing: float | None) -> Loss:
    """The loss of this name, or the task's own; ArgumentError where it is none for the task."""
    if isinstance(target, Classes):
        return _loss_of_classes(name or "cross_entropy", target, smoothing)
    if smoothing is not None:
        raise ArgumentError("--label-smoothing is for classes, the task is regression")
    made = get_loss(name or "mean_squared_error")
    if made.takes_logits:
        raise ArgumentError(
            f"{made.name} is a loss of classification, the task is regression; use "
            f"mean_squared_error or huber, or --task classification"
        )
    if made.name == "poisson":
        raise ArgumentError(
            "poisson is for counts, and here targets are standardised; use mean_squared_error, "
            "or clearprop.Sequential"
        )
    return made


def _loss_of_classes(name: str, target: Classes, smoothing: float | None) -> Loss:
    made = get_loss(name)
    if made.name == "binary_cross_entropy" and len(target.labels) != 2:
        raise ArgumentError(
            f"binary_cross_entropy is for two classes, {len(target.labels)} were given; "
            f"use cross_entropy"
        )
    if not made.takes_logits:
        raise ArgumentError(
            f"{made.name} is a loss of regression, the task is classification; use "
            f"cross_entropy or binary_cross_entropy, or --task regression"
        )
    share = LABEL_SMOOTHING if smoothing is None else smoothing
    return get_loss({"type": made.name, "label_smoothing": share})


def network(
    hidden: Sequence[int],
    activation: str,
    loss: Loss,
    optimizer: Optimizer,
    preparation: Preparation,
    seed: int,
) -> Sequential:
    """A model for what is prepared, with an output for each class where the loss takes labels."""
    target = preparation.target
    outputs = len(target.labels) if isinstance(target, Classes) and loss.labels else 1
    model = Sequential(
        [*(Dense(n, activation=activation) for n in hidden), Dense(outputs)],
        loss=loss,
        optimizer=optimizer,
        metrics=["accuracy" if isinstance(target, Classes) else "mean_squared_error"],
        seed=seed,
    )
    model.preparation = preparation
    return model
