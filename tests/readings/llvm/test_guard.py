"""ENGINE.md 17: nothing is touched beyond an array's end, nothing unwritten is read.

The runs are in a process of their own: a kernel that steps outside stops it.
"""

import os
import signal
import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from clearprop.errors import EngineError
from clearprop.graph import READINGS
from clearprop.nn.layers import BatchNorm, Dense, Dropout, LayerNorm
from clearprop.nodes import Node, build
from clearprop.readings.llvm.guard import GUARD, PAGE, guard_calls, guarded
from tests.closeness import assert_close
from tests.corpus import CASES
from tests.readings.llvm import loops
from tests.readings.llvm.kernels import step


def process(program: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", program]
    environment = {**os.environ, GUARD: "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_reading_beyond_the_end_stops_the_process() -> None:
    ran = process(
        "import ctypes\n"
        "from clearprop.readings.llvm.guard import guarded\n"
        "address, owner = guarded(12, 'float32')\n"
        "ctypes.string_at(address, 12)\n"
        "print('inside', flush=True)\n"
        "ctypes.string_at(address, 13)\n"
    )
    assert ran.stdout == "inside\n"
    assert ran.returncode == -signal.SIGSEGV


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_guarded_memory_begins_as_nan(dtype: str) -> None:
    _, owner = guarded(8 * 3, dtype)
    begin = len(owner) // 2 - 8 * 3
    assert np.isnan(np.frombuffer(owner, dtype, 24 // np.dtype(dtype).itemsize, begin)).all()


# --- the caller's arrays -----------------------------------------------------------------------


class Fake:
    """A loop whose step writes to every array that it is given."""

    def __init__(self, carried: dict[Node, Node]) -> None:
        self.roles = SimpleNamespace(carried=carried)
        self.ends: list[int] = []

    @guard_calls
    def run(self, values: Any, data: Any = (), *, collected: Any = (), results: Any = None) -> int:
        for array in (*values.values(), *data, *collected, *(results or {}).values()):
            array[...] = array + 1
            self.ends.append((array.ctypes.data + array.nbytes) % PAGE)
        return 7


def test_what_may_change_is_copied_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(GUARD, "1")
    w = build.input("w", (3,))
    loop = Fake({w: w + 1})
    weights, out, behind = np.zeros(3), np.zeros((2, 5)), np.zeros((4, 3, 2)).transpose(1, 2, 0)
    assert loop.run({"w": weights}, collected=[out], results={w: behind}) == 7
    assert loop.ends == [0, 0, 0]
    assert weights.all()
    assert out.all()
    assert behind.all()
    assert behind.strides == np.zeros((4, 3, 2)).transpose(1, 2, 0).strides


@pytest.mark.parametrize("where", ["values", "data"])
def test_writing_to_what_is_only_read_is_an_error(
    where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    array = np.zeros((3, 4))
    given: dict[str, Any] = {"values": {}, "data": []} | (
        {"values": {"x": array}} if where == "values" else {"data": [array]}
    )
    monkeypatch.delenv(GUARD, raising=False)
    Fake({}).run(**given)
    assert array.all()  # without guard mode nothing is copied
    monkeypatch.setenv(GUARD, "1")
    with pytest.raises(EngineError, match=r"wrote to an array \(3, 4\) that it only reads"):
        Fake({}).run(**given)


# --- the engine --------------------------------------------------------------------------------


def graphs() -> None:
    """A part of the corpus, in this process."""
    for case in CASES[::9]:
        print(case.name, flush=True)
        got = READINGS["llvm"](case.graph)(*case.values.values())
        assert_close(case.graph, case.values, got)


def training() -> None:
    """Training steps against the stand-in: a smaller last batch, rows in another order."""
    for layers, loss, optimizer, dtype in (
        ([Dense(33, "relu"), Dense(3)], "cross_entropy", "adam", "float32"),
        ([Dense(5), BatchNorm(), Dropout(0.2), LayerNorm(), Dense(3)], "huber", "adamw", "float64"),
        ([Dense(100, "tanh"), Dense(3)], "mean_squared_error", "sgd", "float64"),
    ):
        print(loss, optimizer, dtype, flush=True)
        made = step(layers, loss, optimizer, dtype)
        setup = loops.of_step(made)
        values, data = loops.sample(setup, 23, made.scalars)
        indices = np.random.default_rng(0).permutation(23)
        tolerance = 1e-9 if dtype == "float64" else 2e-3
        loops.agree(
            setup, values, data, rows=23, batch=9, steps=3, indices=indices, tolerance=tolerance
        )


@pytest.mark.parametrize("part", ["graphs", "training"])
def test_the_engine_runs_in_guard_mode(part: str) -> None:
    ran = process(f"from tests.readings.llvm import test_guard\ntest_guard.{part}()\nprint('all')")
    assert ran.returncode == 0, f"{ran.stdout[-200:]}\n{ran.stderr[-2000:]}"
    assert ran.stdout.endswith("all\n")
