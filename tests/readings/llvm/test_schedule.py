"""Arrays and threads: what may share memory, where threads must wait for each other.

The facts are taken from the code itself (which pointers each call is given), not from the plan.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clearprop.nn.layers import BatchNorm, Dense, Dropout, LayerNorm
from clearprop.nodes import ROWS, build
from clearprop.nodes.shapes import bind
from clearprop.readings.llvm.program import Loop, compile_loop
from clearprop.readings.llvm.roles import bytes_of
from clearprop.readings.llvm.team import Unit, units
from clearprop.readings.llvm.writer import Argument
from tests.readings.llvm import loops
from tests.readings.llvm.kernels import step
from tests.readings.llvm.loops import Setup, setup

Array = NDArray[Any]


@dataclass
class Touch:
    """What one call touches: who runs it, between which barriers, its arrays."""

    unit: Unit
    owner: int
    phase: int
    touched: frozenset[Argument]
    written: frozenset[Argument]


def touches(loop: Loop, rows: int) -> list[Touch]:
    """All calls of a step, in order."""
    schedule, _ = loop._workspace(rows)
    out = []
    phases = np.cumsum(schedule.modes[:, 0])
    for number, unit in enumerate(units(loop.codes)):
        kernel = loop.plan.kernels[unit.kernel]
        made = {t.node for t in kernel.tasks()} | ({kernel.product} - {None})
        slots = {node for node, _ in loop.codes[unit.kernel].slots}
        touched = frozenset(unit.code.arguments)
        written = frozenset(
            a
            for a in touched
            if a.node in made and (a.slots != unit.finish if a.node in slots else not unit.finish)
        )
        owner, phase = int(schedule.modes[number, 1]), int(phases[number])
        out.append(Touch(unit, owner, phase, touched, written))
    return out


def place(loop: Loop, argument: Argument) -> Argument:
    """The array that a new value is written over stands for it."""
    return Argument(loop.in_place.get(argument.node, argument.node), argument.slots)


def big() -> Setup:
    """Sums over rows and columns of several large arrays, in kernels with slots."""
    x, w = build.input("x", (ROWS, 300)), build.input("w", (300, 200))
    y = build.tanh(x @ w)
    z = build.exp(y - build.sum(y, 1, keepdims=True) * 0.01)
    columns = build.sum(z, 0)
    spread = build.sqrt(build.sum(build.square(z - columns), 0))
    slope = build.transpose(x) @ (y * spread)
    norm = build.sum(slope * slope)
    return setup({w: w - slope / build.sqrt(norm)}, [x], logged=[norm, build.sum(spread)])


LAYERS: dict[str, list[Any]] = {
    "dense": [Dense(700, "relu"), Dense(300, "tanh"), Dense(3)],
    "norms": [Dense(500), BatchNorm(), Dropout(0.2), Dense(400, "gelu"), LayerNorm(), Dense(3)],
}


def problems() -> dict[str, tuple[Setup, dict[str, float]]]:
    out: dict[str, tuple[Setup, dict[str, float]]] = {"sums": (big(), {})}
    for name, layers in LAYERS.items():
        made = step(layers, "cross_entropy", "adam", inputs=200)
        out[name] = loops.of_step(made), dict(made.scalars)
    return out


PROBLEMS = problems()


@pytest.mark.parametrize("rows", [3, 256])
@pytest.mark.parametrize("name", PROBLEMS)
def test_arrays_of_one_phase_share_no_memory(name: str, rows: int) -> None:
    check_memory(PROBLEMS[name][0], rows)


def check_memory(made: Setup, rows: int) -> None:
    """Hold arrays that live in one phase to memory of their own."""
    loop = compile_loop(**made.roles())
    _, arena = loop._workspace(rows)
    calls = touches(loop, rows)
    last = calls[-1].phase + 1
    spans: dict[Argument, tuple[int, int]] = {}
    for call in calls:
        for argument in call.touched:
            if argument in arena.addresses:
                first, _ = spans.get(argument, (call.phase, 0))
                spans[argument] = first, call.phase
    for node in (*made.logged, *made.collected, *made.carried.values()):
        if Argument(node) in spans:  # read after the last phase, by the log and the copies
            spans[Argument(node)] = spans[Argument(node)][0], last
    for node in made.streamed:
        spans[Argument(node)] = -1, spans.get(Argument(node), (0, 0))[1]
    sizes = {a: slots(loop, a, rows) if a.slots else bytes_of(a.node, rows) for a in spans}
    items = list(spans.items())
    for number, (a, (first, end)) in enumerate(items):
        for b, (other, until) in items[:number]:
            if first <= until and other <= end:
                low, high = sorted((arena.addresses[x], sizes[x]) for x in (a, b))
                assert low[0] + low[1] <= high[0], (a, b)


def slots(loop: Loop, argument: Argument, rows: int) -> int:
    """The bytes of a kernel's slots: one for each of its blocks."""
    for code in loop.codes:
        for node, count in code.slots:
            if node is argument.node:
                width = np.dtype(node.dtype).itemsize
                return int(np.prod(bind((count,), rows))) * code.blocks(rows) * width
    raise AssertionError(argument)


