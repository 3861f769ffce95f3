"""Blocks of a few elements and every kernel shared: what else only large arrays would try.

The sizes from which work is cut into blocks, packed and shared out are made tiny, so that small
graphs go through slots, panels, barriers and teams. One thread must be as close to the reference as
ever, and a team must give the bits of one thread.
"""

from typing import Any

import pytest

from clearprop.nn.layers import BatchNorm, Dense, Dropout, LayerNorm
from clearprop.readings.llvm import compile_function, compile_loop, kernel, packing, schedule
from clearprop.readings.llvm.program import Loop
from clearprop.transform.lower import lower
from clearprop.transform.simplify import simplify
from tests.closeness import assert_close
from tests.corpus import CASES
from tests.readings.llvm import loops
from tests.readings.llvm.kernels import step
from tests.readings.llvm.test_placement import PLACES, random_loop, random_rows
from tests.readings.llvm.test_schedule import check_barriers, check_memory

PARTS = 4
AVAILABLE = "clearprop.readings.llvm.program.available"


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "BLOCK", 4)
    monkeypatch.setattr(kernel, "SHORT", 1)
    monkeypatch.setattr(packing, "WIDE", 5)
    monkeypatch.setattr(packing, "DEEP", 2)
    monkeypatch.setattr(schedule, "SHARE", 0.0)
    monkeypatch.setattr(schedule, "TEAM", 0.0)


def shared(loop: Loop, rows: int) -> int:
    """How many calls of a step a team divides."""
    modes = loop._workspace(rows)[0].modes
    return int((modes[:, 1] < 0).sum())


@pytest.mark.parametrize("part", range(PARTS))
def test_graphs_in_small_blocks(part: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for case in CASES[part :: 4 * PARTS]:
        run = compile_function(lower(simplify(case.graph)))
        monkeypatch.setattr(AVAILABLE, lambda: 1)
        alone = run(*case.values.values())
        assert_close(case.graph, case.values, alone)
        monkeypatch.setattr(AVAILABLE, lambda: 2)
        for mine, ours in zip(alone, run(*case.values.values()), strict=True):
            assert mine.tobytes() == ours.tobytes(), case.name


STEPS: dict[str, tuple[list[Any], str]] = {
    "dense": ([Dense(9, "relu"), Dense(7, "tanh"), Dense(3)], "adam"),
    "norms": ([Dense(5), BatchNorm(), Dropout(0.2), LayerNorm(), Dense(3)], "adamw"),
    "momentum": ([Dense(17, "gelu"), Dense(3)], "sgd"),
}


@pytest.mark.parametrize("name", STEPS)
def test_training_in_small_blocks(name: str) -> None:
    layers, optimizer = STEPS[name]
    made = step(layers, "cross_entropy", optimizer, "float64")
    setup = loops.of_step(made)
    values, data = loops.sample(setup, 29, made.scalars)
    options: dict[str, Any] = {"rows": 29, "batch": 11, "steps": 3}
    alone = loops.agree(setup, values, data, threads=1, **options)
    loop = compile_loop(**setup.roles())
    assert shared(loop, 11) > 4
    for team in (2, 3):
        found = loops.run(loop, setup, values, data, threads=team, **options)
        assert found.bytes() == alone.bytes()


def test_new_values_in_small_blocks() -> None:
    divided = 0
    rounds = [made for made in PLACES.values() if len(made.graph.inputs) < 3]
    for made in [*(random_loop(seed) for seed in range(40)), *rounds]:
        values, data = loops.sample(made, 12, {})
        values |= {name: array * 0 + 2 for name, array in values.items() if name == "ids"}
        options: dict[str, Any] = {"rows": 12, "batch": 4} if data else {}
        alone = loops.agree(made, values, data, tolerance=1e-10, steps=3, threads=1, **options)
        loop = compile_loop(**made.roles())
        divided += shared(loop, 4)
        found = loops.run(loop, made, values, data, steps=3, threads=2, **options)
        assert found.bytes() == alone.bytes()
    assert divided > 40


@pytest.mark.parametrize("part", range(4))
def test_rows_in_small_blocks(part: int) -> None:
    # memory that is used again and values that are kept met in the first six
    for seed in (125, 178, 236, 271, 334, 396, *range(600, 634))[part::4]:
        made = random_rows(seed)
        values, data = loops.sample(made, 11, {})
        options: dict[str, Any] = {"rows": 11, "batch": 4, "steps": 3}
        alone = loops.agree(made, values, data, threads=1, **options)
        loop = compile_loop(**made.roles())
        found = loops.run(loop, made, values, data, threads=2, **options)
        assert found.bytes() == alone.bytes(), seed


def test_memory_and_barriers_in_small_blocks() -> None:
    for seed in range(14):
        for rows in (3, 40):
            check_memory(random_rows(seed), rows)
            check_barriers(random_rows(seed), rows)
