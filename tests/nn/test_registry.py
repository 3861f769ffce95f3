"""Layers as data and back, with every key and value checked; the check of the last layer."""

from typing import Any

import numpy as np
import pytest

from clearprop.errors import ArgumentError
from clearprop.nn.head import check_head
from clearprop.nn.layer import Layer
from clearprop.nn.layers import (
    LAYERS,
    Activation,
    BatchNorm,
    Dense,
    Dropout,
    Flatten,
    LayerNorm,
    Reshape,
)
from clearprop.nn.losses import get_loss
from clearprop.nn.registry import layer_from_dict, layer_to_dict

EXAMPLES: list[tuple[Layer, dict[str, Any]]] = [
    (Dense(3), {"type": "dense", "units": 3}),
    (
        Dense(3, "relu", use_bias=False, initializer="he_normal"),
        {
            "type": "dense",
            "units": 3,
            "activation": "relu",
            "use_bias": False,
            "initializer": "he_normal",
        },
    ),
    (
        Dense(2, bias=0.5, train_bias=False),
        {"type": "dense", "units": 2, "bias": 0.5, "train_bias": False},
    ),
    (Activation("gelu"), {"type": "activation", "name": "gelu"}),
    (Dropout(0.25), {"type": "dropout", "rate": 0.25}),
    (Flatten(), {"type": "flatten"}),
    (Reshape((2, -1)), {"type": "reshape", "shape": [2, -1]}),
    (BatchNorm(), {"type": "batch_norm"}),
    (BatchNorm(momentum=0.3), {"type": "batch_norm", "momentum": 0.3}),
    (LayerNorm(epsilon=1e-3), {"type": "layer_norm", "epsilon": 1e-3}),
]


@pytest.mark.parametrize(("layer", "data"), EXAMPLES)
def test_a_layer_is_its_data_and_comes_back(layer: Layer, data: dict[str, Any]) -> None:
    assert layer_to_dict(layer) == data
    again = layer_from_dict(data)
    assert type(again) is type(layer)
    assert layer_to_dict(again) == data


def test_every_layer_has_an_example() -> None:
    assert {type(layer) for layer, _ in EXAMPLES} == set(LAYERS.values())


def test_arrays_of_a_layer_are_not_in_its_data() -> None:
    layer = Dense(2, weight=np.ones((3, 2)), bias=[1.0, 2.0])
    assert layer_to_dict(layer) == {"type": "dense", "units": 2}


def test_an_example_file_may_give_arrays_as_lists() -> None:
    data = {"type": "dense", "units": 2, "weight": [[1, 2], [3, 4]], "bias": [5, 6]}
    layer = layer_from_dict(data)
    assert isinstance(layer, Dense)
    np.testing.assert_array_equal(np.asarray(layer.weight), [[1, 2], [3, 4]])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"type": "dens", "units": 3}, "unknown layer type 'dens': did you mean 'dense'"),
        ({"type": ["dense"]}, "unknown layer type"),
        ({"units": 3}, "a layer needs a type, one of activation, batch_norm"),
        ({"type": "dense"}, "a dense layer needs units"),
        ({"type": "dense", "units": 3, "activaton": "relu"}, "did you mean 'activation'"),
        ({"type": "dense", "units": 3, "kind": "x"}, "unknown argument of a dense layer 'kind'"),
        ({"type": "flatten", "axis": 1}, "a flatten layer takes no arguments, given was 'axis'"),
        ({"type": "dense", "units": [3]}, "Dense units must be a whole number"),
        ({"type": "dropout", "rate": 1}, "Dropout rate must be at least 0 and below 1"),
        ({"type": "dense", "units": 3, "activation": "__import__"}, "unknown activation"),
        (["dense"], "a layer is described by a table"),
    ],
)
def test_data_that_is_no_layer_says_why(data: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        layer_from_dict(data)


@pytest.mark.parametrize(
    ("layers", "loss", "place"),
    [
        ([Dense(4), Dense(3, "softmax")], "cross_entropy", r"layer 1 \(dense\) applies softmax"),
        ([Dense(1, "sigmoid")], "binary_cross_entropy", r"layer 0 \(dense\) applies sigmoid"),
        ([Dense(3), Activation("softmax")], "cross_entropy", r"layer 1 \(activation\)"),
        ([Dense(3, "softmax"), Reshape((3,))], "cross_entropy", r"layer 0 \(dense\)"),
        ([Dense(3, "sigmoid")], "cross_entropy", r"applies sigmoid, and cross_entropy"),
    ],
)
def test_a_squashed_head_under_a_loss_of_logits_names_both_cures(
    layers: list[Layer], loss: str, place: str
) -> None:
    with pytest.raises(ArgumentError, match=place) as caught:
        check_head(layers, get_loss(loss))
    assert "leave s" in str(caught.value)
    assert "use a loss that takes what it gives" in str(caught.value)


@pytest.mark.parametrize(
    ("layers", "loss"),
    [
        ([Dense(3, "softmax")], "mean_squared_error"),
        ([Dense(3)], "cross_entropy"),
        ([Dense(3, "softmax"), Dense(2)], "cross_entropy"),
        ([Dense(3, "tanh")], "cross_entropy"),
        ([Dense(3, "softmax"), Activation("linear")], "mean_squared_error"),
        ([], "cross_entropy"),
    ],
)
def test_other_heads_pass(layers: list[Layer], loss: str) -> None:
    check_head(layers, get_loss(loss))
