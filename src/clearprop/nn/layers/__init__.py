"""The layers, by the kind that files name them with."""

from collections.abc import Mapping

from clearprop.nn.layer import Layer
from clearprop.nn.layers.dense import Dense

__all__ = ["LAYERS", "Dense"]

LAYERS: Mapping[str, type[Layer]] = {layer.kind: layer for layer in (Dense,)}
