"""Layers as plain data and back, for model files and TOML examples; no file can name code."""

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from clearprop.errors import ArgumentError, unknown
from clearprop.nn.layer import Layer
from clearprop.nn.layers import LAYERS

__all__ = ["layer_from_dict", "layer_to_dict"]


def layer_to_dict(layer: Layer) -> dict[str, Any]:
    """The layer's kind as ``type``, and the arguments that differ from their defaults.

    >>> from clearprop.nn.layers import Dense
    >>> layer_to_dict(Dense(3, activation="relu"))
    {'type': 'dense', 'units': 3, 'activation': 'relu'}
    """
    return {"type": layer.kind, **layer.config()}


def layer_from_dict(config: Mapping[str, Any]) -> Layer:
    """The layer that the data describes.

    ArgumentError where the type or an argument is unknown (with the nearest name), an argument is
    missing, or a value is not allowed.

    >>> layer_from_dict({"type": "dense", "unit": 3})  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    clearprop.errors.ArgumentError: unknown argument of a dense layer 'unit': did you ...
    """
    if not isinstance(config, Mapping):
        raise ArgumentError(f"a layer is described by a table with a type, not by {config!r}")
    kind = config.get("type")
    if kind is None:
        raise ArgumentError(f"a layer needs a type, one of {', '.join(sorted(LAYERS))}")
    if not isinstance(kind, str) or kind not in LAYERS:
        raise unknown("layer type", kind, LAYERS)
    made = LAYERS[kind]
    known = {f.name: f.default is MISSING for f in fields(made)}  # type: ignore[arg-type]
    given = {key: value for key, value in config.items() if key != "type"}
    for key in given:
        if key not in known:
            if not known:
                raise ArgumentError(f"a {kind} layer takes no arguments, given was {key!r}")
            raise unknown(f"argument of a {kind} layer", key, known)
    for key, needed in known.items():
        if needed and key not in given:
            raise ArgumentError(f"a {kind} layer needs {key}")
    return made(**given)
