"""What differentiation promises beside the rules: kinks, zeros, order, origins, depth, errors."""

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from clearprop.errors import ShapeError, TypeMismatch
from clearprop.nodes import ROWS, Graph, Node, build
from clearprop.nodes.check import check
from clearprop.nodes.text import text
from clearprop.nodes.walk import order
from clearprop.readings.reference import evaluate
from clearprop.transform.differentiate import gradients
from clearprop.transform.lower import lower
from clearprop.transform.simplify import simplify
from tests.closeness import assert_close
from tests.corpus import Case
from tests.strategies import smooth_graphs

X = build.input("x", (5,), "float64")


def slope_at(function: Callable[[Node], Node], values: list[float]) -> list[float]:
    x = build.input("x", (len(values),), "float64")
    (slope,) = gradients(build.sum(function(x)), [x])
    (found,) = evaluate(check(Graph((x,), (slope,))), {"x": np.array(values, "f8")})
    return [float(v) for v in found]


KINKS: list[tuple[str, Callable[[Node], Node], list[float], list[float]]] = [
    ("relu is 0 at 0", build.relu, [-1, 0, 2], [0, 0, 1]),
    ("abs is 0 at 0", build.abs, [-1, 0, 2], [-1, 0, 1]),
    ("clip is 1 on the bounds", lambda x: build.clip(x, -1, 1), [-2, -1, 0, 1, 2], [0, 1, 1, 1, 0]),
    ("of tied maxima the first takes all", build.max, [1, 3, 3, 2], [0, 1, 0, 0]),
    ("of tied minima the first takes all", build.min, [1, 3, 1, 2], [1, 0, 0, 0]),
    ("maximum's first takes ties", lambda x: build.maximum(x, 0.0), [-1, 0, 2], [0, 1, 1]),
    ("minimum's first takes ties", lambda x: build.minimum(x, 0.0), [-1, 0, 2], [1, 1, 0]),
    ("a square is 0 at 0", lambda x: x**2, [-3, 0, 3], [-6, 0, 6]),
    ("a power of one is 1 at 0", lambda x: x**1, [0], [1]),
    ("a power of nothing is 0 at 0", lambda x: x**0, [0], [0]),
    ("the exponent of 0 has the slope 0", lambda x: build.power(0.0, x), [0.5, 1, 2], [0, 0, 0]),
    ("the exponent of -2 has the slope 0", lambda x: build.power(-2.0, x), [2, 3], [0, 0]),
    ("0 to the 0 of a base has the slope 0", lambda x: build.power(x, x * 0), [0.0], [0]),
]


@pytest.mark.parametrize(
    ("function", "values", "slopes"), [k[1:] for k in KINKS], ids=[k[0] for k in KINKS]
)
def test_at_a_kink(
    function: Callable[[Node], Node], values: list[float], slopes: list[float]
) -> None:
    assert slope_at(function, values) == slopes


def test_of_tied_maxima_over_several_axes_the_first_takes_all() -> None:
    x = build.input("x", (2, 2, 2), "float64")
    for axes in ((0, 2), (1, 2), None):
        (slope,) = gradients(build.sum(build.max(x, axes)), [x])
        (found,) = evaluate(Graph((x,), (slope,)), {"x": np.ones((2, 2, 2))})
        want = np.zeros((2, 2, 2))
        want[0, :, 0] = axes == (0, 2)
        want[:, 0, 0] += axes == (1, 2)
        want[0, 0, 0] = 1
        np.testing.assert_array_equal(found, want)


@pytest.mark.parametrize("function", [build.relu, build.tanh, build.sigmoid, build.abs, build.max])
def test_nan_in_gives_nan_out_and_in_the_gradient_of_smooth_ones(
    function: Callable[[Node], Node],
) -> None:
    x = build.input("x", (1,), "float64")
    (slope,) = gradients(build.sum(build.square(function(x))), [x])
    found = evaluate(Graph((x,), (function(x), slope)), {"x": np.array([np.nan])})
    assert all(np.isnan(f).all() for f in found)


def test_what_y_does_not_depend_on_has_the_gradient_zero() -> None:
    other = build.input("other", (ROWS, 2), "float64")
    y = build.sum(build.stop_gradient(X) * build.sign(X) + build.floor(X))
    slopes = gradients(y, [X, other])
    assert slopes == [build.zeros_like(X), build.zeros_like(other)]


