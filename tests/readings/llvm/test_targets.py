"""ENGINE.md 16: every kernel compiles for every target, and none calls anything outside.

All kernels are compiled, also for targets that this machine cannot run. On the widths that it can
run, the cases of a covering set of kernels are run (`kernels.covering` says which).
"""

import functools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clearprop.nn.layers import BatchNorm, Dense, Dropout, LayerNorm
from clearprop.readings.llvm import compile_function
from clearprop.readings.llvm.code import compile_object
from clearprop.readings.llvm.target import TARGETS, Target, host
from clearprop.readings.reference import evaluate
from clearprop.train.step import Step
from clearprop.transform.lower import lower
from clearprop.transform.simplify import simplify
from tests.closeness import tolerances
from tests.corpus import CASES
from tests.readings.llvm.apply import runnable
from tests.readings.llvm.kernels import (
    covering,
    kernels,
    lines,
    module,
    step,
    training,
    undefined,
)

Array = NDArray[Any]

FMOD = "define float @f(float %x) {{\n {0} \n ret float %y\n}}\n"


def compiled(text: str, target: Target) -> set[str]:
    return undefined(compile_object(f'target triple = "{target.triple}"\n{text}', target))


@pytest.mark.parametrize("name", TARGETS)
def test_a_call_to_an_outside_symbol_would_be_seen(name: str) -> None:
    remainder = FMOD.format("%y = frem float %x, 3.0")
    assert compiled(remainder, TARGETS[name]) == {"fmodf"}
    assert compiled(FMOD.format("%y = fdiv float %x, 3.0"), TARGETS[name]) == set()


def test_the_covering_kernels_hold_every_instruction() -> None:
    bodies = ["%a = fadd float %b, %c", "%z = fadd float %y, %x", "%a = fadd double %b, %c"]
    assert covering(bodies) == [bodies[0], bodies[2]]
    made = kernels("avx2")
    chosen = covering(made)
    assert len(chosen) < len(made) / 2
    assert set().union(*map(lines, chosen)) == set().union(*map(lines, made))


@pytest.mark.parametrize("name", TARGETS)
def test_no_kernel_calls_an_outside_symbol(name: str) -> None:
    parts = [code for _, code in kernels(name).values()]
    assert len(parts) > 1000
    data = compile_object(module(parts, TARGETS[name]), TARGETS[name])
    assert undefined(data) == set()


def whole() -> dict[str, Step]:
    digits = [Dense(100, "relu"), Dense(3)]
    mixed = [Dense(17, "gelu"), BatchNorm(), Dropout(0.2), LayerNorm(), Dense(3)]
    return {
        "digits": step(digits, inputs=64),
        "norms and dropout": step(mixed, optimizer="adamw", dtype="float64"),
        "seed 001": step([Dense(4, "sigmoid"), Dense(3, "sigmoid")], "sum_squared_error", "sgd"),
    }


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("title", whole())
def test_no_training_loop_calls_an_outside_symbol(title: str, name: str) -> None:
    loop = training(whole()[title], TARGETS[name])
    assert undefined(compile_object(loop.text, TARGETS[name])) == set()


def other_widths() -> list[str]:
    """Targets that run here and are not the host's own width, which all other tests run."""
    return [n for n, target in runnable().items() if target.vector != host().vector]


@functools.cache
def judged(name: str) -> tuple[list[Array], list[Array]]:
    """What the reference gives, and how far from it a reading may be."""
    case = next(c for c in CASES if c.name == name)
    return evaluate(case.graph, case.values), tolerances(case.graph, case.values)


@pytest.mark.parametrize("name", other_widths())
def test_every_width_that_runs_here_gives_what_the_reference_gives(name: str) -> None:
    made = kernels(name)
    chosen = {made[body][0] for body in covering(made)}
    cases = [case for case in CASES if case.name in chosen]
    assert len(cases) > 50
    for case in cases:
        graph = lower(simplify(case.graph))
        got = compile_function(graph, TARGETS[name])(*case.values.values())
        for value, want, allowed in zip(got, *judged(case.name), strict=True):
            assert value.dtype == want.dtype
            assert within(value, want, allowed), f"{case.name} on {name}"


def within(value: Array, want: Array, allowed: Array) -> bool:
    """Whether each number is as close as allowed, what is not finite at the same place."""
    if want.dtype.kind != "f":
        return bool(np.array_equal(value, want))
    finite = np.isfinite(want)
    rest = np.array_equal(value[~finite], want[~finite], equal_nan=True)
    with np.errstate(invalid="ignore"):
        return rest and bool(np.all((np.abs(value - want) <= allowed)[finite]))
