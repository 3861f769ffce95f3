"""The written program: people can read it, it runs with NumPy alone, and it never changes."""

import inspect
import os
import subprocess
import sys
import textwrap
import traceback
from typing import Any

import numpy as np
import pytest

from clearprop.errors import ArgumentError, ShapeError
from clearprop.nodes import ROWS, Graph, Node, build
from clearprop.nodes.graph import tag
from clearprop.nodes.walk import order
from clearprop.readings.source import compile_source, source
from clearprop.transform.differentiate import gradients
from tests.corpus import CASES

A, B, C = (build.input(n, (3,)) for n in "abc")
P, Q = (build.input(n, (3,), "bool") for n in "pq")


def graph(*outputs: Node, **more: Any) -> Graph:
    return Graph(tuple(n for n in order(outputs) if n.op == "input"), outputs, **more)


def expression(node: Node) -> str:
    """What stands after the equals sign of the only line."""
    return source(graph(node)).splitlines()[-2].partition(" = ")[2]


def sgd_step() -> Graph:
    x, y = build.input("x", (ROWS, 3)), build.input("y", (ROWS, 1))
    w, b = build.input("0.weight", (3, 1)), build.input("0.bias", (1,))
    rate = build.input("optimizer.learning_rate", ())
    z = x @ w + b
    a = build.sigmoid(z)
    loss = build.sum(build.square(a - y)) * 0.5
    names: dict[Node, str] = {z: "0.z", a: "0.a", loss: "loss"}
    origins: dict[Node, str] = {}
    tag(origins, [a], "layer 0 dense")
    tag(origins, [loss], "loss sum_squared_error")
    dw, db = gradients(loss, [w, b], origins, names)
    new = [w - rate * dw, b - rate * db]
    tag(origins, new, "update of the weights")
    names |= {dw: "gradient.0.weight", db: "gradient.0.bias"}
    names |= {new[0]: "updated.0.weight", new[1]: "updated.0.bias"}
    return Graph((x, y, w, b, rate), (loss, *new), names, origins)


def test_a_training_step_reads_like_a_text_book() -> None:
    text = source(sgd_step())
    head, _, body = text.partition("def step(x, y, W1, b1, learning_rate):\n")
    assert "def sigmoid(" in head
    expected = """\
    # x: (rows, 3) float32
    # y: (rows, 1) float32
    # W1 = 0.weight: (3, 1) float32
    # b1 = 0.bias: (1,) float32
    # learning_rate = optimizer.learning_rate: () float32
    z1 = x @ W1 + b1                   # from: layer 0 dense
    a1 = sigmoid(z1)                   # from: layer 0 dense

    t1 = a1 - y                        # from: loss sum_squared_error
    loss = np.sum(t1 ** 2) * 0.5       # from: loss sum_squared_error
"""
    assert body.startswith(expected)
    assert "    W1_new = W1 - learning_rate * dW1" in body
    assert body.endswith("    return loss, W1_new, b1_new\n")
    blocks = body.split("\n\n")
    assert len(blocks) == 4
    assert "gradient of" in blocks[2]
    assert "update of" in blocks[3]


def test_every_line_of_a_tagged_graph_says_where_it_comes_from() -> None:
    lines = [s for s in source(sgd_step()).partition("def step")[2].splitlines() if " = " in s]
    computed = [s for s in lines if not s.strip().startswith("#")]
    assert computed
    assert all("# from: " in s for s in computed)


@pytest.mark.parametrize(
    ("node", "text"),
    [
        ((A + B) * C, "(a + b) * c"),
        (A + B * C, "a + b * c"),
        (A + (B + C), "a + (b + c)"),
        (A - B - C, "a - b - c"),
        (A - (B - C), "a - (b - c)"),
        (A / (B * C), "a / (b * c)"),
        (A / B * C, "a / b * c"),
        (-(A + B), "-(a + b)"),
        (-A * B, "-a * b"),
        (build.power(-A, B), "(-a) ** b"),
        (-build.power(A, B), "-a ** b"),
        (build.power(A, -B), "a ** -b"),
        (build.power(build.power(A, B), C), "(a ** b) ** c"),
        (build.power(A, build.power(B, C)), "a ** b ** c"),
        (build.square(A + B), "(a + b) ** 2"),
        (A * -2.5, "a * -2.5"),
        (build.power(build.constant(-2.0), build.sum(A)), "(-2.0) ** np.sum(a)"),
        (A > 0, "a > 0.0"),
        (build.less_equal(A + B, C), "a + b <= c"),
        (build.logical_and(A < B, P), "(a < b) & p"),
        (build.logical_or(build.logical_and(P, Q), P), "p & q | p"),
        (build.logical_and(build.logical_or(P, Q), P), "(p | q) & p"),
        (build.logical_not(A < B), "~(a < b)"),
        (build.isnan(A), "np.isnan(a)"),
        (build.relu(A), "np.where(a > 0.0, a, a * 0.0)"),
        (build.cast(A + B, "int32"), "(a + b).astype(np.int32)"),
        (build.exp(A) + 1, "np.exp(a) + 1.0"),
    ],
)
def test_operators_are_written_with_the_parentheses_they_need_and_no_more(
    node: Node, text: str
) -> None:
    assert expression(node) == text


X, W = build.input("x", (ROWS, 4)), build.input("w", (4, 5))


