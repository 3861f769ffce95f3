"""Model files: one .safetensors file with the weights, and all else as one JSON text beside them.

Nothing is executed from a file: layers, losses and optimizers are names in fixed registries, and
every name, shape, dtype and number is checked before a model is made of them.
"""

import json
import math
import os
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from clearprop.errors import ArgumentError, ClearpropError, FileError
from clearprop.nn.losses import get_loss
from clearprop.nn.registry import layer_from_dict, layer_to_dict
from clearprop.optim.registry import optimizer_from_dict, optimizer_to_dict
from clearprop.train.atomic import write_atomically
from clearprop.train.model import Sequential
from clearprop.train.network import Network, describe
from clearprop.train.prepare.data import preparation_from_data, preparation_to_data

__all__ = ["FORMAT", "load_model", "save_model"]

FORMAT = 1
"""The number of the format that this version writes, and the newest that it reads."""

# what a strange description makes the registries raise, sizes that no machine has among it
_REFUSALS = (ClearpropError, ArithmeticError, LookupError, MemoryError, TypeError, ValueError)

_KEYS = {
    "format", "version", "dtype", "seed", "input_shape", "layers", "loss", "optimizer", "metrics",
    "preprocessing", "labels",
}  # fmt: skip


def save_model(model: Sequential, path: str | os.PathLike[str]) -> None:
    """Writes a built model; the file is there whole, or as it was before.

    Written are the weights and all that makes the model, not what the optimizer remembers: see
    `load_model`.

    Raises ArgumentError for a loss or metric that is a function, which no file can name.
    """
    from safetensors.numpy import save

    if model.input_shape is None:
        raise ArgumentError("a model that is not built has no weights to save: fit or build it")
    described = {
        "format": FORMAT,
        "version": version("clearprop"),
        "dtype": model.dtype,
        "seed": model.seed,
        "input_shape": list(model.input_shape),
        "layers": [layer_to_dict(layer) for layer in model.layers],
        "loss": model.loss.config(),
        "optimizer": optimizer_to_dict(model.optimizer),
        "metrics": [_metric_name(m) for m in model.metrics],
        "preprocessing": None
        if model.preparation is None
        else preparation_to_data(model.preparation),
        "labels": None if model.labels is None else list(model.labels),
    }
    text = json.dumps(described, allow_nan=False, separators=(",", ":"))
    tensors = {name: np.asarray(value, order="C") for name, value in model.weights.items()}
    write_atomically(path, save(tensors, {"clearprop": text}))


def _metric_name(metric: Any) -> str:
    from clearprop.nn.metrics import METRICS

    name = metric if isinstance(metric, str) else metric.name
    if name not in METRICS:
        raise ArgumentError(f"the metric {name} is a function and cannot be written to a file")
    return str(name)


def load_model(path: str | os.PathLike[str]) -> Sequential:
    """The model in a file; FileError says what is wrong with a file that holds none.

    A file holds no state of the optimizer and no count of steps: fit goes on from the weights, with
    the optimizer and its schedule starting anew.
    """
    name = os.fspath(path)
    described, tensors = _read(name)
    try:
        model, shape = _model(described)
        # before anything is allocated: a shape in a description costs nothing to write
        _check_weights(describe(model.layers, shape, model.dtype), tensors)
        model.build(shape)
        model.set_weights(tensors)
    except _REFUSALS as error:
        raise FileError(f"{name}: {error}") from error
    return model


def _read(name: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    from safetensors import SafetensorError, safe_open

    if Path(name).is_dir():
        raise FileError(f"{name} is a folder; expected a model file that clearprop train wrote")
    if not Path(name).exists():
        raise FileError(f"no such file: {name}; expected a model file that clearprop train wrote")
    try:
        with safe_open(name, framework="numpy") as file:
            metadata = file.metadata() or {}
            described = _described(name, metadata)
            return described, {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, TypeError, ValueError) as error:
        said = str(error).rstrip(".")
        raise FileError(
            f"{name} is not a model file, or is cut off or damaged ({said}); "
            f"expected a .safetensors file that clearprop wrote"
        ) from error


def _described(name: str, metadata: dict[str, str]) -> dict[str, Any]:
    if "clearprop" not in metadata:
        raise FileError(
            f"{name} is a .safetensors file, but not a clearprop model: it has no 'clearprop' entry"
        )
    try:
        described = json.loads(metadata["clearprop"])
    except (ValueError, RecursionError) as error:
        raise FileError(f"{name}: its description is damaged: {error}") from error
    form = described.get("format") if isinstance(described, dict) else None
    if not isinstance(form, int) or isinstance(form, bool) or form < 1:
        raise FileError(f"{name}: its format is {form!r}; expected a number from 1 to {FORMAT}")
    if form > FORMAT:
        by = described.get("version", "a newer version")
        raise FileError(
            f"{name} has format {form}, written by clearprop {by}; this version reads up to "
            f"{FORMAT}: run pip install --upgrade clearprop"
        )
    return dict(described)


def _model(described: dict[str, Any]) -> tuple[Sequential, tuple[int, ...]]:
    if set(described) != _KEYS:
        odd = sorted(set(described) ^ _KEYS)
        raise FileError(f"its description is damaged: missing or unknown: {', '.join(odd)}")
    layers, metrics = described["layers"], described["metrics"]
    if not isinstance(layers, list) or not layers:
        raise FileError("its layers are damaged: expected a list of at least one")
    if not isinstance(metrics, list):
        raise FileError("its metrics are damaged: expected a list of names")
    shape = _shape(described["input_shape"])
    preprocessing = described["preprocessing"]
    model = Sequential(
        [layer_from_dict(layer) for layer in layers],
        loss=get_loss(described["loss"]),
        optimizer=optimizer_from_dict(described["optimizer"]),
        metrics=metrics,
        dtype=described["dtype"],
        seed=described["seed"],
    )
    if preprocessing is not None:
        model.preparation = preparation_from_data(preprocessing)
        if shape != (len(model.preparation.features),):
            raise FileError(
                f"its preprocessing gives {len(model.preparation.features)} features, its first "
                f"layer takes {shape}"
            )
    labels = None if model.labels is None else list(model.labels)
    if labels != described["labels"]:
        raise FileError(f"its labels are {described['labels']}, its preprocessing has {labels}")
    return model, shape


def _shape(given: Any) -> tuple[int, ...]:
    good = isinstance(given, list) and all(type(d) is int and 0 < d < 2**31 for d in given)
    if not good or not math.prod(given) < 2**40:
        raise FileError(f"its input_shape is {given!r}; expected a list of whole numbers")
    return tuple(given)


def _check_weights(network: Network, given: dict[str, np.ndarray]) -> None:
    expected, dtype = network.variables, network.dtype
    odd = sorted(set(expected) ^ set(given))
    if odd:
        what = "lacks" if odd[0] in expected else "has, but its layers do not,"
        raise FileError(f"it {what} the weight {odd[0]!r}")
    for name, variable in expected.items():
        here = given[name]
        if here.shape != variable.shape or here.dtype != dtype:
            raise FileError(
                f"its weight {name!r} is {here.dtype} of shape {here.shape}; "
                f"expected {dtype} of shape {variable.shape}"
            )
        if not np.isfinite(here).all():
            raise FileError(f"its weight {name!r} holds NaN or infinity")
