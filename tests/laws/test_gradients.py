"""Every operation's derivative, to order 2, against central differences in float64.

Each row states the domain: one interval an argument, away from the operation's kinks and from
where it is not defined. `+-` means both signs, each at least `low` from zero.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clearprop.nodes import Graph, Node, build, node
from clearprop.nodes.check import check
from clearprop.nodes.ops import FLOATS, OPS
from clearprop.nodes.shapes import ROWS, Dim, size
from clearprop.readings.reference import evaluate
from clearprop.transform.differentiate import gradients
from clearprop.transform.vjp import NO_DERIVATIVE, VJPS, rule_of

Array = NDArray[Any]
STEP = 5e-4  # of the differences, whose error is of order STEP ** 4


@dataclass(frozen=True)
class Domain:
    """Where an argument lies: uniform in [low, high], with a random sign if `signed`."""

    shape: tuple[Dim, ...]
    low: float = -2.0
    high: float = 2.0
    signed: bool = False

    def draw(self, random: np.random.Generator, rows: int = 5) -> Array:
        shape = tuple(d if isinstance(d, int) else d.times * rows for d in self.shape)
        sign = random.choice([-1.0, 1.0], shape) if self.signed else 1.0
        return sign * random.uniform(self.low, self.high, shape)


@dataclass(frozen=True)
class Case:
    op: str
    build: Callable[..., Node]
    domains: Sequence[Domain]

    def __str__(self) -> str:
        return self.op


def any_number(*shape: Dim) -> Domain:
    return Domain(shape)


def positive(*shape: Dim) -> Domain:
    return Domain(shape, 0.3, 2.0)


def not_zero(*shape: Dim) -> Domain:
    return Domain(shape, 0.3, 2.0, signed=True)


def _indices(values: Any) -> Node:
    """Fixed places as nodes: an array is no constant, so one number each."""
    at = np.asarray(values)
    parts = [build.full((1,), int(v), "int32") for v in at.ravel()]
    return build.reshape(build.concatenate(parts), at.shape)


def _vocabulary(name: str, **attrs: Any) -> Callable[..., Node]:
    return lambda *args: node(name, args, **attrs)


X = any_number(3, 4)
X3 = any_number(3)
ELEMENTWISE: dict[str, Domain] = {
    "neg": X, "abs": not_zero(3, 4), "exp": X, "expm1": X, "log": positive(3, 4),
    "log1p": Domain((3, 4), -0.7, 2.0), "sqrt": positive(3, 4), "sin": X, "cos": X, "tanh": X,
    "sigmoid": X, "softplus": X, "erf": X,
}  # fmt: skip

CASES: list[Case] = [
    *(Case(op, _vocabulary(op), [domain]) for op, domain in ELEMENTWISE.items()),
    Case("cast", _vocabulary("cast", dtype="float64"), [X]),
    Case("add", _vocabulary("add"), [X, X]),
    Case("sub", _vocabulary("sub"), [X, X]),
    Case("mul", _vocabulary("mul"), [X, X]),
    Case("div", _vocabulary("div"), [X, not_zero(3, 4)]),
    Case("power", _vocabulary("power"), [positive(3, 4), X]),
    Case("where", lambda c, a, b: build.where(c < 0, a, b), [not_zero(3, 4), X, X]),
    Case("sum", _vocabulary("sum", axes=(1,)), [X]),
    Case("max", _vocabulary("max", axes=(1,)), [X]),
    Case("contract", _vocabulary("contract"), [any_number(2, 3, 4), any_number(2, 4, 5)]),
    Case("reshape", _vocabulary("reshape", shape=(2, 6)), [X]),
    Case("transpose", _vocabulary("transpose", order=(2, 0, 1)), [any_number(2, 3, 4)]),
    Case("broadcast", _vocabulary("broadcast", shape=(3, 4, 2)), [any_number(3, 1, 2)]),
    Case("slice", lambda x: build.slice(x, 1, 1, 3), [X]),
    Case("pad", _vocabulary("pad", low=(1, 0), high=(0, 2)), [X]),
    Case("concatenate", lambda *xs: build.concatenate(xs, 1), [X, any_number(3, 1), X]),
    Case("flip", _vocabulary("flip", axes=(0, 1)), [X]),
    Case("gather", lambda x: build.gather(x, _indices([[2, 0], [2, 1]])), [X]),
    Case("scatter_add", lambda x: build.scatter_add(x, _indices([1, 1, 0]), 2), [X]),
]  # fmt: skip

MORE: list[Case] = [
    Case("max of all", build.max, [X]),
    Case("max of apart axes", lambda x: build.max(x, (0, 2)), [any_number(2, 3, 4)]),
    Case("max over rows", lambda x: build.max(x, 0), [any_number(ROWS, 4)]),
    Case("max of close axes", lambda x: build.max(x, (1, 2)), [any_number(ROWS, 3, 2)]),
    Case("min", lambda x: build.min(x, 0), [X]),
    Case("sum of all", build.sum, [any_number(ROWS, 3)]),
    Case("mean over rows", lambda x: build.mean(x, 0), [any_number(ROWS, 3)]),
    Case("slice with a step", lambda x: build.slice(x, 1, 1, 7, 3), [any_number(3, 8)]),
    Case("slice with a step to the end", lambda x: build.slice(x, 1, 0, 8, 3), [any_number(3, 8)]),
    Case("slice with a step, cut", lambda x: build.slice(x, 1, 2, 5, 4), [any_number(3, 8)]),
    Case("broadcast to rows", lambda r, x: r + x, [any_number(ROWS, 3), any_number(3)]),
    Case("dense", lambda x, w, b: x @ w + b, [any_number(ROWS, 3), any_number(3, 3), X3]),
    Case("matmul with a vector", lambda x, v: x @ v, [X, any_number(4)]),
    Case("matmul of many", lambda x, w: x @ w, [any_number(2, 3, 4), any_number(4, 2)]),
    Case("maximum", build.maximum, [X, X]),
    Case("minimum", build.minimum, [X, X]),
    Case("clip", lambda x: build.clip(x, -0.9, 0.7), [X]),
    Case("relu", build.relu, [not_zero(3, 4)]),
    Case("logsumexp", build.logsumexp, [X]),
    Case("softmax", build.softmax, [X]),
    Case("log_softmax", build.log_softmax, [X]),
    Case("power 3", lambda x: x**3, [not_zero(3, 4)]),
    Case("power -1.5", lambda x: x**-1.5, [positive(3, 4)]),
    Case("number to the power", lambda x: build.power(1.7, x), [X]),
    Case("take", lambda x: build.take(x, _indices([3, 0, 3]), 1), [X]),
    Case("stack of parts", lambda x: build.stack(build.split(x, 2), 1), [X]),
]  # fmt: skip


def _loss(case: Case, xs: Sequence[Node], weights: Node) -> Node:
    """A scalar of the case's result with a gradient and a curvature of its own everywhere."""
    y = case.build(*xs)
    return _weighed(y * y + y) * weights


