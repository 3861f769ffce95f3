"""The laws of the compiled loop, each against plain facts or the stand-in loop."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clearprop.errors import EngineError, ShapeError
from clearprop.nn.layers import BatchNorm, Dense, Dropout
from clearprop.nodes import ROWS, Graph, Node, build
from clearprop.readings.llvm import compile_function, compile_loop
from tests.readings.llvm import loops
from tests.readings.llvm.kernels import step
from tests.readings.llvm.loops import Setup, agree, setup

Array = NDArray[Any]

ROWS_GIVEN = 23


def network(dtype: str = "float32", units: int = 33) -> tuple[Setup, dict[str, Array], list[Array]]:
    """A training step with dropout, running statistics, Adam and clipping, and data."""
    layers = [Dense(units, "relu"), BatchNorm(), Dropout(0.3), Dense(3)]
    made = step(layers, "cross_entropy", "adam", dtype)
    loop = loops.of_step(made)
    values, data = loops.sample(loop, ROWS_GIVEN, made.scalars)
    return loop, values, data


def ran(made: Setup, values: Any, data: Any = (), **options: Any) -> loops.Ran:
    return loops.run(compile_loop(**made.roles()), made, values, data, **options)


# --- steps, slices, batches --------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_how_many_steps_a_call_runs_changes_no_bit(dtype: str) -> None:
    made, values, data = network(dtype)
    steps = 6
    options: dict[str, Any] = {"rows": ROWS_GIVEN, "batch": 4, "steps": steps}
    once = ran(made, values, data, **options)
    assert once.done == steps
    for slices in ([1] * steps, [1, 3, 2], [5, 1]):
        assert ran(made, values, data, slices=slices, **options).bytes() == once.bytes()


def test_a_loop_runs_again_with_the_same_bits() -> None:
    made, values, data = network()
    loop = compile_loop(**made.roles())
    options: dict[str, Any] = {"rows": ROWS_GIVEN, "batch": 5, "steps": 5}
    first = loops.run(loop, made, values, data, **options)
    other = loops.run(loop, made, values, data, rows=7, batch=7, steps=1)
    assert other.bytes() != first.bytes()
    assert loops.run(loop, made, values, data, **options).bytes() == first.bytes()
    assert ran(made, values, data, **options).bytes() == first.bytes()


def test_the_smaller_last_batch_is_a_batch_of_its_own() -> None:
    made, values, data = network()
    whole = ran(made, values, data, rows=ROWS_GIVEN, batch=9, steps=3)
    before = ran(made, values, data, rows=18, batch=9, steps=2)
    rest = [array[18:].copy() for array in data]
    alone = ran(made, before.values, rest, rows=5, batch=5, steps=1, first_step=2)
    assert whole.log[2].tobytes() == alone.log[0].tobytes()
    for name, array in whole.values.items():
        assert array.tobytes() == alone.values[name].tobytes(), name


def test_indices_choose_rows_as_a_permuted_table_has_them() -> None:
    made, values, data = network()
    options: dict[str, Any] = {"rows": ROWS_GIVEN, "batch": 6, "steps": 4}
    order = np.random.default_rng(1).permutation(ROWS_GIVEN)
    chosen = ran(made, values, data, indices=order, **options)
    permuted = [np.ascontiguousarray(array[order]) for array in data]
    assert chosen.bytes() == ran(made, values, permuted, **options).bytes()
    in_order = ran(made, values, data, **options)
    assert chosen.bytes() != in_order.bytes()
    same = ran(made, values, data, indices=np.arange(ROWS_GIVEN), **options)
    assert same.bytes() == in_order.bytes()


def test_rows_may_be_taken_twice_from_a_smaller_table() -> None:
    x = build.input("x", (ROWS, 2), "float64")
    made = setup(streamed=[x], logged=[build.sum(x)], collected=[x * 2])
    data = [np.array([[1.0, 2.0], [10.0, 20.0]])]
    found = ran(made, {}, data, rows=5, batch=2, steps=3, indices=np.array([1, 0, 1, 1, 0]))
    assert found.log.ravel().tolist() == [33, 60, 3]
    assert found.collected[0][:, 0].tolist() == [20, 2, 20, 20, 2]


def test_the_counter_counts_from_the_first_step() -> None:
    count, w = build.input("count", (), "uint32"), build.input("w", (3,), "float64")
    number = build.cast(count, "float64")
    made = setup({w: w + number}, counter=count, logged=[number, count * 2])
    values = {"w": np.zeros(3)}
    found = agree(made, values, steps=4, first_step=5, slices=[1, 3])
    assert found.log.tolist() == [[5, 10], [6, 12], [7, 14], [8, 16]]
    assert found.values["w"].tolist() == [26.0] * 3


@pytest.mark.parametrize(
    ("dtype", "number"),
    [
        ("float32", 0.5),
        ("float64", 1e300),
        ("int32", -5),
        ("int64", -(2**40)),
        ("uint32", 2**32 - 1),
        ("bool", True),
    ],
)
def test_numbers_of_every_dtype_are_logged(dtype: str, number: float) -> None:
    x = build.input("x", (), dtype)
    found = ran(setup(logged=[x]), {"x": np.array(number, dtype)})
    assert found.log.tolist() == [[float(number)]]


def test_collected_rows_lie_in_order_and_only_where_steps_ran() -> None:
    x, w = build.input("x", (ROWS, 3)), build.input("w", (3, 17))
    label = build.argmax(x @ w, 1)
    made = setup(streamed=[x], collected=[x @ w, label, x < 0])
    rng = np.random.default_rng(0)
    values = {"w": rng.normal(size=(3, 17)).astype("f4")}
    data = [rng.normal(size=(10, 3)).astype("f4")]
    agree(made, values, data, rows=10, batch=4, steps=3, tolerance=1e-6)
    out = [np.full((10, 17), 7, "f4"), np.full(10, 7, "i4"), np.full((10, 3), True)]
    loop = compile_loop(**made.roles())
    loop.run(values, data, rows=10, batch=4, start=1, steps=1, collected=out)
    np.testing.assert_allclose(out[0][4:8], data[0][4:8] @ values["w"], rtol=1e-5)
    assert (out[0][[*range(4), 8, 9]] == 7).all()
    assert (out[1][[*range(4), 8, 9]] == 7).all()


def test_no_steps_change_nothing() -> None:
    made, values, data = network()
    found = ran(made, values, data, rows=ROWS_GIVEN, batch=4, steps=0)
    assert found.done == 0
    assert all((found.values[name] == values[name]).all() for name in values)


def test_two_callers_take_turns() -> None:
    w = build.input("w", (3000,), "float64")
    made = setup({w: w + 1}, logged=[build.sum(w)])
    loop = compile_loop(**made.roles())
    values = [{"w": np.full(3000, start)} for start in (0.0, 1e6)]
    threads = [threading.Thread(target=loop.run, args=(v,), kwargs={"steps": 500}) for v in values]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (values[0]["w"] == 500).all()
    assert (values[1]["w"] == 1e6 + 500).all()


# --- the end at a number that is not finite ----------------------------------------------------


def summing() -> Setup:
    x, w = build.input("x", (ROWS, 2)), build.input("w", (2,))
    total = build.sum(x, 0)
    return setup({w: w + total}, streamed=[x], logged=[build.sum(total), build.sum(w)])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_number_that_is_not_finite_stops_after_its_step(bad: float) -> None:
    made, values = summing(), {"w": np.zeros(2, "f4")}
    data = np.ones((12, 2), "f4")
    data[7, 1] = bad  # in the step from row 6
    options: dict[str, Any] = {"rows": 12, "batch": 3, "steps": 4}
    stopped = agree(made, values, [data], stop_on_nonfinite=True, **options)
    assert stopped.done == 3
    assert stopped.log[:2, 0].tolist() == [6, 6]
    assert not np.isfinite(stopped.log[2, 0])
    assert np.isnan(stopped.log[3]).all()  # as it was: never written
    on = agree(made, values, [data], **options)
    assert on.done == 4
    assert on.log[3, 0] == 6


def test_a_finite_number_too_large_for_a_sum_of_all_is_no_reason_to_stop() -> None:
    made, values = summing(), {"w": np.zeros(2, "f4")}
    data = np.zeros((4, 2), "f4")
    data[:, 0] = np.float32(3e38)
    found = ran(made, values, [data], rows=4, batch=1, steps=1, stop_on_nonfinite=True)
    assert found.done == 1
    assert np.isfinite(found.log).all()


# --- what does not fit -------------------------------------------------------------------------


def test_roles_that_do_not_fit_are_refused() -> None:
    x, w = build.input("x", (ROWS, 2)), build.input("w", (2,))
    total, other = build.sum(x, 0), build.input("other", (2,))
    graph = Graph((x, w, other), (total, build.sum(w), w + other, other))
    refused: list[tuple[dict[str, Any], str, type[Exception]]] = [
        ({"carried": {total: total}}, "is not an input of the graph", EngineError),
        ({"carried": {w: w * 3}}, "is not an output of the graph", EngineError),
        ({"carried": {w: other}}, "w becomes the input other: carry a copy", EngineError),
        ({"carried": {w: build.sum(w)}}, r"w is \(2,\) of float32.*\(\) of float32", ShapeError),
        ({"logged": [total]}, r"one number, not \(2,\)", ShapeError),
        ({"logged": [w * 3]}, "is not an output of the graph", EngineError),
        ({"streamed": []}, "'x' has rows, so it must be streamed", EngineError),
    ]
    for changed, message, kind in refused:
        arguments = {"carried": {}, "streamed": [x]} | changed
        with pytest.raises(kind, match=message):
            compile_loop(graph, **arguments)


def test_arrays_that_do_not_fit_are_refused() -> None:
    made, values = summing(), {"w": np.zeros(2, "f4")}
    data = [np.ones((12, 2), "f4")]
    plain: dict[str, Any] = {"values": values, "data": data, "rows": 12, "batch": 3, "steps": 4}
    order = np.arange(12)
    refused: list[tuple[dict[str, Any], str, type[Exception]]] = [
        ({"values": {}}, "no value for the input 'w'", EngineError),
        ({"values": {"w": np.zeros(2)}}, r"w: an array \(2,\) of float64 was given", ShapeError),
        ({"values": {"w": np.zeros(4, "f4")[::2]}}, r"contiguous \(2,\) of float32", ShapeError),
        ({"values": {"w": np.zeros((2, 1), "f4")}}, r"array \(2, 1\) of float32", ShapeError),
        ({"data": []}, "1 arrays in and 0 out are expected, 0 and 0", EngineError),
        ({"data": [np.ones((12, 3), "f4")]}, r"array \(12, 3\)", ShapeError),
        ({"data": [np.ones((2, 12), "f4").T]}, "contiguous", ShapeError),
        ({"data": [np.ones((11, 2), "f4")]}, "has 11 rows, 12 are needed", ShapeError),
        ({"steps": 5}, "steps 0 to 5 of 3 pass 12 rows", EngineError),
        ({"start": -1}, "steps -1 to 3 of 3 pass 12 rows", EngineError),
        ({"start": 1}, "steps 1 to 5 of 3 pass 12 rows", EngineError),
        ({"indices": order[:11]}, "one for each of 12 rows; given were 11", EngineError),
        ({"indices": order.astype("i4")}, "must be contiguous int64", EngineError),
        ({"indices": order + 1}, "an index is outside the 12 rows", EngineError),
        ({"indices": order - 1}, "an index is outside the 12 rows", EngineError),
        ({"log": np.zeros((3, 2))}, "2 places for each of 4 steps", EngineError),
        ({"log": np.zeros((4, 2), "f4")}, "contiguous float64", EngineError),
        ({"collected": [np.zeros(12)]}, "0 out are expected, 1 and 1 were given", EngineError),
    ]
    fixed = np.zeros(2, "f4")
    fixed.flags.writeable = False
    refused.append(({"values": {"w": fixed}}, "w: the array is read-only", EngineError))
    loop = compile_loop(**made.roles())
    for changed, message, kind in refused:
        with pytest.raises(kind, match=message):
            loop.run(**(plain | changed))
    assert not values["w"].any()
    assert loop.run(**plain) == 4


def test_a_function_holds_its_arguments_to_their_shapes() -> None:
    x, y = build.input("x", (ROWS, 2)), build.input("y", (ROWS,))
    run = compile_function(Graph((x, y), (build.sum(x, 1) + y,)))
    assert run([[1, 2], [3, 4]], [10, 20])[0].tolist() == [13, 27]
    with pytest.raises(EngineError, match="2 arrays expected, 1 given"):
        run([[1, 2]])
    with pytest.raises(ShapeError, match=r"y: an array \(3,\)"):
        run([[1, 2], [3, 4]], [1, 2, 3])
    with pytest.raises(ShapeError, match=r"x: an array \(2, 3\)"):
        run([[1, 2, 3], [3, 4, 5]], [1, 2])


# --- denormals and NaN -------------------------------------------------------------------------

TINY = {"float32": 1e-40, "float64": 1e-310}


def denormals_live() -> bool:
    """Whether this thread computes with denormals, in both of their places."""
    half = np.full(64, np.finfo("f4").tiny, "f4") * np.float32(0.5)
    up = np.full(64, 1e-310) * 1e10
    return bool((half != 0).all() and (up != 0).all())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(), (7,), (1000,)])
def test_denormals_are_zero_inside_and_live_again_after(dtype: str, shape: tuple[int, ...]) -> None:
    x = build.input("x", shape, dtype)
    run = compile_function(Graph((x,), (x * 1e10, x * 0.5)))
    assert denormals_live()
    assert not run(np.full(shape, TINY[dtype], dtype))[0].any()
    assert not run(np.full(shape, np.finfo(dtype).tiny, dtype))[1].any()
    assert denormals_live()


def test_denormals_live_again_after_a_stop() -> None:
    made = summing()
    data = np.full((12, 2), np.nan, "f4")
    options: dict[str, Any] = {"rows": 12, "batch": 3, "steps": 4, "stop_on_nonfinite": True}
    assert ran(made, {"w": np.zeros(2, "f4")}, [data], **options).done == 1
    assert denormals_live()


KEEP: dict[str, Callable[[Node], Node]] = {
    "relu": build.relu,
    "maximum": lambda x: build.maximum(x, 0.5),
    "maximum, other side": lambda x: build.maximum(build.full(x.shape, 0.5, x.dtype), x),
    "minimum": lambda x: build.minimum(x, 0.5),
    "clip": lambda x: build.clip(x, -1.0, 1.0),
    "abs": build.abs,
    "max of all": build.max,
    "max of rows": lambda x: build.max(x, 1),
    "max of columns": lambda x: build.max(x, 0),
    "softmax": build.softmax,
    "sum": build.sum,
    "product": lambda x: x @ build.transpose(x),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", KEEP)
def test_nan_is_kept_wherever_it_stands(name: str, dtype: str) -> None:
    x = build.input("x", (3, 19), dtype)
    graph = Graph((x,), (KEEP[name](x),))
    run = compile_function(graph)
    values = np.random.default_rng(0).normal(size=(3, 19)).astype(dtype)
    assert not np.isnan(run(values)[0]).any()
    for place in range(0, 57, 4):
        here = values.copy()
        here.ravel()[place] = np.nan
        (found,) = run(here)
        row, column = divmod(place, 19)
        index: dict[str, Any] = {
            "max of all": (), "sum": (), "max of rows": row, "max of columns": column,
            "product": (row, row), "softmax": (row, column),
        }  # fmt: skip
        assert np.isnan(found[index.get(name, (row, column))]), place
        if name not in ("softmax", "product"):
            assert np.isnan(found).sum() == 1
