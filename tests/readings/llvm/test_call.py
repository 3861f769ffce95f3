"""What a call remembers of the one before: nothing that has changed is taken for what it was."""

import gc
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clearprop.errors import EngineError, ShapeError
from clearprop.nodes import ROWS, Graph, build
from clearprop.readings.llvm import Loop, compile_loop
from clearprop.readings.llvm.guard import GUARD
from clearprop.readings.llvm.program import Loop as Program
from clearprop.readings.llvm.roles import Roles
from clearprop.readings.llvm.target import host

Array = NDArray[Any]
X = np.arange(12, dtype=np.float32).reshape(6, 2)


def adding() -> Loop:
    """w + the sum of a minibatch's rows + b takes w's place."""
    x, w, b = build.input("x", (ROWS, 2)), build.input("w", (2,)), build.input("b", (2,))
    new, total = w + build.sum(x, 0) + b, build.sum(x)
    return compile_loop(Graph((x, w, b), (new, total)), carried={w: new}, streamed=[x],
                        logged=[total])  # fmt: skip


def run(loop: Loop, values: dict[str, Array], data: Array = X, **options: Any) -> Array:
    log = np.zeros((2, 1))
    loop.run(values, [data], rows=6, batch=3, steps=2, log=log, **options)
    return log


def fresh() -> dict[str, Array]:
    return {"w": np.zeros(2, np.float32), "b": np.zeros(2, np.float32)}


@pytest.fixture
def called() -> tuple[Loop, dict[str, Array]]:
    loop, values = adding(), fresh()
    run(loop, values)
    assert values["w"].tolist() == [30, 36]
    return loop, values


def test_the_same_arrays_go_on(called: tuple[Loop, dict[str, Array]]) -> None:
    loop, values = called
    run(loop, values)
    assert values["w"].tolist() == [60, 72]


def test_new_contents_of_the_same_array_are_seen(called: tuple[Loop, dict[str, Array]]) -> None:
    loop, values = called
    values["b"][:] = 100
    run(loop, values)
    assert values["w"].tolist() == [260, 272]


@pytest.mark.parametrize("name", ["w", "b"])
def test_another_array_is_taken(name: str, called: tuple[Loop, dict[str, Array]]) -> None:
    loop, values = called
    old = values[name]
    before = old.copy()
    values[name] = np.full(2, 1, np.float32)
    run(loop, values)
    start = 1 if name == "w" else np.array([30, 36])
    assert values["w"].tolist() == (start + X.sum(0) + (2 if name == "b" else 0)).tolist()
    if name == "w":
        assert old.tolist() == before.tolist()


def test_another_array_at_the_same_place_is_checked(
    called: tuple[Loop, dict[str, Array]],
) -> None:
    loop, values = called
    values["b"] = values["b"].view(np.int32)
    with pytest.raises(ShapeError, match="of int32 was given"):
        run(loop, values)


def become(array: Array, new: Array) -> None:
    """Another array's memory, shape and dtype in this very object; NumPy lets little else do it."""
    state: Any = new.__reduce__()[2]
    array.__setstate__(state)


def _longer(array: Array) -> None:
    become(array, np.zeros(3, np.float32))


def _another_shape(array: Array) -> None:
    become(array, np.zeros((2, 1), np.float32))


def _another_dtype(array: Array) -> None:
    become(array, np.zeros(2, np.int32))


@pytest.mark.parametrize("change", [_longer, _another_shape, _another_dtype])
@pytest.mark.parametrize("name", ["w", "b"])
def test_an_array_that_was_changed_in_place_is_checked(
    name: str, change: Callable[[Array], None], called: tuple[Loop, dict[str, Array]]
) -> None:
    loop, values = called
    change(values[name])
    with pytest.raises(ShapeError):
        run(loop, values)