def _weighed(y: Node) -> Node:
    """The sum of the elements, each with another weight."""
    flat = build.reshape(y, (size(y.shape),))
    return build.sum(flat * build.sin(build.iota(flat.shape, 0, "float64") * 0.7 + 0.3))


def _derivative(function: Callable[[float], float]) -> float:
    """At 0, from four points."""
    near, far = (function(s * STEP) - function(-s * STEP) for s in (1, 2))
    return (8 * near - far) / (12 * STEP)


def _agree(scalar: Node, case: Case, inputs: tuple[Node, ...], values: dict[str, Array]) -> None:
    """The gradient of each argument along a random direction, and the differences."""
    random = np.random.default_rng(7)
    xs = inputs[: len(case.domains)]
    slopes = gradients(scalar, xs)
    graph = check(Graph(inputs, (scalar, *slopes)))
    for x, slope in zip(xs, slopes, strict=True):
        assert (slope.shape, slope.dtype) == (x.shape, x.dtype)
    found = evaluate(graph, values)[1:]
    for x, slope_there in zip(xs, found, strict=True):
        name = x["name"]
        direction = random.standard_normal(values[name].shape)

        def along(step: float, name: str = name, direction: Array = direction) -> float:
            moved = values | {name: values[name] + step * direction}
            return float(evaluate(Graph(inputs, (scalar,)), moved)[0])

        told = float(np.sum(slope_there * direction))
        assert told == pytest.approx(_derivative(along), rel=1e-6, abs=1e-9), name


def _setting(case: Case) -> tuple[tuple[Node, ...], dict[str, Array]]:
    random = np.random.default_rng(3)
    xs = tuple(build.input(f"x{i}", d.shape, "float64") for i, d in enumerate(case.domains))
    values = {f"x{i}": d.draw(random) for i, d in enumerate(case.domains)}
    inputs = (*xs, build.input("weight", (), "float64"))
    return inputs, values | {"weight": np.array(0.8)}


@pytest.mark.parametrize("case", [*CASES, *MORE], ids=str)
def test_gradient_is_the_limit_of_differences(case: Case) -> None:
    inputs, values = _setting(case)
    _agree(_loss(case, inputs[:-1], inputs[-1]), case, inputs, values)


@pytest.mark.parametrize("case", [*CASES, *MORE], ids=str)
def test_second_derivative_is_the_limit_of_differences_of_the_first(case: Case) -> None:
    inputs, values = _setting(case)
    slopes = gradients(_loss(case, inputs[:-1], inputs[-1]), inputs[:-1])
    _agree(functools.reduce(build.add, map(_weighed, slopes)), case, inputs, values)


def test_each_operation_has_a_rule_or_is_listed_without_derivative() -> None:
    assert set(VJPS) | set(NO_DERIVATIVE) == set(OPS)
    assert not set(VJPS) & set(NO_DERIVATIVE)


def test_each_operation_with_a_rule_is_checked() -> None:
    assert {case.op for case in CASES} == set(VJPS)


def test_each_argument_has_a_place_in_its_row() -> None:
    for op, row in VJPS.items():
        if isinstance(row, tuple):
            assert len(row) == OPS[op].arity, op


@pytest.mark.parametrize("op", sorted(NO_DERIVATIVE))
def test_operations_without_derivative_have_no_rule(op: str) -> None:
    assert all(rule_of(op, place) is None for place in range(3))


@pytest.mark.parametrize("dtype", FLOATS)
def test_gradient_through_a_cast_comes_back_in_the_dtype_it_left(dtype: str) -> None:
    x = build.input("x", (3,), dtype)
    (other,) = set(FLOATS) - {dtype}
    (slope,) = gradients(build.sum(build.square(build.cast(x, other))), [x])
    values = np.array([1, -2, 3], dtype)
    (found,) = evaluate(Graph((x,), (slope,)), {"x": values})
    assert found.dtype == dtype
    assert found.tolist() == [2, -4, 6]
