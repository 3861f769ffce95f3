"""Products of all shapes: packed and not, turned round, with what rides on their store.

The corpus has small ones; here are those that go through panels, edges and blocks.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clearprop.nodes import ROWS, Graph, Node, build
from clearprop.readings.llvm import compile_function, compile_loop
from clearprop.readings.llvm.plan import plan
from clearprop.readings.llvm.target import TARGETS, Target, host
from tests.readings.llvm import loops
from tests.readings.llvm.apply import runnable
from tests.readings.llvm.loops import setup

Array = NDArray[Any]

ONE_OF_A_WIDTH: dict[int, Target] = {host().vector: host()} | {
    TARGETS[name].vector: TARGETS[name]
    for name in runnable()
    if name != "host" and TARGETS[name].vector != host().vector
}
WIDTHS = sorted(ONE_OF_A_WIDTH)
EDGES = (1, 2, 5, 7, 13, 31)


def operands(form: str, m: int, k: int, n: int, dtype: str) -> tuple[Node, list[Node], list[Array]]:
    """The product of m x k by k x n, its inputs and their values."""
    rng = np.random.default_rng(m * 1000 + k * 100 + n)
    a, b = rng.normal(size=(m, k)), rng.normal(size=(k, n))
    shapes = {"left": (k, m) if "l" in form else (m, k), "right": (n, k) if "r" in form else (k, n)}
    if "R" in form:  # the number of rows is known when it runs
        shapes["left"] = (ROWS, m) if "l" in form else (ROWS, k)  # type: ignore[assignment]
        if "l" in form:
            shapes["right"] = (ROWS, n)  # type: ignore[assignment]
    left, right = (build.input(name, shape, dtype) for name, shape in shapes.items())
    x = build.transpose(left) if "l" in form else left
    y = build.transpose(right) if "r" in form else right
    values = [a.T if "l" in form else a, b.T if "r" in form else b]
    return x @ y, [left, right], [np.ascontiguousarray(v.astype(dtype)) for v in values]


def shapes() -> Iterator[tuple[str, int, int, int, str]]:
    """(form, m, k, n, dtype); l, r: the left, the right operand turned round; R: rows symbolic."""
    for place, n in enumerate((511, 512, 513, 530, 1027)):
        for form in ("", "r", "R", "Rr", "lR", "l"):
            dtype = ("float32", "float64")[(place + len(form)) % 2]
            yield form, EDGES[place], (64, 65, 100)[place % 3], n, dtype
    for place, n in enumerate((2, 15, 16, 17, 31, 33, 47, 49, 63, 65, 97, 130)):
        for form in ("", "Rr", "lR", "lr"):
            dtype = ("float32", "float64")[place % 2]
            yield form, EDGES[place % 6] + 12 * (place % 3), 1 + place * 3, n, dtype


@pytest.mark.parametrize("width", WIDTHS)
def test_products_give_what_numpy_gives(width: int) -> None:
    target = ONE_OF_A_WIDTH[width]
    for form, m, k, n, dtype in shapes():
        product, inputs, values = operands(form, m, k, n, dtype)
        c = build.input("c", (n,), dtype)
        shift = np.linspace(-1, 1, n).astype(dtype)
        y = build.maximum(product + c, 0.25)
        graph = Graph((*inputs, c), (y, build.sum(y), build.max(y)))
        found = compile_function(graph, target)(*values, shift)
        a, b = (v.astype("f8") for v in values)
        exact = (a.T if "l" in form else a) @ (b.T if "r" in form else b) + shift
        exact = np.maximum(exact, 0.25)
        eps = float(np.finfo(dtype).eps)
        bound = eps * (k + 2) * 8
        what = f"{form} {m}x{k}x{n} {dtype}"
        np.testing.assert_allclose(found[0], exact, rtol=0, atol=bound, err_msg=what)
        np.testing.assert_allclose(found[1], exact.sum(), rtol=eps * m * n, err_msg=what)
        assert found[2] == found[0].max(), what


def test_several_readers_get_the_product_and_what_rides_on_it() -> None:
    product, inputs, values = operands("R", 29, 70, 600, "float32")
    y = build.tanh(product)
    graph = Graph(tuple(inputs), (product, y, build.sum(product * y), build.sum(y, 0)))
    found = compile_function(graph)(*values)
    exact = values[0].astype("f8") @ values[1]
    np.testing.assert_allclose(found[0], exact, atol=1e-4)
    np.testing.assert_allclose(found[1], np.tanh(exact), atol=1e-4)
    np.testing.assert_allclose(found[2], (exact * np.tanh(exact)).sum(), rtol=1e-4)
    np.testing.assert_allclose(found[3], np.tanh(exact).sum(0), atol=1e-3)


@pytest.mark.parametrize("form", ["R", "Rr", "lR"])
def test_no_rows_give_no_rows_and_sums_of_zero(form: str) -> None:
    product, inputs, values = operands(form, 3, 4, 9, "float32")
    given = [v[:0] if i.shape[0] is ROWS else v for i, v in zip(inputs, values, strict=True)]
    graph = Graph(tuple(inputs), (product, build.sum(product)))
    found = compile_function(graph)(*given)
    assert found[0].shape == ((3, 9) if form == "lR" else (0, 9))
    assert not found[0].any()
    assert found[1] == 0


@pytest.mark.parametrize("rows", [1, 2, 7, 16, 33])
@pytest.mark.parametrize("columns", [1, 3, 8, 16, 41])
@pytest.mark.parametrize("width", WIDTHS)
def test_a_matrix_turned_round_is_exact(rows: int, columns: int, width: int) -> None:
    for dtype in ("float32", "float64", "int32", "int64"):
        x = build.input("x", (rows, columns), dtype)
        graph = Graph((x,), (build.transpose(x),))
        if min(rows, columns) > 1:
            assert plan(graph).kernels[0].form == "turn"
        given = np.arange(rows * columns).reshape(rows, columns).astype(dtype)
        (found,) = compile_function(graph, ONE_OF_A_WIDTH[width])(given)
        np.testing.assert_array_equal(found, given.T)


def test_the_number_of_threads_changes_no_bit_of_a_product() -> None:
    for form in ("", "r", "lr"):
        product, inputs, values = operands(form, 300, 200, 700, "float32")
        keep = build.input("keep", (300, 700))
        total = build.sum(product * keep)
        made = setup({keep: keep * 0.5 + build.tanh(product)}, logged=[total])
        given = {i["name"]: v for i, v in zip(inputs, values, strict=True)}
        given["keep"] = np.ones((300, 700), "f4")
        loop = compile_loop(**made.roles())
        assert loop._workspace(0)[0].team(2) == 2
        runs = [loops.run(loop, made, given, [], steps=2, threads=n).bytes() for n in (1, 2, 3)]
        assert len(set(runs)) == 1