@pytest.mark.parametrize("rows", [3, 256])
@pytest.mark.parametrize("name", PROBLEMS)
def test_between_two_barriers_no_thread_touches_what_another_writes(name: str, rows: int) -> None:
    check_barriers(PROBLEMS[name][0], rows)


def check_barriers(made: Setup, rows: int) -> None:
    """Hold threads to arrays that no other thread writes between the same two barriers."""
    loop = compile_loop(**made.roles())
    calls = touches(loop, rows)
    for number, call in enumerate(calls):
        for other in calls[:number]:
            if other.phase != call.phase or (other.owner == call.owner == 0):
                continue
            mine, theirs = ({place(loop, a) for a in c.touched} for c in (call, other))
            written = {place(loop, a) for a in call.written}
            before = {place(loop, a) for a in other.written}
            assert not written & theirs
            assert not before & mine


@pytest.mark.parametrize("name", PROBLEMS)
def test_the_number_of_threads_changes_no_bit(name: str) -> None:
    made, scalars = PROBLEMS[name]
    values, data = loops.sample(made, 600, scalars)
    loop = compile_loop(**made.roles())
    assert loop._workspace(256)[0].team(2) == 2
    options: dict[str, Any] = {"rows": 600, "batch": 256, "steps": 3}
    alone = loops.run(loop, made, values, data, threads=1, **options)
    for threads in (2, 3, 4):
        found = loops.run(loop, made, values, data, threads=threads, **options)
        assert found.log.tobytes() == alone.log.tobytes(), threads
        for key, array in alone.values.items():
            assert found.values[key].tobytes() == array.tobytes(), (threads, key)


def test_denormals_are_zero_in_every_thread() -> None:
    x = build.input("x", (1200, 300), "float64")
    product = x @ build.input("w", (300, 400), "float64")
    made = setup({x: x * 1e10}, logged=[build.sum(build.tanh(product))])
    values = {"x": np.full((1200, 300), 1e-310), "w": np.zeros((300, 400))}
    loop = compile_loop(**made.roles())
    assert loop._workspace(0)[0].team(2) == 2
    for threads in (1, 2):
        found = loops.run(loop, made, values, [], steps=1, threads=threads)
        assert not found.values["x"].any()


FORKS = """
import os, signal
import numpy as np
from clearprop.nodes import Graph, build
from clearprop.readings.llvm import compile_loop

w = build.input("w", (700, 700))
new = build.tanh(w @ w)
loop = compile_loop(Graph((w,), (new,)), carried={w: new})

def run():
    values = {"w": np.full((700, 700), 1e-3, "f4")}
    loop.run(values, steps=2, threads=2)
    return values["w"].tobytes()

assert loop._workspace(0)[0].team(2) == 2
before = run()
child = os.fork()
if child == 0:
    signal.alarm(30)  # threads do not live on in a child: it would wait for ever
    os._exit(0 if run() == before else 3)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), run() == before)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="a system without fork has no such children")
def test_a_forked_child_has_a_team_of_its_own() -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORKS]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ran.stdout == "0 True\n", ran.stderr
