"""Checks of a model's arguments; each gives the value as the model keeps it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from clearprop.errors import ArgumentError
from clearprop.nn.layer import Layer
from clearprop.nn.losses import Loss
from clearprop.nn.metrics import Metric, get_metric

__all__ = [
    "callback_list",
    "check_lengths",
    "check_probabilities",
    "check_threads",
    "dtype_name",
    "layer_list",
    "metric_tuple",
    "row_shape",
    "seed_number",
]


def layer_list(given: Sequence[Layer]) -> list[Layer]:
    """At least one layer, each made and not a class."""
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ArgumentError(f"layers is {given!r}; expected a list of layers, such as [Dense(3)]")
    layers = list(given)
    if not layers:
        raise ArgumentError("a model needs at least one layer")
    for place, layer in enumerate(layers):
        if isinstance(layer, type) and issubclass(layer, Layer):
            raise ArgumentError(f"layer {place} is the class {layer.__name__}; call it: Dense(3)")
        if not isinstance(layer, Layer):
            raise ArgumentError(f"layer {place} is {layer!r}; expected a layer such as Dense(3)")
    return layers


def metric_tuple(given: Any) -> tuple[Metric, ...]:
    """Several metrics, or one, each with a name of its own."""
    several = isinstance(given, Iterable) and not isinstance(given, str)
    found = tuple(get_metric(m) for m in (given if several else [given] if given else ()))
    count = Counter(["loss", *(metric.name for metric in found)])
    for name, times in count.items():
        if times > 1:
            raise ArgumentError(f"metrics name {name!r} twice; each name is recorded once")
    return found


_EVENTS = ("on_train_begin", "on_epoch_end", "on_train_end")


def callback_list(given: Any) -> tuple[Any, ...]:
    """Callbacks, each listening to something; None for no callbacks."""
    if given is None:
        return ()
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ArgumentError(f"callbacks is {given!r}; expected a list: callbacks=[...]")
    callbacks = tuple(given)
    for place, callback in enumerate(callbacks):
        if isinstance(callback, type):
            raise ArgumentError(f"callback {place} is the class {callback.__name__}; call it")
        if not any(callable(getattr(callback, event, None)) for event in _EVENTS):
            raise ArgumentError(
                f"callback {place} is {callback!r}; expected an object with one of the methods "
                f"{', '.join(_EVENTS)}"
            )
    return callbacks


def dtype_name(given: object) -> str:
    """float32 or float64, as a name or as NumPy's.

    >>> dtype_name(np.float64)
    'float64'
    """
    name = str(np.dtype(given)) if isinstance(given, type | np.dtype) else given
    if name not in ("float32", "float64"):
        raise ArgumentError(f"dtype is {given!r}; expected 'float32' or 'float64'")
    return str(name)


def seed_number(given: object) -> int:
    """A whole number of 32 bits: what the engine draws random numbers from."""
    whole = isinstance(given, int | np.integer) and not isinstance(given, bool)
    if not whole or not 0 <= int(given) < 2**32:  # type: ignore[call-overload]
        raise ArgumentError(f"seed is {given!r}; expected a whole number from 0 to {2**32 - 1}")
    return int(given)  # type: ignore[call-overload, no-any-return]


def row_shape(given: int | Sequence[int]) -> tuple[int, ...]:
    """The shape of one row of inputs; a number stands for that many features.

    >>> row_shape(4)
    (4,)
    """
    shape = tuple(given) if isinstance(given, Iterable) else (given,)
    if not all(isinstance(d, int | np.integer) and d > 0 for d in shape):
        raise ArgumentError(f"input_shape is {given!r}; expected whole numbers, without the rows")
    return tuple(int(d) for d in shape)


def check_threads(threads: object) -> None:
    """None or a number of threads; the bits of a result do not depend on it."""
    good = isinstance(threads, int | np.integer) and not isinstance(threads, bool)
    if threads is not None and (not good or int(threads) < 1):  # type: ignore[call-overload]
        raise ArgumentError(f"threads is {threads!r}; expected None or a whole number >= 1")


def check_lengths(lengths: object) -> None:
    """None: no layer mixes time."""
    if lengths is not None:
        raise ArgumentError("lengths= was given, but no layer of this model mixes time")


def check_probabilities(layers: Sequence[Layer], loss: Loss) -> None:
    """ArgumentError where neither the loss nor the last layer makes probabilities."""
    applied = getattr(layers[-1], "activation", None) or getattr(layers[-1], "name", None)
    if not loss.takes_logits and applied not in ("softmax", "sigmoid"):
        raise ArgumentError(
            f"with the loss {loss.name} and a last layer without softmax or sigmoid there "
            "are no probabilities; use predict"
        )
