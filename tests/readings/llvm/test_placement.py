"""ENGINE.md 11: a new value takes its old one's place only when nobody still reads the old one.

Results against the stand-in show it: where the new value came too early, a reader has it.
"""

import random
from typing import Any

import numpy as np
import pytest

from clearprop.nodes import ROWS, Node, build
from clearprop.readings.llvm import compile_loop
from tests.readings.llvm import loops
from tests.readings.llvm.loops import Setup, agree, setup

A = build.input("a", (5, 5), "float64")
B = build.input("b", (5, 5), "float64")
X = build.input("x", (ROWS, 5), "float64")
S = build.input("s", (), "float64")
LONG = build.input("long", (3, 9000), "float64")
IDS = build.input("ids", (5,), "int64")


def _roll(x: Node, axis: int = 0) -> Node:
    size = x.shape[axis]
    assert isinstance(size, int)
    return build.concatenate([build.slice(x, axis, 1, size), build.slice(x, axis, 0, 1)], axis)


def _descent() -> Setup:
    """The input gradient reads the old weight that the same step replaces."""
    out = X @ A
    slope = build.transpose(X) @ (out - 1)
    through = (out - 1) @ build.transpose(A)
    return setup({A: A - 0.01 * slope, B: B - 0.01 * (build.transpose(X) @ through)}, [X])


PLACES: dict[str, Setup] = {
    "each element alone": setup({A: A * 0.5 + 1}),
    "mirrored rows": setup({A: A * 0.5 + build.flip(A, 0)}),
    "mirrored columns": setup({A: A * 0.5 + build.flip(A, 1)}),
    "transposed": setup({A: A * 0.5 - build.transpose(A)}),
    "its first row": setup({A: A * 0.5 + build.slice(A, 0, 0, 1)}),
    "its last column": setup({A: A * 0.5 + build.slice(A, 1, 4, 5)}),
    "its sum": setup({A: A * 0.5 - build.sum(A) * 0.1}),
    "sums of rows": setup({A: A - build.sum(A, 1, keepdims=True) * 0.1}),
    "sums of columns": setup({A: A - build.sum(A, 0, keepdims=True) * 0.1}),
    "softmax of rows": setup({A: build.softmax(A) + A}),
    "its own product": setup({A: A @ A * 0.1}),
    "a product with its transpose": setup({A: (A @ build.transpose(A)) * 0.1 + A}),
    "a product that it is in on the right": setup({A: B @ A * 0.1}),
    "rolled": setup({A: _roll(A)}),
    "padded": setup({A: build.pad(build.slice(A, 0, 0, 4), (1, 0), (0, 0)) + A * 0.1}),
    "gathered": setup({A: build.gather(A, IDS) * 0.9}),
    "scattered": setup({A: build.scatter_add(A, IDS, 5) * 0.5}),
    "exchanged": setup({A: B * 1.5, B: A * 0.5}),
    "sum and difference": setup({A: A + B, B: (A - B) * 0.5}),
    "one after another": setup({A: A * 0.5 + 1, B: B + A * (A * 0.5 + 1)}),
    "read when the new one is there": setup(
        {A: A * 0.5 + 1}, logged=[build.sum((A * 0.5 + 1) * build.flip(A)), build.sum(A)]
    ),
    "logged before and after": setup({S: S * 2 + 1}, logged=[S * 2 + 1, S]),
    "one value for two": setup({A: A + B, B: A + B}),
    "kept as it is": setup({A: A, B: B + A}),
    "a number for all": setup({S: S * 0.5 + build.sum(A), A: A * 0.5 + S}),
    "a weight that the gradient reads": _descent(),
    "in many blocks": setup({LONG: LONG * 0.5 + 1}),
    "in many blocks, mirrored": setup({LONG: LONG * 0.5 + build.flip(LONG, 1)}),
    "in many blocks, other rows": setup({LONG: LONG * 0.5 + build.flip(LONG, 0)}),
    "in many blocks, with its sum": setup({LONG: LONG - build.sum(LONG) * 1e-4}),
}


@pytest.mark.parametrize("name", PLACES)
def test_an_old_value_stays_until_its_last_reader(name: str) -> None:
    made = PLACES[name]
    values, data = loops.sample(made, 12, {})
    if IDS in made.graph.inputs:
        values["ids"] = np.array([3, 0, 0, 4, 1])
    rows = {"rows": 12, "batch": 4} if data else {}
    agree(made, values, data, steps=3, tolerance=1e-12, **rows)


@pytest.mark.parametrize("name", ["each element alone", "in many blocks", "kept as it is"])
def test_what_reads_only_its_own_element_is_written_over_it(name: str) -> None:
    loop = compile_loop(**PLACES[name].roles())
    assert set(loop.in_place) == {
        new for old, new in PLACES[name].carried.items() if new is not old
    }
    assert not loop.copied


# --- random loops ------------------------------------------------------------------------------

