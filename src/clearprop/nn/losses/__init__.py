"""The losses, by name.

>>> get_loss("cross_entropy").takes_logits
True
>>> get_loss({"type": "huber", "delta": 2.0}).config()
{'type': 'huber', 'delta': 2.0}
"""

import copyreg
from collections.abc import Callable, Mapping
from dataclasses import fields
from inspect import signature
from typing import Any

from clearprop.errors import ArgumentError, unknown
from clearprop.nn.losses.classification import binary_cross_entropy, cross_entropy
from clearprop.nn.losses.loss import Function, Loss, weighted_sum
from clearprop.nn.losses.regression import (
    half_squared_error,
    huber,
    mean_absolute_error,
    mean_squared_error,
    poisson,
    quantile,
    sum_squared_error,
)

__all__ = [
    "LOSSES", "MAKERS", "Loss", "binary_cross_entropy", "cross_entropy", "get_loss",
    "half_squared_error", "huber", "mean_absolute_error", "mean_squared_error", "poisson",
    "quantile", "sum_squared_error", "weighted_sum",
]  # fmt: skip

MAKERS: Mapping[str, Callable[..., Loss]] = {
    "mean_squared_error": mean_squared_error,
    "half_squared_error": half_squared_error,
    "sum_squared_error": sum_squared_error,
    "mean_absolute_error": mean_absolute_error,
    "huber": huber,
    "quantile": quantile,
    "poisson": poisson,
    "cross_entropy": cross_entropy,
    "binary_cross_entropy": binary_cross_entropy,
}
"""How each loss is made; some take arguments."""

LOSSES: Mapping[str, Loss] = {name: make() for name, make in MAKERS.items()}
"""Each loss with its default arguments."""


def get_loss(loss: str | Loss | Function | Mapping[str, Any]) -> Loss:
    """A loss by name, by its config, or from a function of (prediction, target) nodes."""
    if isinstance(loss, Loss):
        return loss
    if isinstance(loss, Mapping):
        return _from_config(dict(loss))
    if callable(loss):
        return Loss(getattr(loss, "__name__", "loss"), loss, custom=True)
    if not isinstance(loss, str) or loss not in LOSSES:
        raise unknown("loss", loss, LOSSES)
    return LOSSES[loss]


def _from_config(config: dict[str, Any]) -> Loss:
    name = config.pop("type", None)
    if not isinstance(name, str) or name not in MAKERS:
        raise unknown("loss", name, MAKERS)
    known = list(signature(MAKERS[name]).parameters)
    for key in config:
        if key not in known:
            if not known:
                raise ArgumentError(f"loss {name} takes no arguments, given was {key!r}")
            raise unknown(f"argument of loss {name}", key, known)
    return MAKERS[name](**config)


def _pickled(loss: Loss) -> tuple[Callable[..., Loss], tuple[Any, ...]]:
    """A named loss by its config, as a file holds it; any other by its fields."""
    if loss.custom or loss.name not in MAKERS:
        return Loss, tuple(getattr(loss, field.name) for field in fields(loss))
    return get_loss, (loss.config(),)


copyreg.pickle(Loss, _pickled)  # what makes a loss keeps its function inside, where pickle is blind