def test_gradient_with_respect_to_a_node_within_the_graph() -> None:
    hidden = build.exp(X)
    slope, outer = gradients(build.sum(hidden * hidden), [hidden, X])
    values = {"x": np.linspace(-1, 1, 5)}
    found, rest = evaluate(Graph((X,), (slope, outer)), values)
    np.testing.assert_allclose(found, 2 * np.exp(values["x"]))
    np.testing.assert_allclose(rest, 2 * np.exp(2 * values["x"]))


def test_gradient_of_itself_is_one() -> None:
    y = build.sum(X)
    assert gradients(y, [y]) == [build.constant(1, "float64")]


def test_gradient_of_a_sum_is_a_broadcast() -> None:
    graph = simplify(Graph((X,), tuple(gradients(build.sum(X), [X]))))
    assert graph.outputs == (build.full((5,), 1, "float64"),)


def test_a_broadcast_number_has_a_sum_as_gradient() -> None:
    s = build.input("s", (), "float64")
    (slope,) = gradients(build.sum(X * s), [s])
    (found,) = evaluate(Graph((X, s), (slope,)), {"x": np.arange(5.0), "s": np.array(2.0)})
    assert found == 10


def test_the_third_derivative_of_sine_is_minus_cosine() -> None:
    y = build.sum(build.sin(X))
    for _ in range(3):
        (slope,) = gradients(y, [X])
        y = build.sum(slope)
    graph = simplify(Graph((X,), (slope,)))
    values = {"x": np.linspace(-2, 2, 5)}
    np.testing.assert_allclose(evaluate(graph, values)[0], -np.cos(values["x"]), rtol=1e-14)


def test_the_same_graph_has_the_same_gradient_nodes() -> None:
    def made() -> str:
        y = build.sum(build.tanh(X * X + X) * X)
        return text(Graph((X,), tuple(gradients(y, [X]))))

    assert made() == made()


def test_only_nodes_between_are_differentiated() -> None:
    w = build.input("w", (5, 5), "float64")
    y = build.sum(build.reshape(X, (1, 5)) @ w)
    (slope,) = gradients(y, [w])
    contracts = [n for n in order([slope]) if n.op == "contract"]
    assert [n.shape for n in contracts] == [(5, 5)]


def test_origins_say_which_node_was_differentiated() -> None:
    z = X * 2
    a = build.tanh(z)
    y = build.sum(a)
    origins: dict[Node, str] = {z: "layer 0"}
    (slope,) = gradients(y, [X], origins, {a: "0.a", z: "0.z"})
    forward = set(order([y]))
    new = [n for n in order([slope]) if n not in forward]
    assert origins[z] == "layer 0"
    assert {origins[n] for n in new} == {"gradient of sum", "gradient of 0.a", "gradient of 0.z"}
    assert origins[slope] == "gradient of 0.z"
    assert not set(origins) & (forward - {z})


def test_a_chain_of_20000_nodes_does_not_recurse() -> None:
    x = build.input("x", (), "float64")
    y = x
    for _ in range(20000):
        y = build.sin(y)
    (slope,) = gradients(y, [x])
    graph = lower(simplify(Graph((x,), (slope,))))
    assert np.isfinite(evaluate(graph, {"x": np.array(0.5)})[0])


def test_a_vector_has_no_gradient() -> None:
    with pytest.raises(ShapeError, match=r"given was \(5,\); sum it first"):
        gradients(X, [X])


def test_whole_numbers_have_no_gradient() -> None:
    i = build.input("i", (), "int32")
    with pytest.raises(TypeMismatch, match="int32; use cast"):
        gradients(i, [i])
    with pytest.raises(TypeMismatch, match="int32; use cast"):
        gradients(build.sum(X), [i])


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(smooth_graphs())
def test_gradients_of_random_graphs_keep_their_values_through_the_laws(case: Case) -> None:
    (end,) = case.graph.outputs
    floats = [x for x in case.graph.inputs if x.dtype == "float64"]
    y = build.sum(build.sin(end))
    graph = check(Graph(case.graph.inputs, (y, *gradients(y, floats))))
    for transform in (simplify, lower, lambda g: lower(simplify(g))):
        assert_close(graph, case.values, evaluate(check(transform(graph)), case.values))
