"""The reference agrees with NumPy and mathematics written out by hand, and with published bits."""

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clearprop.errors import ArgumentError, ShapeError, TypeMismatch
from clearprop.nodes import ROWS, Graph, Node, Rows, build
from clearprop.nodes.random import stream_key
from clearprop.nodes.walk import order
from clearprop.readings.reference import evaluate, evaluate_all
from clearprop.readings.threefry import threefry

Array = NDArray[Any]


def run(output: Node, **values: Any) -> Array:
    inputs = tuple(n for n in order([output]) if n.op == "input")
    (result,) = evaluate(Graph(inputs, (output,)), values)
    assert result.dtype == output.dtype
    return result


def f32(*numbers: float) -> Array:
    return np.array(numbers, np.float32)


X = build.input("x", (3,))
ROW = build.input("r", (ROWS, 2))


# --- elementwise -------------------------------------------------------------------------------


@pytest.mark.parametrize("x", [-3.0, -0.5, 0.0, 0.25, 2.0])
@pytest.mark.parametrize(
    ("op", "known"),
    [
        (build.sigmoid, lambda x: 1 / (1 + math.exp(-x))),
        (build.softplus, lambda x: math.log(1 + math.exp(x))),
        (build.erf, math.erf),
        (build.tanh, math.tanh),
        (build.expm1, math.expm1),
        (build.floor, math.floor),
    ],
)
def test_a_function_is_what_mathematics_says(op: Any, known: Any, x: float) -> None:
    got = run(op(build.input("x", (), "float64")), x=x)
    assert float(got) == pytest.approx(known(x), rel=1e-14, abs=1e-15)


def test_sigmoid_and_softplus_do_not_overflow() -> None:
    x = f32(-1e4, 0, 1e4)
    assert run(build.sigmoid(X), x=x).tolist() == [0.0, 0.5, 1.0]
    assert run(build.softplus(X), x=x).tolist() == [0.0, np.float32(math.log(2)), 1e4]


def test_overflow_and_division_by_zero_are_values_not_warnings() -> None:
    assert run(build.exp(X), x=f32(1e4, 0, -1e4)).tolist() == [math.inf, 1.0, 0.0]
    assert run(1 / X, x=f32(0, -0.0, 2)).tolist() == [math.inf, -math.inf, 0.5]
    assert np.isnan(run(build.log(X), x=f32(-1, -2, -3))).all()


def test_relu_and_maximum_keep_nan() -> None:
    x = f32(math.nan, -1, 2)
    np.testing.assert_array_equal(run(build.relu(X), x=x), f32(math.nan, 0, 2))
    np.testing.assert_array_equal(run(build.maximum(X, 0), x=x), f32(math.nan, 0, 2))


def test_float32_is_computed_in_float32() -> None:
    assert run(X + 1e-9, x=f32(1, 1, 1)).tolist() == [1.0, 1.0, 1.0]


def test_a_cast_to_whole_numbers_cuts_toward_zero_and_stops_at_the_ends() -> None:
    x = build.input("x", (6,), "float64")
    value = np.array([-1.9, 1.9, 1e30, -1e30, math.inf, math.nan])
    got = run(build.cast(x, "int32"), x=value)
    assert got.tolist() == [-1, 1, 2**31 - 1, -(2**31), 2**31 - 1, 0]
    assert run(build.cast(x, "uint32"), x=value).tolist() == [0, 1, 2**32 - 1, 0, 2**32 - 1, 0]


# --- reductions and products -------------------------------------------------------------------


def test_max_keeps_nan_and_argmax_finds_it() -> None:
    x = f32(1, math.nan, 3)
    assert math.isnan(run(build.max(X), x=x))
    assert run(build.argmax(X), x=x) == 1


def test_argmax_finds_the_first_of_the_largest() -> None:
    assert run(build.argmax(X), x=f32(2, 5, 5)) == 1