ONE: list[Any] = [
    lambda x: x * 0.5 + 1,
    build.tanh,
    lambda x: build.flip(x, 0),
    lambda x: build.flip(x, 1),
    build.transpose,
    lambda x: build.broadcast_to(build.sum(x, 0) * 0.1, x.shape),
    lambda x: build.broadcast_to(build.max(x, 1, keepdims=True), x.shape),
    lambda x: x - build.sum(x) * 0.01,
    lambda x: build.softmax(x, 1),
    lambda x: build.broadcast_to(build.slice(x, 0, 2, 3), x.shape),
    lambda x: build.broadcast_to(build.slice(x, 1, 4, 5), x.shape),  # at least five columns
    lambda x: build.reshape(build.transpose(x), x.shape),
    _roll,
]
TWO: list[Any] = [
    lambda x, y: (x + y) * 0.5,
    lambda x, y: x - y,
    lambda x, y: build.where(x < y, x, y * 0.5),
    lambda x, y: x @ y * 0.2,
    lambda x, y: x @ build.transpose(y) * 0.2,
    lambda x, y: build.transpose(x) @ y * 0.2,
]


def random_loop(seed: int) -> Setup:
    """Three matrices that are replaced by random expressions of each other."""
    draw = random.Random(seed)
    olds = [build.input(name, (5, 5), "float64") for name in "abc"]
    pool: list[Node] = list(olds)
    for _ in range(draw.randint(4, 12)):
        recent = draw.choice(pool[-4:])
        if draw.random() < 0.5:
            pool.append(draw.choice(ONE)(recent))
        else:
            pool.append(draw.choice(TWO)(recent, draw.choice(pool)))
    made = [node for node in pool if node.op != "input"]
    news = draw.sample(made, min(3, len(made)))
    logged = [build.sum(draw.choice(pool)) for _ in range(draw.randint(0, 2))]
    return setup(dict(zip(olds, news, strict=False)), logged=logged)


@pytest.mark.parametrize("block", range(8))
def test_random_loops_replace_values_as_the_stand_in_does(block: int) -> None:
    placed = 0
    for seed in range(block * 15, block * 15 + 15):
        made = random_loop(seed)
        values, _ = loops.sample(made, 0, {})
        placed += len(compile_loop(**made.roles()).in_place)
        agree(made, values, steps=2, tolerance=1e-11)
    assert placed > 5


ROWWISE: list[Any] = [
    build.tanh,
    lambda x: x * 0.5 + 1,
    lambda x: build.where(x < 0.2, x * 0.1, x),
    build.softmax,
    lambda x: x - build.max(x, 1, keepdims=True),
    lambda x: x - build.sum(x, 0) * 0.05,
    lambda x: x / build.sqrt(build.sum(x * x, 1, keepdims=True) + 1),
    lambda x: build.flip(x, 1),
    lambda x: x + build.slice(x, 1, 2, 3),
    lambda x: _roll(x, 1),
    lambda x: build.pad(build.slice(x, 1, 0, 3), (0, 1), (0, x.shape[1] - 4)),
    lambda x: build.reshape(build.expand_dims(x, 2) + build.sum(x) * 0.01, x.shape),
]


def random_rows(seed: int, width: int = 5) -> Setup:
    """Rows streamed through matrices that are replaced by what the rows make of them."""
    draw = random.Random(seed)
    olds = [build.input(name, (width, width), "float64") for name in "abc"]
    x = build.input("x", (ROWS, width), "float64")
    rows: list[Node] = [x]
    matrices: list[Node] = list(olds)
    for _ in range(draw.randint(5, 14)):
        r, m = draw.choice(rows[-3:]), draw.choice(matrices)
        kind = draw.random()
        if kind < 0.4:
            rows.append(draw.choice(ROWWISE)(r))
        elif kind < 0.6:
            rows.append(r @ (m if draw.random() < 0.5 else build.transpose(m)) * 0.3)
        elif kind < 0.7:
            rows.append(r * 0.5 + draw.choice(rows))
        elif kind < 0.85:
            matrices.append(build.transpose(r) @ draw.choice(rows) * 0.1)
        else:
            matrices.append(draw.choice(ONE)(m) + build.sum(r, 0) * 0.1)
    news = [draw.choice(matrices[3:] or [old * 0.5]) for old in olds]
    mixed = [old * 0.5 + new * 0.1 if draw.random() < 0.6 else new
             for old, new in zip(olds, news, strict=True)]  # fmt: skip
    logged = [build.sum(draw.choice(rows)), build.sum(draw.choice(matrices))]
    return setup(
        {old: new for old, new in zip(olds, mixed, strict=True) if new.op != "input"},
        [x],
        logged=logged,
        collected=[draw.choice(rows[1:] or [x * 2])],
    )


@pytest.mark.parametrize("width", [5, 8, 16, 17])  # below, at and above whole vectors
@pytest.mark.parametrize("block", range(3))
def test_random_loops_over_rows_do_as_the_stand_in_does(block: int, width: int) -> None:
    for seed in range(block * 12 + 24, block * 12 + 36):
        made = random_rows(seed, width)
        values, data = loops.sample(made, 11, {})
        order = np.random.default_rng(seed).permutation(11)
        agree(made, values, data, rows=11, batch=4, steps=3, indices=order, tolerance=1e-10)
