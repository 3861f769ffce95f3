"""Flatten, Reshape and Activation, and layers one after another."""

import numpy as np
import pytest

from clearprop.errors import ArgumentError, ShapeError
from clearprop.nn.layers import Activation, Flatten, Reshape
from tests.nn.network import network

X = np.arange(24.0).reshape(2, 3, 4)


def test_flatten_keeps_the_rows_and_the_order() -> None:
    net = network([Flatten()], (3, 4))
    (output,) = net.run([net.output], X)
    np.testing.assert_array_equal(output, X.reshape(2, 12))


def test_flatten_of_a_single_number_a_row_is_a_column() -> None:
    net = network([Flatten()], ())
    (output,) = net.run([net.output], np.array([1.0, 2.0]))
    assert output.tolist() == [[1], [2]]


@pytest.mark.parametrize("shape", [(12,), (2, 6), (2, -1), (-1,), [4, 3, 1], 12])
def test_reshape_keeps_the_rows_and_the_order(shape: tuple[int, ...]) -> None:
    net = network([Reshape(shape)], (3, 4))
    (output,) = net.run([net.output], X)
    np.testing.assert_array_equal(output, X.reshape(2, *np.atleast_1d(shape)))


@pytest.mark.parametrize("shape", [(5,), (5, -1), (24,), (2, 3)])
def test_a_shape_that_does_not_fit_names_both(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match=r"Reshape to .*a row of shape \(3, 4\) has 12 numbers"):
        Reshape(shape).declare((3, 4), "float32")


@pytest.mark.parametrize("shape", [(-1, -1), (0,), (-2, 3), (2.0,), "12", None])
def test_a_bad_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ArgumentError, match="Reshape"):
        Reshape(shape)


def test_activation_applies_it() -> None:
    net = network([Activation("relu")], (3, 4))
    (output,) = net.run([net.output], X - 10)
    np.testing.assert_array_equal(output, np.maximum(X - 10, 0))


@pytest.mark.parametrize("name", ["rleu", None, 3])
def test_an_activation_needs_a_known_name(name: str) -> None:
    with pytest.raises(ArgumentError, match=r"relu"):
        Activation(name)