@pytest.mark.parametrize(
    ("node", "text"),
    [
        (X @ W, "x @ w"),
        (build.transpose(X) @ X, "x.T @ x"),
        (X + build.sum(W, 1), "x + np.sum(w, axis=1)"),
        (X - build.max(X, 1, keepdims=True), "x - np.max(x, axis=1, keepdims=True)"),
        (build.sum(X), "np.sum(x)"),
        (build.expand_dims(W, 1), "w[:, None]"),
        (build.reshape(X, (-1, 2, 2)), "x.reshape(-1, 2, 2)"),
        (build.slice(W, 1, 1, 4, 2), "w[:, 1:4:2]"),
        (build.slice(W, 0, 0, 2), "w[:2]"),
        (build.full((2, 3), 0.5), "np.full((2, 3), 0.5, np.float32)"),
        (build.iota((2, 4), 0), "np.broadcast_to(np.arange(2).astype(np.int32)[:, None], (2, 4))"),
        (X + build.iota((ROWS, 4), 1, "float32"), "x + np.arange(4).astype(np.float32)"),
        (build.broadcast_to(build.sum(W), (2, 2)), "np.broadcast_to(np.sum(w), (2, 2))"),
        (build.pad(W, (1, 0), (0, 2)), "np.pad(w, ((1, 0), (0, 2)))"),
    ],
)  # fmt: skip
def test_arrays_are_written_as_people_write_them(node: Node, text: str) -> None:
    assert expression(node) == text


def test_float32_constants_are_written_short_and_do_not_promote() -> None:
    node = A * 0.1 + 1e-8
    assert expression(node) == "a * 0.1 + 1e-08"
    (got,) = compile_source(graph(node))(np.ones(3, np.float32))
    assert got.dtype == np.float32


def test_a_constant_alone_keeps_its_dtype() -> None:
    half = build.constant(0.5)
    (got,) = compile_source(Graph((), (half + half * half,)))()
    assert got.dtype == np.float32
    assert got == 0.75


def test_a_value_used_twice_is_computed_once() -> None:
    twice = build.exp(A)
    text = source(graph(twice + build.sin(twice)))
    assert text.count("np.exp") == 1


def test_a_value_used_twice_through_views_is_computed_once() -> None:
    row = build.sum(build.exp(W), 0)
    stretched = build.broadcast_to(row, (4, 5))
    text = source(graph(W * stretched + build.sin(stretched)))
    assert text.count("np.exp") == 1


def test_a_long_expression_is_cut_into_lines() -> None:
    x = A
    for _ in range(50):
        x = build.tanh(x) * 1.5
    assert max(map(len, source(graph(x)).splitlines())) <= 100


def test_depth_is_no_limit() -> None:
    x = A
    for _ in range(5000):
        x = x + B
    (got,) = compile_source(graph(x))(np.zeros(3, np.float32), np.ones(3, np.float32))
    assert got.tolist() == [5000.0] * 3


def test_the_text_needs_numpy_alone() -> None:
    ops = ("sigmoid specials float32", "random bits 33-3", "erf 33 float32", "softplus 33 float32")
    chosen = [c for c in CASES if c.name in ops]
    assert len(chosen) == len(ops)
    for case in chosen:
        text = source(case.graph)
        assert "clearprop" not in text
        space: dict[str, Any] = {}
        exec(text, space)
        with np.errstate(all="ignore"):
            assert space["step"](*case.values.values()) is not None


def test_the_text_is_the_same_in_every_process() -> None:
    program = textwrap.dedent("""
        from tests.readings.test_source import sgd_step
        from clearprop.readings.source import source
        print(source(sgd_step()), end="")
    """)
    texts = set()
    for seed in ("0", "1", "77"):
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        done = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True,
            env=environment, timeout=120,
        )  # fmt: skip
        texts.add(done.stdout)
    assert texts == {source(sgd_step())}


def test_the_text_is_found_by_inspect() -> None:
    step = compile_source(sgd_step())
    text = inspect.getsource(step)
    assert text.startswith("def step(x, y, W1, b1, learning_rate):")
    assert text in source(sgd_step())


def test_a_traceback_shows_the_written_line() -> None:
    step = compile_source(graph(X @ W))
    try:
        step(np.ones((2, 3), np.float32), np.ones((4, 5), np.float32))
    except ValueError:
        assert "x @ w" in traceback.format_exc()
    else:
        pytest.fail("shapes that do not fit were multiplied")


def test_the_function_takes_another_name() -> None:
    assert "def forward(a):" in source(graph(build.exp(A)), "forward")
    with pytest.raises(ArgumentError, match="'not a name' is no name"):
        source(graph(build.exp(A)), "not a name")


def test_rows_that_no_input_tells_are_an_error() -> None:
    with pytest.raises(ShapeError, match="no input of the graph tells"):
        source(Graph((), (build.full((ROWS, 2), 1),)))


def test_the_inputs_are_left_as_they_were() -> None:
    g = sgd_step()
    rng = np.random.default_rng(0)
    shapes = [(4, 3), (4, 1), (3, 1), (1,), ()]
    values = [np.asarray(rng.normal(size=s), np.float32) for s in shapes]
    before = [v.copy() for v in values]
    compile_source(g)(*values)
    for old, new in zip(before, values, strict=True):
        np.testing.assert_array_equal(old, new)
