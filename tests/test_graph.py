"""The face of graphs: what people call, and what they are told when it does not fit."""

import re
from typing import Any

import numpy as np
import pytest

from clearprop import graph as g
from clearprop.errors import ArgumentError, GraphError, ShapeError, TypeMismatch

READINGS = sorted(g.READINGS)

NO_NODE: Any = 3
X, W = g.input("x", (4, 3)), g.input("w", (3, 2))
Y = g.sum(g.sigmoid(X @ W))


@pytest.mark.parametrize("reading", READINGS)
def test_the_contracts_example_runs_in_every_reading(reading: str) -> None:
    (dw,) = g.gradient(Y, [W])
    f = g.compile([Y, dw], [X, W], reading=reading)
    rng = np.random.default_rng(0)
    x, w = rng.normal(size=(4, 3)).astype("f4"), rng.normal(size=(3, 2)).astype("f4")
    y, slope = f(x, w)
    s = 1 / (1 + np.exp(-(x.astype("f8") @ w)))
    assert float(y) == pytest.approx(s.sum(), rel=1e-6)
    np.testing.assert_allclose(slope, x.T @ (s * (1 - s)), rtol=1e-5, atol=1e-6)
    assert (slope.dtype, slope.shape) == (np.float32, (3, 2))


def test_machine_code_is_the_default() -> None:
    f = g.compile(Y, [X, W])
    assert f(np.zeros((4, 3)), np.zeros((3, 2))) == 4.0


def test_a_gradient_can_be_differentiated_again() -> None:
    x = g.input("x", (), "float64")
    y = g.exp(2 * x)
    for order in range(1, 5):
        y = g.gradient(y, x)
        value = g.compile(y, [x], reading="reference")(0.5)
        assert float(value) == pytest.approx(2.0**order * np.e)


def test_one_output_gives_one_array_and_a_list_a_list() -> None:
    one = g.compile(Y, [X, W], reading="source")
    many = g.compile([Y], [X, W], reading="source")
    values = np.ones((4, 3)), np.ones((3, 2))
    assert isinstance(one(*values), np.ndarray)
    assert [type(v) for v in many(*values)] == [np.ndarray]


def test_lists_numbers_and_arrays_of_the_same_kind_are_taken() -> None:
    a, b = g.input("a", (2,)), g.input("b", ())
    f = g.compile(a * b, [a, b], reading="reference")
    for given in ([1, 2], [1.0, 2.0], np.array([1, 2]), np.array([1.0, 2.0])):
        got = f(given, 2)
        assert got.dtype == np.float32
        assert got.tolist() == [2, 4]


def test_rows_are_known_when_the_function_is_called() -> None:
    x = g.input("x", (g.ROWS, 3))
    f = g.compile(g.mean(x, 0), [x], reading="reference")
    for rows in (1, 2, 7):
        assert f(np.ones((rows, 3))).tolist() == [1, 1, 1]


def test_the_results_are_the_callers_own() -> None:
    for reading in READINGS:
        f = g.compile([X, X], [X], reading=reading)
        x = np.ones((4, 3), np.float32)
        first, second = f(x)
        first[:] = 7
        assert x[0, 0] == 1
        assert second[0, 0] == 1


@pytest.mark.parametrize(
    ("call", "error", "said"),
    [
        (lambda: g.compile(Y, [X, W], reading="lvm"), ArgumentError, "did you mean 'llvm'"),
        (lambda: g.compile(Y, [X]), GraphError, "'w' is used but not among"),
        (lambda: g.compile(Y, [X, X @ W]), ArgumentError, "is not an input"),
        (lambda: g.compile(NO_NODE, [X]), ArgumentError, "a node or a list of nodes, given was 3"),
        (lambda: g.compile([Y, NO_NODE], [X, W]), ArgumentError, "expected a node, given was 3"),
        (lambda: g.gradient(X, [X]), ShapeError, r"of a scalar, given was \(4, 3\)"),
        (lambda: g.gradient(Y, [NO_NODE]), ArgumentError, "expected a node, given was 3"),
    ],
)
def test_what_cannot_be_compiled_is_said(call: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        call()


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize(
    ("arrays", "error", "said"),
    [
        ([np.ones((4, 3))], ArgumentError, r"2 arrays are needed \('x', 'w'\), given were 1"),
        ([np.ones((4, 2)), np.ones((3, 2))], ShapeError, r"'x' takes \(4, 3\).*\(4, 2\)"),
        ([np.ones((4, 3)), np.ones(6)], ShapeError, r"'w' takes \(3, 2\), given was \(6,\)"),
        ([np.ones((4, 3)), np.ones((3, 2), complex)], TypeMismatch, "float32.*complex128"),
        ([[["a"] * 3] * 4, np.ones((3, 2))], TypeMismatch, "'x' takes float32, given was <U1"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    reading: str, arrays: list[Any], error: type[Exception], said: str
) -> None:
    f = g.compile(Y, [X, W], reading=reading)
    with pytest.raises(error, match=said):
        f(*arrays)


def test_floats_are_not_cut_to_whole_numbers_in_silence() -> None:
    i = g.input("i", (2,), "int32")
    with pytest.raises(TypeMismatch, match="'i' takes int32, given was float64; use astype"):
        g.compile(i + 1, [i], reading="reference")([0.5, 1.5])


def test_source_and_text_speak_of_the_same_graph() -> None:
    (dw,) = g.gradient(Y, [W])
    text = g.source([Y, dw], {dw: "gradient.w", Y: "y"}, name="sigmoids")
    assert "def sigmoids(x, w):" in text
    assert "return y, dw" in text
    assert g.parse(g.text([Y, dw])).outputs == (Y, dw)


def test_names_follow_numpy() -> None:
    promised = """
    exp log sqrt tanh sigmoid relu erf maximum where sum mean max logsumexp softmax log_softmax
    matmul transpose reshape concatenate stack pad take one_hot
    """
    for name in re.findall(r"\w+", promised):
        assert name in g.__all__
        assert callable(getattr(g, name))
