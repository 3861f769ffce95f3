"""Dense: its formula, its variables, and what it refuses."""

from typing import Any

import numpy as np
import pytest

from clearprop.errors import ArgumentError, ShapeError
from clearprop.nn.layers import Dense
from clearprop.nodes.build import sum
from clearprop.transform.differentiate import gradients
from tests.nn.network import network

WEIGHT = [[0.15, 0.25], [0.20, 0.30]]


def test_the_output_is_the_activation_of_x_weight_plus_bias() -> None:
    net = network([Dense(2, "sigmoid", weight=WEIGHT, bias=[0.35, 0.4])], (2,))
    x = np.array([[0.05, 0.10], [1.0, -1.0]])
    z = x @ np.array(WEIGHT) + [0.35, 0.4]
    output, before, after = net.run([net.output, net.names["0.z"], net.names["0.a"]], x)
    np.testing.assert_allclose(before, z, rtol=1e-15)
    np.testing.assert_allclose(after, 1 / (1 + np.exp(-z)), rtol=1e-14)
    assert output is after or (output == after).all()


def test_given_values_are_the_initial_ones_in_the_networks_dtype() -> None:
    net = network([Dense(2, weight=WEIGHT, bias=[1.0, 2.0])], (2,), dtype="float32")
    np.testing.assert_array_equal(net.values["0.weight"], np.array(WEIGHT, np.float32))
    assert net.values["0.bias"].tolist() == [1, 2]


def test_without_values_the_bias_begins_at_zero_and_the_weight_by_the_initializer() -> None:
    net = network([Dense(3, initializer="ones")], (2,))
    assert net.values["0.weight"].tolist() == [[1, 1, 1], [1, 1, 1]]
    assert net.values["0.bias"].tolist() == [0, 0, 0]


def test_a_shared_bias_is_one_number_whose_gradient_is_the_sum_over_units() -> None:
    net = network([Dense(2, weight=WEIGHT, bias=0.35)], (2,))
    assert net.values["0.bias"].shape == ()
    loss = sum(net.output * net.output)
    x = np.array([[0.05, 0.10], [0.5, 0.2]])
    slope, output = net.run([*gradients(loss, [net.variables["0.bias"]]), net.output], x)
    assert slope == pytest.approx((2 * output).sum(), rel=1e-15)


def test_without_a_bias_there_is_none() -> None:
    net = network([Dense(2, use_bias=False)], (2,))
    assert list(net.variables) == ["0.weight"]
    (output,) = net.run([net.output], np.eye(2))
    np.testing.assert_array_equal(output, net.values["0.weight"])


def test_what_is_not_to_be_trained_is_not_trainable() -> None:
    declared = network([Dense(2, train_bias=False), Dense(2, train_weight=False)], (2,)).declared
    trained = {name for name, variable in declared.items() if variable.trainable}
    assert trained == {"0.weight", "1.bias"}


def test_rows_with_more_axes_are_multiplied_along_the_last() -> None:
    net = network([Dense(4)], (5, 3))
    x = np.random.default_rng(0).normal(size=(2, 5, 3))
    (output,) = net.run([net.output], x)
    np.testing.assert_allclose(output, x @ net.values["0.weight"], rtol=1e-14)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"units": 0}, "Dense units must be a whole number of at least 1, is 0"),
        ({"units": 2.5}, "whole number"),
        ({"units": True}, "whole number"),
        ({"units": "8"}, "whole number"),
        ({"units": 2, "activation": "sigmod"}, "did you mean 'sigmoid'"),
        ({"units": 2, "activation": 3}, "unknown activation 3"),
        ({"units": 2, "initializer": "he"}, "unknown initializer 'he'"),
        ({"units": 2, "initializer": "glorot_unifrm"}, "did you mean 'glorot_uniform'"),
        ({"units": 2, "use_bias": "no"}, "Dense use_bias must be true or false, is 'no'"),
        ({"units": 2, "use_bias": False, "bias": [1, 2]}, "leave one of them out"),
        ({"units": 2, "weight": [[1, "a"]]}, "Dense weight must be an array of numbers"),
        ({"units": 2, "weight": [[1, 2], [3]]}, "Dense weight must be an array of numbers"),
        ({"units": 2, "bias": [1, float("nan")]}, "Dense bias holds NaN or infinity"),
    ],
)
def test_a_bad_argument_is_named(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        Dense(**arguments)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"units": 3, "weight": WEIGHT}, r"3 units .* weight of shape \(2, 2\)"),
        ({"units": 3, "bias": [1, 2]}, r"3 units .* bias of shape \(2,\)"),
        ({"units": 3, "weight": [1, 2, 3]}, r"Dense weight must have 2 axes, was given \(3,\)"),
    ],
)
def test_given_values_that_do_not_fit_the_units_name_the_shapes(
    arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(ShapeError, match=message):
        Dense(**arguments)


def test_a_given_weight_that_does_not_fit_the_input_names_both_shapes() -> None:
    with pytest.raises(ShapeError, match=r"\(2, 2\).* 5 numbers a row.*\(5, 2\)"):
        Dense(2, weight=WEIGHT).declare((5,), "float32")


def test_changing_the_array_that_was_given_does_not_change_the_layer() -> None:
    weight = np.array(WEIGHT)
    layer = Dense(2, weight=weight)
    weight[:] = 0
    net = network([layer], (2,))
    np.testing.assert_array_equal(net.values["0.weight"], WEIGHT)
