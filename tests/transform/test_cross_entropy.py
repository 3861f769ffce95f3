"""Cross-entropy's gradient comes out as weight * (p - y), however the loss was written."""

from collections.abc import Callable

import numpy as np
import pytest

from clearprop.nodes import ROWS, Graph, Node, build
from clearprop.nodes.check import check
from clearprop.nodes.ops import FLOATS
from clearprop.nodes.walk import order
from clearprop.readings.reference import evaluate
from clearprop.transform.differentiate import gradients
from clearprop.transform.lower import lower
from clearprop.transform.simplify import simplify


def naive_softmax(z: Node) -> Node:
    e = build.exp(z)
    return e / build.sum(e, -1, keepdims=True)


def naive_sigmoid(z: Node) -> Node:
    return 1 / (1 + build.exp(-z))


SOFTMAX: dict[str, Callable[[Node, Node], Node]] = {
    "stable": lambda z, y: -build.sum(y * build.log_softmax(z), -1),
    "logsumexp": lambda z, y: build.logsumexp(z) - build.sum(y * z, -1),
    "logsumexp without a shift": lambda z, y: (
        build.log(build.sum(build.exp(z), -1)) - build.sum(y * z, -1)
    ),
    "log of softmax": lambda z, y: -build.sum(y * build.log(build.softmax(z)), -1),
    "log of naive softmax": lambda z, y: -build.sum(y * build.log(naive_softmax(z)), -1),
    "minus inside": lambda z, y: build.sum(-y * build.log(naive_softmax(z)), -1),
}


def _two(p: Node, y: Node) -> Node:
    return -(y * build.log(p) + (1 - y) * build.log(1 - p))


SIGMOID: dict[str, Callable[[Node, Node], Node]] = {
    "stable": lambda z, y: build.softplus(z) - y * z,
    "log of sigmoid": lambda z, y: _two(build.sigmoid(z), y),
    "log of naive sigmoid": lambda z, y: _two(naive_sigmoid(z), y),
    "log1p": lambda z, y: (
        -(y * build.log(build.sigmoid(z)) + (1 - y) * build.log1p(-build.sigmoid(z)))
    ),
    "minus inside": lambda z, y: (
        -y * build.log(build.sigmoid(z)) - (1 - y) * build.log(1 - build.sigmoid(z))
    ),
}

PICKED: dict[str, Callable[[Node, Node], Node]] = {
    "log of the picked": lambda z, y: -build.log(build.sum(y * build.softmax(z), -1)),
    "log of the naively picked": lambda z, y: -build.log(build.sum(naive_softmax(z) * y, -1)),
}
LABELLED = SOFTMAX | PICKED  # a one-hot target picks one probability

LOGITS = [[1.0, 2, 3], [50, -50, 0], [1e4, -1e4, 0], [-1e4, -1e4, -1e4], [0, 1e-30, -1e-30]]
LABELS = np.array([0, 1, 1, 2, 0], np.int32)


class Problem:
    """The inputs of a loss, and its gradient graph before and after simplification."""

    def __init__(self, dtype: str, places: tuple[int, ...]) -> None:
        self.z = build.input("z", (ROWS, *places), dtype)
        self.y = build.input("y", (ROWS, *places), dtype)
        self.w = build.input("w", (ROWS,), dtype)
        self.t = build.input("t", (ROWS,), "int32")
        self.inputs = (self.z, self.y, self.w, self.t)

    def graph(self, places: Node) -> Graph:
        loss = build.sum(self.w * places)
        return check(simplify(Graph(self.inputs, (loss, *gradients(loss, [self.z])))))


def _values(dtype: str) -> dict[str, np.ndarray]:
    w = np.array([1, 2, 0.5, 1, 3], dtype)
    return {"z": np.array(LOGITS, dtype), "y": np.eye(3, dtype=dtype)[LABELS], "w": w, "t": LABELS}


def _true_softmax(z: np.ndarray) -> np.ndarray:
    e = np.exp(z - z.max(-1, keepdims=True))
    return np.asarray(e / e.sum(-1, keepdims=True))


@pytest.mark.parametrize("write", LABELLED.values(), ids=LABELLED)
def test_softmax_cross_entropy_of_labels_has_the_gradient_p_minus_one_hot(
    write: Callable[[Node, Node], Node],
) -> None:
    problem = Problem("float32", (3,))
    target = build.one_hot(problem.t, 3)
    slope = problem.graph(write(problem.z, target)).outputs[1]
    weight, difference = slope.args
    assert (slope.op, difference.op) == ("mul", "sub")
    assert weight is build.broadcast_to(build.expand_dims(problem.w, 1), (ROWS, 3))
    p, y = difference.args
    assert y is target
    assert [n.op for n in order([p])].count("exp") == 1
    assert p.op == "div"
    assert p.args[0].op == "exp"


