"""The command line's defaults: what trains a small table well without being told anything.

The idea. Adam falls from a high rate to zero along a cosine, so that training ends where it stands
and no row has to be held back to say when to stop. What keeps a network with thousands of weights
from learning a hundred rows by heart is the penalty on the weights. A prior of fixed strength would
be 1 / rows of the mean loss; rows^-1.5 measured better, as more rows also take more steps. Amounts
are noisier than classes, so their penalty is stronger. Labels are believed to 97 in a hundred only,
so that the network does not spend itself on certainty (Szegedy et al. 2016, section 7): this is an
argument of the loss; the loss that is reported is without it. `scripts/accuracy` measures the
defaults on rows held out from all of this.

Tried and dropped: dropout and decoupled decay (no better than the penalty), clipping what is
standardised (+0.002 on digits, but then a far value is not told from a farther one). Early stopping
is for those who ask (``--patience``): it needs rows that the defaults leave alone.
"""

import math
from dataclasses import dataclass, fields
from typing import Any

from clearprop.errors import ArgumentError
from clearprop.optim import OPTIMIZERS, CosineDecay, Optimizer, get_optimizer
from clearprop.train.prepare import Task

__all__ = ["LABEL_SMOOTHING", "Recipe", "recipe"]

_STEPS = 3000
_RATES = {"adam": 1e-2, "adamw": 1e-2, "nadam": 1e-2, "radam": 1e-2, "sgd": 5e-2, "lion": 1e-3}
_PENALTIES: dict[Task, tuple[float, float]] = {
    "classification": (140.0, 0.03),
    "regression": (600.0, 0.1),
}
"""The penalty is the first divided by rows^1.5, and at most the second."""

_DECOUPLED = ("adamw", "lion")

LABEL_SMOOTHING = 0.03
"""The share of a label that is spread over all classes."""


@dataclass(frozen=True)
class Recipe:
    """An optimizer with all its numbers, and how to run it."""

    optimizer: Optimizer
    batch_size: int
    epochs: int


def _batch_size(rows: int) -> int:
    """From 16 to 256, growing with the table."""
    size = 16
    while size < 256 and size * 64 < rows:
        size *= 2
    return min(size, rows)


def _epochs(steps: int) -> int:
    """About 3000 steps, within 20 to 80 epochs; more for tables of a few batches."""
    return min(max(round(_STEPS / steps), 20), 80 if steps >= 5 else 300)


def recipe(
    rows: int,
    task: Task,
    *,
    optimizer: str = "adam",
    learning_rate: float | None = None,
    weight_decay: float | None = None,
    batch_size: int | None = None,
    epochs: int | None = None,
) -> Recipe:
    """What was not given is chosen by the number of training rows and the task.

    >>> made = recipe(120, "classification")
    >>> made.batch_size, made.epochs
    (16, 80)
    """
    size = min(_batch_size(rows) if batch_size is None else batch_size, rows)
    steps = -(-rows // size)
    count = _epochs(steps) if epochs is None else epochs
    base: Any = get_optimizer(optimizer)
    rate = _RATES.get(optimizer, base.learning_rate) if learning_rate is None else learning_rate
    if not 0 < rate < math.inf:
        raise ArgumentError(f"--learning-rate is {rate}; expected a finite number above 0")
    given = {f.name: getattr(base, f.name) for f in fields(base)}
    given["learning_rate"] = CosineDecay(rate, steps=steps * count)
    if optimizer == "sgd":
        given["momentum"] = 0.9
    decay = _weight_decay(optimizer, rows, task) if weight_decay is None else weight_decay
    if decay is not None:
        if "weight_decay" not in given:
            raise ArgumentError(f"optimizer {optimizer} has no weight decay")
        given["weight_decay"] = decay
    return Recipe(OPTIMIZERS[optimizer](**given), size, count)


def _weight_decay(optimizer: str, rows: int, task: Task) -> float | None:
    """The penalty; optimizers that decay apart from the gradient keep their own default."""
    if optimizer in _DECOUPLED:
        return None
    strength, most = _PENALTIES[task]
    return min(strength / math.pow(rows, 1.5), most)