def test_a_sum_of_whole_numbers_stays_in_their_dtype() -> None:
    i = build.input("i", (2,), "int32")
    assert run(build.sum(i), i=np.array([2**31 - 1, 1], np.int32)) == -(2**31)


def test_contract_is_the_matrix_product_of_each_batch_entry() -> None:
    a, b = build.input("a", (2, 3, 4), "float64"), build.input("b", (2, 4, 5), "float64")
    rng = np.random.default_rng(0)
    av, bv = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 4, 5))
    np.testing.assert_allclose(run(a @ b, a=av, b=bv), np.einsum("nip,npj->nij", av, bv), 1e-13)


# --- movement and selection --------------------------------------------------------------------


def test_movement_is_numpys() -> None:
    x = build.input("x", (2, 3, 4), "int32")
    value = np.arange(24, dtype=np.int32).reshape(2, 3, 4)
    pairs = [
        (build.reshape(x, (6, -1)), value.reshape(6, 4)),
        (build.transpose(x, (2, 0, 1)), value.transpose(2, 0, 1)),
        (build.slice(x, 2, 1, 4, 2), value[:, :, 1:4:2]),
        (build.pad(x, (0, 1, 0), (2, 0, 0)), np.pad(value, ((0, 2), (1, 0), (0, 0)))),
        (build.concatenate([x, x], 1), np.concatenate([value, value], 1)),
        (build.flip(x, (0, 2)), value[::-1, :, ::-1]),
        (build.take(x, build.constant(1, "int32"), 1), value[:, 1]),
    ]
    for node, expected in pairs:
        np.testing.assert_array_equal(run(node, x=value), expected, err_msg=repr(node))


def test_scatter_add_adds_where_an_index_comes_twice() -> None:
    u, i = build.input("u", (3, 2)), build.input("i", (3,), "int32")
    got = run(
        build.scatter_add(u, i, 4),
        u=np.array([[1, 2], [3, 4], [5, 6]], np.float32),
        i=np.array([2, 0, 2], np.int32),
    )
    assert got.tolist() == [[3, 4], [0, 0], [6, 8], [0, 0]]


def test_one_hot_outside_its_depth_is_all_zeros() -> None:
    i = build.input("i", (3,), "int32")
    got = run(build.one_hot(i, 2), i=np.array([1, 2, -1], np.int32))
    assert got.tolist() == [[0, 1], [0, 0], [0, 0]]


# --- random bits -------------------------------------------------------------------------------

# from kat_vectors of the Random123 distribution: threefry 2x32, 20 rounds: counter, key, result
KNOWN_ANSWERS = [
    ((0x00000000, 0x00000000), (0x00000000, 0x00000000), (0x6B200159, 0x99BA4EFE)),
    ((0xFFFFFFFF, 0xFFFFFFFF), (0xFFFFFFFF, 0xFFFFFFFF), (0x1CB996FC, 0xBB002BE7)),
    ((0x243F6A88, 0x85A308D3), (0x13198A2E, 0x03707344), (0xC4923A9C, 0x483DF7A0)),
]


@pytest.mark.parametrize(("counter", "key", "result"), KNOWN_ANSWERS)
def test_threefry_gives_the_published_answers(
    counter: tuple[int, int], key: tuple[int, int], result: tuple[int, int]
) -> None:
    first, second = (np.array([c], np.uint32) for c in counter)
    assert tuple(int(word[0]) for word in threefry(key, (first, second))) == result


@pytest.mark.parametrize(
    ("name", "key"), [("", 0x811C9DC5), ("a", 0xE40C292C), ("foobar", 0xBF9CF968)]
)
def test_a_streams_key_is_the_published_hash_of_its_name(name: str, key: int) -> None:
    assert stream_key(name) == key


SEED, STEP = build.input("seed", (), "uint32"), build.input("step", (), "uint32")


def bits(stream: str, seed: int, step: int, shape: tuple[int, ...] = (4, 5)) -> Array:
    return run(build.random_bits(SEED, STEP, shape, stream), seed=seed, step=step)


