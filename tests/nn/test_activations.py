"""Activations: their values, and that no number makes them or their derivatives break."""

import numpy as np
import pytest

from clearprop.errors import ArgumentError
from clearprop.nn.activations import ACTIVATIONS, get_activation
from clearprop.nodes import Graph, Node
from clearprop.nodes.build import input, sum
from clearprop.readings.reference import evaluate
from clearprop.transform.differentiate import gradients

POINTS = [0.0, 1e-30, -1e-30, 50.0, -50.0, 1e4, -1e4]
DTYPES = ("float32", "float64")


def value_and_derivatives(name: str, x: Node) -> list[Node]:
    """The activation, its slope and its curvature; of softmax, along a fixed direction."""
    direction = input("direction", x.shape, x.dtype)
    y = ACTIVATIONS[name](x)
    (first,) = gradients(sum(y * direction), [x])
    (second,) = gradients(sum(first * direction), [x])
    return [y, first, second]


def at(name: str, points: list[float], dtype: str) -> list[np.ndarray]:
    x = input("x", (len(points), 3) if name == "softmax" else (len(points),), dtype)
    outputs = value_and_derivatives(name, x)
    direction = input("direction", x.shape, dtype)
    given = np.array(points, dtype)
    if name == "softmax":  # each point beside 0 and beside its opposite
        given = np.stack([given, 0 * given, -given], axis=1)
    straight = np.ones(given.shape, dtype)
    if name == "softmax":
        straight[:] = [1.0, -2.0, 0.5]
    return evaluate(Graph((x, direction), tuple(outputs)), {"x": given, "direction": straight})


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_value_slope_and_curvature_are_finite_everywhere(name: str, dtype: str) -> None:
    for order, array in enumerate(at(name, POINTS, dtype)):
        assert array.dtype == dtype
        assert np.isfinite(array).all(), (order, dict(zip(POINTS, array, strict=True)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_nan_in_gives_nan_out(name: str, dtype: str) -> None:
    assert np.isnan(at(name, [np.nan], dtype)[0]).all()


SLOPES = {
    "relu": (0.0, 0.0),
    "leaky_relu": (0.0, 0.01),
    "elu": (0.0, 1.0),
    "selu": (0.0, 1.0507009873554805 * 1.6732632423543772),
    "gelu": (0.0, 0.5),
    "silu": (0.0, 0.5),
    "softplus": (np.log(2), 0.5),
    "sigmoid": (0.5, 0.25),
    "tanh": (0.0, 1.0),
    "hard_sigmoid": (0.5, 1 / 6),
    "mish": (0.0, 0.6),
    "linear": (0.0, 1.0),
}


@pytest.mark.parametrize("name", SLOPES)
def test_value_and_slope_at_zero_are_the_stated_ones(name: str) -> None:
    value, slope, _ = at(name, [0.0], "float64")
    np.testing.assert_allclose([value[0], slope[0]], SLOPES[name], rtol=1e-14)


@pytest.mark.parametrize("name", [n for n in ACTIVATIONS if n != "softmax"])
def test_slope_and_curvature_are_central_differences(name: str) -> None:
    points = [-4.0, -2.0, -0.7, 0.3, 1.3, 2.9, 5.0]
    h = 1e-5
    _, slope, curvature = at(name, points, "float64")
    above, below = (at(name, [p + s for p in points], "float64") for s in (h, -h))
    np.testing.assert_allclose(slope, (above[0] - below[0]) / (2 * h), rtol=1e-7, atol=1e-9)
    np.testing.assert_allclose(curvature, (above[1] - below[1]) / (2 * h), rtol=1e-7, atol=1e-9)


def test_hard_sigmoid_is_flat_from_its_corners_on() -> None:
    value, slope, _ = at("hard_sigmoid", [-3.0, 3.0, -3.5, 3.5], "float64")
    assert value.tolist() == [0, 1, 0, 1]
    assert slope.tolist() == [0, 0, 0, 0]


def test_softmax_does_not_change_when_a_number_is_added_to_all() -> None:
    x = input("x", (1, 3), "float64")
    graph = Graph((x,), (ACTIVATIONS["softmax"](x),))
    (low,) = evaluate(graph, {"x": np.array([[1.0, 2.0, 4.0]])})
    (high,) = evaluate(graph, {"x": np.array([[1001.0, 1002.0, 1004.0]])})
    np.testing.assert_array_equal(low, high)
    np.testing.assert_allclose(low, np.exp([[1, 2, 4]]) / np.exp([1, 2, 4]).sum(), rtol=1e-15)


def test_an_unknown_activation_names_the_nearest() -> None:
    with pytest.raises(ArgumentError, match=r"unknown activation 'relo': did you mean 'relu'\?"):
        get_activation("relo")


def test_no_activation_is_linear() -> None:
    x = input("x", (2,))
    assert get_activation(None)(x) is x
