"""What the engine wants rewritten, and where a law of lowering must not hold."""

import numpy as np
import pytest

from clearprop.nodes import ROWS, Graph, Node, build
from clearprop.nodes.check import check
from clearprop.nodes.walk import order
from clearprop.readings.reference import evaluate
from clearprop.transform.differentiate import gradients
from clearprop.transform.lower import lower
from clearprop.transform.simplify import simplify

Z = build.input("z", (ROWS, 3))
G = build.input("g", (ROWS, 3))
SPECIAL = np.array([[0.0, -0.0, 1.5], [np.nan, np.inf, -np.inf], [-1e-30, 1e-30, -2]], np.float32)


def low(*outputs: Node) -> Graph:
    return check(lower(Graph((Z, G), outputs)))


def test_the_backward_pass_of_relu_asks_the_relu_and_not_its_argument() -> None:
    z = build.exp(Z)
    a = build.relu(z)
    graph = low(a, build.where(z > 0, G, G * 0))
    after, back = graph.outputs
    assert after is a
    assert back is build.where(a > 0, G, G * 0)
    users = [n for n in graph.order() if z in n.args]
    assert {n.op for n in users} == {"less", "where", "mul"}
    assert back.args[0] is not after.args[0]


@pytest.mark.parametrize("slope", [0, 0.2])
def test_asking_the_relu_is_the_same_at_every_number(slope: float) -> None:
    a = build.where(Z > 0, Z, Z * slope)
    outputs = (a, build.where(Z > 0, G, G * slope), build.cast(Z > 0, "float32"))
    values = {"z": SPECIAL, "g": np.full((3, 3), 3, np.float32)}
    graph = low(*outputs)
    assert graph.outputs[1] is not outputs[1]
    for got, want in zip(
        evaluate(graph, values), evaluate(Graph((Z, G), outputs), values), strict=True
    ):
        np.testing.assert_array_equal(got, want)


def test_a_negative_slope_does_not_keep_the_sign_so_nothing_is_asked() -> None:
    outputs = (build.where(Z > 0, Z, Z * -1), build.where(Z > 0, G, G * 0))
    assert low(*outputs).outputs[1] is outputs[1]


def test_where_no_relu_is_at_hand_the_argument_is_asked() -> None:
    out = build.where(Z > 0, G, G * 0)
    assert low(out).outputs == (out,)


def test_a_condition_that_is_itself_a_result_stays() -> None:
    condition = Z > 0
    assert low(condition, build.relu(Z)).outputs == (condition, build.relu(Z))


def test_relu_in_two_layers_forward_and_backward() -> None:
    w, v = build.input("w", (3, 3)), build.input("v", (3, 3))
    loss = build.sum(build.square(build.relu(build.relu(Z @ w) @ v)))
    graph = Graph((Z, w, v), (loss, *gradients(loss, [w, v])))
    done = check(lower(simplify(graph)))
    random = np.random.default_rng(0)
    values = {
        n: random.standard_normal(s).astype("f4")
        for n, s in (("z", (4, 3)), ("w", (3, 3)), ("v", (3, 3)))
    }
    for got, want in zip(evaluate(done, values), evaluate(graph, values), strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)
    asked = [n.args[1].op for n in done.order() if n.op == "less"]
    assert sorted(asked) == ["contract", "contract", "where", "where"]


def test_division_by_what_is_no_power_of_two_stays() -> None:
    for divisor in (3.0, 0.0, float("inf"), 2.0**-126):
        out = Z / divisor
        assert low(out).outputs == (out,)


@pytest.mark.parametrize("divisor", [0.25, -2.0, 2.0**100])
def test_division_by_a_power_of_two_keeps_every_bit(divisor: float) -> None:
    values = {"z": SPECIAL, "g": SPECIAL}
    (got,) = evaluate(low(Z / divisor), values)
    assert got.tobytes() == (SPECIAL / np.float32(divisor)).tobytes()


@pytest.mark.parametrize("exponent", [-2, -1, -0.5, 0.5, 1, 1.5, 2, 3, 4])
def test_powers_agree_at_zero_and_above(exponent: float) -> None:
    values = np.array([[0.0, -0.0, 0.3], [1, 1.7, 40], [1e-3, np.inf, np.nan]], np.float32)
    graph = low(Z**exponent)
    assert "power" not in [n.op for n in graph.order()]
    (got,) = evaluate(graph, {"z": values, "g": values})
    (want,) = evaluate(Graph((Z,), (Z**exponent,)), {"z": values})
    np.testing.assert_allclose(got, want, rtol=1e-6)


def test_other_powers_stay() -> None:
    for exponent in (2.5, 7, -3):
        assert "power" in [n.op for n in low(Z**exponent).order()]


def test_transposes_that_feed_a_product_stay_nodes_of_their_own() -> None:
    out = build.transpose(Z) @ G
    assert low(out).outputs == (out,)
    assert "transpose" in [n.op for n in order([out])]
