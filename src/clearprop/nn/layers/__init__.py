"""The layers, by the kind that files name them with."""

from collections.abc import Mapping

from clearprop.nn.layer import Layer
from clearprop.nn.layers.activation import Activation
from clearprop.nn.layers.batch_norm import BatchNorm
from clearprop.nn.layers.dense import Dense
from clearprop.nn.layers.dropout import Dropout
from clearprop.nn.layers.flatten import Flatten
from clearprop.nn.layers.layer_norm import LayerNorm
from clearprop.nn.layers.reshape import Reshape

__all__ = [
    "LAYERS", "Activation", "BatchNorm", "Dense", "Dropout", "Flatten", "LayerNorm", "Reshape",
]  # fmt: skip

LAYERS: Mapping[str, type[Layer]] = {
    layer.kind: layer
    for layer in (Dense, Activation, Dropout, Flatten, Reshape, BatchNorm, LayerNorm)
}
