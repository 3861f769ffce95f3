"""Optimizers and schedules by name, and their configurations as JSON would hold them."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from clearprop.errors import ArgumentError, unknown
from clearprop.optim.adadelta import Adadelta
from clearprop.optim.adagrad import Adagrad
from clearprop.optim.adam import Adam, AdamW
from clearprop.optim.adamax import Adamax
from clearprop.optim.lion import Lion
from clearprop.optim.nadam import NAdam
from clearprop.optim.optimizer import Optimizer
from clearprop.optim.plateau import ReduceOnPlateau
from clearprop.optim.radam import RAdam
from clearprop.optim.rmsprop import RMSprop
from clearprop.optim.schedules import (
    CosineDecay,
    ExponentialDecay,
    OneCycle,
    Schedule,
    StepDecay,
    WarmupCosine,
)
from clearprop.optim.sgd import SGD

__all__ = [
    "OPTIMIZERS",
    "SCHEDULES",
    "get_optimizer",
    "optimizer_from_dict",
    "optimizer_to_dict",
]

OPTIMIZERS: Mapping[str, type[Optimizer]] = {
    "sgd": SGD,
    "adagrad": Adagrad,
    "adadelta": Adadelta,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamw": AdamW,
    "nadam": NAdam,
    "adamax": Adamax,
    "radam": RAdam,
    "lion": Lion,
}

SCHEDULES: Mapping[str, type[Schedule]] = {
    "step_decay": StepDecay,
    "exponential_decay": ExponentialDecay,
    "cosine_decay": CosineDecay,
    "warmup_cosine": WarmupCosine,
    "one_cycle": OneCycle,
    "reduce_on_plateau": ReduceOnPlateau,
}


def get_optimizer(given: object) -> Optimizer:
    """The optimizer of a name, with its defaults, or the one given.

    >>> get_optimizer("adam").learning_rate
    0.001
    """
    if isinstance(given, Optimizer):
        return given
    if isinstance(given, str):
        return optimizer_from_dict({"type": given})
    raise ArgumentError(
        f"an optimizer is a name or an instance such as Adam(1e-3), given was {given!r}"
    )


def _make(kind: str, made: type[Any], name: str, arguments: Mapping[str, Any]) -> Any:
    known = {f.name for f in fields(made)}
    for key in arguments:
        if key not in known:
            raise unknown(f"argument of {name}", key, known)
    try:
        return made(**arguments)
    except TypeError as error:  # an argument without a default is missing
        raise ArgumentError(f"{kind} {name}: {error}") from None


def _to_dict(given: Optimizer | Schedule, table: Mapping[str, type[Any]]) -> dict[str, Any]:
    names = {made: name for name, made in table.items()}
    if type(given) not in names:
        raise ArgumentError(f"{type(given).__name__} is none of {', '.join(table)}")
    out: dict[str, Any] = {"type": names[type(given)]}
    for field in fields(given):
        value = getattr(given, field.name)
        if isinstance(value, Schedule):
            value = _to_dict(value, SCHEDULES)
        out[field.name] = list(value) if isinstance(value, tuple) else value
    return out


def _from_dict(kind: str, config: object, table: Mapping[str, type[Any]]) -> Any:
    if not isinstance(config, Mapping):
        raise ArgumentError(f"{kind} must be a table with the key 'type', given was {config!r}")
    name = config.get("type")
    if not isinstance(name, str) or name not in table:
        raise unknown(kind, name, table)
    return _make(kind, table[name], name, {k: v for k, v in config.items() if k != "type"})


def optimizer_to_dict(optimizer: Optimizer) -> dict[str, Any]:
    """All arguments of an optimizer, with its name under ``type``, as JSON would hold them.

    >>> optimizer_to_dict(SGD(0.1))["learning_rate"]
    0.1
    """
    return _to_dict(optimizer, OPTIMIZERS)


def optimizer_from_dict(config: object) -> Optimizer:
    """The optimizer that `optimizer_to_dict` wrote; an unknown type or key is an ArgumentError."""
    if isinstance(config, Mapping) and isinstance(config.get("learning_rate"), Mapping):
        rate = _from_dict("schedule", config["learning_rate"], SCHEDULES)
        config = {**config, "learning_rate": rate}
    made: Optimizer = _from_dict("optimizer", config, OPTIMIZERS)
    return made