@pytest.mark.parametrize("write", LABELLED.values(), ids=LABELLED)
def test_the_softmax_of_the_gradient_is_that_of_the_loss(
    write: Callable[[Node, Node], Node],
) -> None:
    problem = Problem("float32", (3,))
    graph = problem.graph(write(problem.z, build.one_hot(problem.t, 3)))
    ops = [n.op for n in graph.order()]
    assert ops.count("exp") == 1
    assert ops.count("log") == 1
    assert ops.count("max") == 1


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize(
    ("given", "write"),
    [*(("labels", w) for w in LABELLED.values()), *(("one-hot", w) for w in SOFTMAX.values())],
    ids=[*(f"{name}, labels" for name in LABELLED), *(f"{name}, one-hot" for name in SOFTMAX)],
)
def test_softmax_cross_entropy_is_finite_and_right_at_large_logits(
    given: str, write: Callable[[Node, Node], Node], dtype: str
) -> None:
    problem = Problem(dtype, (3,))
    target = build.one_hot(problem.t, 3, dtype) if given == "labels" else problem.y
    graph = problem.graph(write(problem.z, target))
    values = _values(dtype)
    want = values["w"][:, None] * (_true_softmax(values["z"]) - values["y"])
    for each in (graph, lower(graph)):
        loss, slope = evaluate(each, values)
        np.testing.assert_allclose(slope, want, rtol=1e-5, atol=1e-6)
        z = values["z"] - values["z"].max(-1, keepdims=True)
        places = np.log(np.exp(z).sum(-1)) - z[np.arange(5), LABELS]
        np.testing.assert_allclose(loss, np.sum(values["w"] * places), rtol=1e-5)


def test_targets_that_are_given_keep_their_sum() -> None:
    problem = Problem("float64", (3,))
    graph = problem.graph(SOFTMAX["stable"](problem.z, problem.y))
    values = _values("float64") | {"y": np.random.default_rng(0).uniform(0, 2, (5, 3))}
    p, y, w = _true_softmax(values["z"]), values["y"], values["w"][:, None]
    want = w * (y.sum(-1, keepdims=True) * p - y)
    np.testing.assert_allclose(evaluate(graph, values)[1], want, rtol=1e-12, atol=1e-15)
    assert "div" in [n.op for n in order(graph.outputs[1:])]


@pytest.mark.parametrize("write", SIGMOID.values(), ids=SIGMOID)
def test_binary_cross_entropy_has_the_gradient_p_minus_y(
    write: Callable[[Node, Node], Node],
) -> None:
    problem = Problem("float32", ())
    slope = problem.graph(write(problem.z, problem.y)).outputs[1]
    assert slope is problem.w * (build.sigmoid(problem.z) - problem.y)


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("write", SIGMOID.values(), ids=SIGMOID)
def test_binary_cross_entropy_is_finite_and_right_at_large_logits(
    write: Callable[[Node, Node], Node], dtype: str
) -> None:
    problem = Problem(dtype, ())
    z = np.array([50, -50, 1e4, -1e4, 0.3, 1e-30], dtype)
    y = np.array([1, 1, 0, 0.25, 0.5, 0], dtype)
    values = {"z": z, "y": y, "w": np.ones(6, dtype), "t": np.zeros(6, np.int32)}
    loss, _ = found = evaluate(problem.graph(write(problem.z, problem.y)), values)
    np.testing.assert_allclose(found[1], 1 / (1 + np.exp(np.minimum(-z, 80))) - y, atol=1e-7)
    places = np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z))) - y * z
    np.testing.assert_allclose(loss, places.sum(), rtol=1e-5)


@pytest.mark.parametrize("write", [*SOFTMAX.values()], ids=SOFTMAX)
def test_nan_in_a_logit_stays(write: Callable[[Node, Node], Node]) -> None:
    problem = Problem("float32", (3,))
    graph = problem.graph(write(problem.z, build.one_hot(problem.t, 3)))
    values = _values("float32")
    values["z"][1, 2] = np.nan
    loss, slope = evaluate(graph, values)
    assert np.isnan(loss)
    assert np.isnan(slope[1]).all()
    assert np.isfinite(slope[[0, 2, 3, 4]]).all()


def test_a_naive_softmax_under_another_loss_is_finite_too() -> None:
    problem = Problem("float32", (3,))
    error = naive_softmax(problem.z) - problem.y
    graph = problem.graph(build.sum(error * error, -1))
    values = _values("float32")
    p = _true_softmax(values["z"].astype("f8"))
    g = 2 * values["w"][:, None] * (p - values["y"])
    want = p * (g - (g * p).sum(-1, keepdims=True))
    np.testing.assert_allclose(evaluate(graph, values)[1], want, rtol=1e-5, atol=1e-6)


def test_a_naive_softmax_whose_logits_lie_along_the_classes_is_no_circle() -> None:
    z = build.input("z", (ROWS, 1))
    graph = Graph((z,), (naive_softmax(build.broadcast_to(z, (ROWS, 3)) * 1),))
    (p,) = evaluate(simplify(graph), {"z": np.array([[50], [-50]], np.float32)})
    np.testing.assert_allclose(p, np.full((2, 3), 1 / 3), rtol=1e-6)


def test_second_derivatives_of_cross_entropy_are_finite() -> None:
    problem = Problem("float32", (3,))
    loss = build.sum(SOFTMAX["stable"](problem.z, build.one_hot(problem.t, 3)))
    (slope,) = gradients(loss, [problem.z])
    (curve,) = gradients(build.sum(slope * slope), [problem.z])
    graph = simplify(Graph(problem.inputs, (curve,)))
    assert np.isfinite(evaluate(graph, _values("float32"))[0]).all()
