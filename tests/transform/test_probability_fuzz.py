"""Random products and quotients of exp, sums of exp, sigmoids and softmaxes: the values stay.

The laws of probability take products apart and join pairs; here their pieces come in every order,
with gradients on top, where many pairs are near misses.
"""

from collections.abc import Callable

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clearprop.nodes import ROWS, Graph, Node, build
from clearprop.nodes.check import check
from clearprop.readings.reference import evaluate
from clearprop.transform.differentiate import gradients
from clearprop.transform.lower import lower
from clearprop.transform.simplify import simplify

Z, Y = (build.input(name, (ROWS, 3), "float64") for name in "zy")
W = build.input("w", (ROWS,), "float64")
T = build.input("t", (ROWS,), "int32")
INPUTS = (Z, Y, W, T)


def _spread(x: Node) -> Node:
    return build.broadcast_to(build.expand_dims(x, -1), (ROWS, 3))


def _total(x: Node) -> Node:
    return _spread(build.sum(x, -1))


ONE: tuple[Callable[[Node], Node], ...] = (
    lambda x: build.exp(build.tanh(x)),
    build.exp,
    build.neg,
    build.sigmoid,
    build.softmax,
    _total,
    lambda x: 1 - x,
    lambda x: 1 + build.exp(x),
    lambda x: build.log(build.sigmoid(x)),
    lambda x: build.exp(x) / _total(build.exp(x)),
    lambda x: build.log(build.exp(x) / _total(build.exp(x))),
    lambda x: x * 0.5,
    lambda x: build.log(_total(build.exp(x))),
    lambda x: build.log(_total(build.softmax(x) * build.one_hot(T, 3, "float64"))),
)
TWO: tuple[Callable[[Node, Node], Node], ...] = (
    build.add, build.sub, build.mul, build.mul, build.div,
)  # fmt: skip
LEAVES = (Z, Y, _spread(W), build.one_hot(T, 3, "float64"), -Z, build.exp(Z), build.sigmoid(Z))


@st.composite
def expressions(draw: st.DrawFn) -> Node:
    pool = list(LEAVES)
    for _ in range(draw(st.integers(2, 9))):
        chosen = st.sampled_from(pool)
        if draw(st.booleans()):
            pool.append(draw(st.sampled_from(ONE))(draw(chosen)))
        else:
            pool.append(draw(st.sampled_from(TWO))(draw(chosen), draw(chosen)))
    return pool[-1]


def _values(seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    return {
        "z": random.uniform(-1, 1, (4, 3)),
        "y": random.uniform(0.2, 0.8, (4, 3)),
        "w": random.uniform(0.5, 2, 4),
        "t": random.integers(0, 3, 4).astype(np.int32),
    }


@settings(
    deadline=None, max_examples=300, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
@given(expressions(), st.integers(0, 100))
def test_values_and_gradients_of_random_probabilities_stay(y: Node, seed: int) -> None:
    loss = build.sum(_spread(W) * y)
    graph = Graph(INPUTS, (y, *gradients(loss, [Z, Y, W])))
    simple = check(simplify(graph))
    assert simplify(simple) == simple
    values = _values(seed)
    want = evaluate(graph, values)
    for each in (simple, check(lower(simple))):
        for got, true in zip(evaluate(each, values), want, strict=True):
            here = np.isfinite(true) & (np.abs(true) < 1e8)
            size = np.max(np.abs(true), where=here, initial=1.0)
            np.testing.assert_allclose(got[here], true[here], rtol=1e-7, atol=1e-9 * size)
