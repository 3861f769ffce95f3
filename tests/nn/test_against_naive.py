"""Whole networks agree with the independent scalar engine, forward and backward."""

import numpy as np
import pytest

from clearprop.nn.activations import ACTIVATIONS
from clearprop.nn.layers import Dense
from clearprop.nn.losses import LOSSES
from clearprop.nodes.build import input
from clearprop.nodes.shapes import ROWS
from clearprop.transform.differentiate import gradients
from tests import naive
from tests.nn.network import Array, network

CLASSES = {"cross_entropy", "binary_cross_entropy"}


def agree(activation: str, loss: str, integers: bool = False) -> None:
    """A net of three layers, five weighted rows, all gradients, to 1e-12 in float64."""
    head = "linear" if loss in {*CLASSES, "poisson"} else activation
    layers = [Dense(4, activation), Dense(3, activation), Dense(3, head)]
    net = network(layers, (2,), seed=3)
    random = np.random.default_rng(7)
    for name in net.parameters:
        net.values[name] = np.asarray(random.normal(0, 0.8, net.values[name].shape))
    x, weights = random.normal(0, 1, (5, 2)), random.uniform(0.5, 2, 5)
    target = target_for(loss, random)
    given = target.argmax(1).astype(np.int32) if integers else target
    y = input("y", (ROWS,) if integers else (ROWS, 3), "int32" if integers else "float64")
    numerator, denominator = LOSSES[loss].total(net.output, y, net.weights)
    slopes = gradients(numerator / denominator, list(net.parameters.values()))
    wanted = [net.output, numerator / denominator, *slopes]
    output, value, *found = net.run(wanted, x, y=given, weights=weights)

    twin = [
        naive.Dense(net.values[f"{i}.weight"].tolist(), net.values[f"{i}.bias"].tolist(), kind)
        for i, kind in enumerate((activation, activation, head))
    ]
    expected = naive.loss(loss, twin, x.tolist(), target.tolist(), weights.tolist())
    expected.backward()
    predictions = [[v.number for v in naive.network(twin, row)] for row in x.tolist()]
    np.testing.assert_allclose(output, predictions, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(value, expected.number, rtol=1e-12, atol=1e-12)
    for name, array in zip(net.parameters, found, strict=True):
        layer = twin[int(name[0])]
        values = layer.weight if name.endswith("weight") else [layer.bias]
        truth = np.array([[v.gradient for v in row] for row in values]).reshape(array.shape)
        np.testing.assert_allclose(array, truth, rtol=1e-12, atol=1e-12, err_msg=name)


def target_for(loss: str, random: np.random.Generator) -> Array:
    if loss == "cross_entropy":
        return np.eye(3)[[0, 2, 1, 1, 0]]
    if loss == "binary_cross_entropy":
        return random.integers(0, 2, (5, 3)).astype(float)
    return (
        random.poisson(2, (5, 3)).astype(float)
        if loss == "poisson"
        else random.normal(0, 1.5, (5, 3))
    )


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_a_network_with_each_activation_agrees_with_the_scalar_engine(activation: str) -> None:
    agree(activation, "half_squared_error")


@pytest.mark.parametrize("loss", LOSSES)
def test_a_network_under_each_loss_agrees_with_the_scalar_engine(loss: str) -> None:
    agree("tanh", loss)


def test_integer_labels_are_the_one_hot_rows_they_stand_for() -> None:
    agree("silu", "cross_entropy", integers=True)


def test_the_scalar_engine_knows_every_activation_and_loss() -> None:
    assert set(naive.ACTIVATIONS) == set(ACTIVATIONS)
    assert set(naive.LOSSES) == set(LOSSES)


def test_the_scalar_engine_differentiates_by_the_chain_rule() -> None:
    x = naive.Value(0.7)
    naive.sigmoid(x * x + 3.0 * x).backward()
    s = 1 / (1 + np.exp(-(0.49 + 2.1)))
    assert x.gradient == pytest.approx(s * (1 - s) * (1.4 + 3), rel=1e-14)