def test_an_array_that_has_moved_is_found(called: tuple[Loop, dict[str, Array]]) -> None:
    loop, values = called
    array = values["b"]
    before = array.ctypes.data
    become(array, np.zeros(1 << 20, np.float32))
    others = [np.full(2, 7, np.float32) for _ in range(50)]  # one of them takes the old place
    become(array, np.ones(2, np.float32))
    assert array.ctypes.data != before
    run(loop, values)
    assert values["w"].tolist() == [62, 74]
    assert all(other.tolist() == [7, 7] for other in others)


def test_a_missing_array_is_told(called: tuple[Loop, dict[str, Array]]) -> None:
    loop, values = called
    with pytest.raises(EngineError, match="no value for the input 'b'"):
        run(loop, {"w": values["w"]})


def test_data_log_and_indices_are_those_of_the_call(called: tuple[Loop, dict[str, Array]]) -> None:
    loop, values = called
    assert run(loop, values, X + 1).ravel().tolist() == [21, 57]
    assert run(loop, values, indices=np.arange(6)[::-1].copy()).ravel().tolist() == [51, 15]
    assert run(loop, values).ravel().tolist() == [15, 51]
    with pytest.raises(EngineError, match="an index is outside"):
        run(loop, values, indices=np.full(6, 6))


def test_a_call_after_a_wrong_one_is_right(called: tuple[Loop, dict[str, Array]]) -> None:
    loop, values = called
    other = fresh()
    with pytest.raises(ShapeError):
        run(loop, {"w": other["w"], "b": np.zeros(3, np.float32)})
    run(loop, values)
    assert values["w"].tolist() == [60, 72]
    assert other["w"].tolist() == [0, 0]


def test_steps_that_stopped_do_not_stop_the_next() -> None:
    loop, values = adding(), fresh()
    bad = X.copy()
    bad[0, 0] = np.nan
    done = loop.run(values, [bad], rows=6, batch=3, steps=2, stop_on_nonfinite=True)
    assert done == 1
    assert loop.run(fresh(), [X], rows=6, batch=3, steps=2, stop_on_nonfinite=True) == 2


@pytest.mark.parametrize("rows", [[3, 5, 3], [5, 1, 4]])
def test_external_arrays_are_held_to_the_rows_of_the_call(rows: list[int]) -> None:
    x = build.input("x", (ROWS, 2))
    y = build.exp(x)
    loop = Program(Roles(Graph((x,), (y,)), external=(y,)), host())
    for count in rows:
        given = X[:count].copy()
        out = np.zeros((count, 2), np.float32)
        loop.run({"x": given}, rows=count, batch=count, results={y: out})
        np.testing.assert_allclose(out, np.exp(given), rtol=1e-6)
        short, longer = (np.zeros((count + more, 2), np.float32) for more in (-1, 1))
        with pytest.raises(ShapeError):
            loop.run({"x": given}, rows=count + 1, batch=count + 1, results={y: longer})
        loop.run({"x": given}, rows=count, batch=1, results={y: out})
        with pytest.raises(ShapeError):  # the same array in the same workspace
            loop.run({"x": given}, rows=count + 1, batch=1, results={y: longer})
        with pytest.raises(ShapeError):
            loop.run({"x": given}, rows=count, batch=count, results={y: short})
    with pytest.raises(EngineError, match="no array for the result"):
        loop.run({"x": given}, rows=count, batch=count)


def test_a_loop_keeps_no_array_alive(
    called: tuple[Loop, dict[str, Array]], monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, values = called
    data = X.copy()
    run(loop, values, data)
    gone = [weakref.ref(array) for array in (*values.values(), data)]
    del data
    values.clear()
    gc.collect()
    assert [ref() for ref in gone] == [None] * 3
    new = fresh()
    run(loop, new)
    assert new["w"].tolist() == [30, 36]


def test_a_loop_works_in_and_out_of_guard_mode(
    called: tuple[Loop, dict[str, Array]], monkeypatch: pytest.MonkeyPatch
) -> None:
    loop, values = called
    for guard in ("1", "", "1", ""):
        monkeypatch.setenv(GUARD, guard)
        run(loop, values)
    assert values["w"].tolist() == [150, 180]