def test_random_bits_are_threefry_of_seed_stream_place_and_step() -> None:
    place = np.arange(20, dtype=np.uint32)
    step = np.full(20, 7, np.uint32)
    expected = threefry((3, stream_key("0.drop")), (place, step))[0].reshape(4, 5)
    np.testing.assert_array_equal(bits("0.drop", 3, 7), expected)


def test_another_stream_seed_or_step_gives_other_bits() -> None:
    one = bits("0.drop", 3, 7)
    for other in (bits("1.drop", 3, 7), bits("0.drop", 4, 7), bits("0.drop", 3, 8)):
        assert not np.any(one == other)


def test_a_smaller_batch_sees_the_first_bits_of_a_larger_one() -> None:
    np.testing.assert_array_equal(bits("s", 1, 2, (2, 5)), bits("s", 1, 2, (4, 5))[:2])


def test_random_uniform_lies_in_its_interval_with_its_mean() -> None:
    uniform = build.random_uniform(SEED, STEP, (10000,), "u", "float64")
    got = run(uniform, seed=1, step=1)
    assert got.min() >= 0
    assert got.max() < 1
    assert got.mean() == pytest.approx(0.5, abs=0.01)


# --- values and rows ---------------------------------------------------------------------------


def test_rows_are_bound_from_the_arrays() -> None:
    assert run(build.sum(ROW, 0), r=np.ones((7, 2), np.float32)).tolist() == [7, 7]
    assert run(build.mean(ROW, 0), r=np.ones((0, 2), np.float32)).shape == (2,)


def test_two_inputs_that_disagree_on_rows_are_an_error_naming_both() -> None:
    other = build.input("s", (Rows(2),))
    graph = Graph((ROW, other), (build.sum(ROW), build.sum(other)))
    with pytest.raises(ShapeError, match=r"'r' \(3, 2\) has 3, 's' \(8,\) has 4"):
        evaluate(graph, {"r": np.ones((3, 2), np.float32), "s": np.ones(8, np.float32)})


@pytest.mark.parametrize(
    ("value", "error", "said"),
    [
        (np.ones(4, np.float32), ShapeError, r"'x' takes \(3,\), given was \(4,\)"),
        (np.ones((3, 1), np.float32), ShapeError, r"'x' takes \(3,\), given was \(3, 1\)"),
        (np.ones(3), TypeMismatch, "'x' takes float32, given was float64"),
    ],
)
def test_an_array_that_does_not_fit_is_an_error_with_both(
    value: Array, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        run(build.exp(X), x=value)


def test_a_multiple_of_rows_must_divide() -> None:
    x = build.input("x", (Rows(3),))
    with pytest.raises(ShapeError, match=r"takes \(3\*rows,\), given was \(7,\)"):
        run(build.exp(x), x=np.ones(7, np.float32))


def test_a_missing_value_is_an_error_that_names_it() -> None:
    with pytest.raises(ArgumentError, match="no value was given for input 'x'; given was 'y'"):
        run(build.exp(X), y=1)


def test_rows_that_no_input_tells_are_an_error() -> None:
    with pytest.raises(ShapeError, match="no input of the graph tells"):
        run(build.full((ROWS, 2), 1))


def test_outputs_are_new_arrays() -> None:
    x = f32(1, 2, 3)
    (got,) = evaluate(Graph((X,), (X,)), {"x": x})
    got[0] = 9
    assert x[0] == 1


def test_evaluate_all_gives_every_node_with_arguments_first() -> None:
    a = build.exp(X)
    b = build.log(a - 1)
    known = list(evaluate_all(Graph((X,), (b,)), {"x": f32(0, 0, -1)}).items())
    first = next(n for n, v in known if not np.isfinite(v).all())
    assert first is b
    assert [n for n, _ in known].index(a) < [n for n, _ in known].index(b)
