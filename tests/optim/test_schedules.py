"""Schedules against closed formulas, at many steps."""

import math
from typing import Any

import numpy as np
import pytest

from clearprop.errors import ArgumentError
from clearprop.nodes.build import input
from clearprop.nodes.scalars import Scalars
from clearprop.optim import (
    SCHEDULES,
    CosineDecay,
    ExponentialDecay,
    OneCycle,
    Plateau,
    ReduceOnPlateau,
    Schedule,
    StepDecay,
    WarmupCosine,
)
from tests import naive_optimizers as naive
from tests.optim.run import scalar

CASES: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("step_decay", (0.1, 30), {}),
    ("step_decay", (0.1, 7), {"factor": 0.9}),
    ("exponential_decay", (0.1, 0.99), {}),
    ("exponential_decay", (0.1, 0.5), {"steps": 100, "every": 10}),
    ("cosine_decay", (0.1, 900), {}),
    ("cosine_decay", (0.1, 500), {"final": 0.01, "every": 7}),
    ("warmup_cosine", (0.1, 100, 900), {}),
    ("warmup_cosine", (0.1, 64, 640), {"start": 0.01, "final": 0.001, "every": 64}),
    ("one_cycle", (0.1, 900), {}),
    ("one_cycle", (0.1, 777), {"warmup": 0.25, "div_factor": 5.0, "every": 3}),
]


def _rate(schedule: Schedule, step: int, dtype: str = "float64") -> float:
    scalars = Scalars(dtype)
    node = schedule.rate(input("step", (), dtype), scalars)
    assert (node.shape, node.dtype) == ((), dtype)
    return scalar(node, scalars, {"step": step})


@pytest.mark.parametrize(("name", "arguments", "options"), CASES)
@pytest.mark.parametrize(("dtype", "near"), [("float64", 1e-12), ("float32", 2e-5)])
def test_schedules_follow_their_formulas(
    name: str, arguments: tuple[Any, ...], options: dict[str, Any], dtype: str, near: float
) -> None:
    schedule = SCHEDULES[name](*arguments, **options)
    formula = naive.SCHEDULES[name]
    for step in [*range(0, 1000, 17), 29, 30, 31, 59, 60, 63, 64, 65, 776, 777, 899, 900, 10**6]:
        expected = formula(step, *arguments, **options)
        assert _rate(schedule, step, dtype) == pytest.approx(expected, rel=near, abs=near * 1e-2)


def test_step_decay_falls_exactly_at_multiples_of_every_in_float32() -> None:
    schedule = StepDecay(1.0, every=1000, factor=0.5)
    for drops in range(1, 12):
        assert _rate(schedule, 1000 * drops - 1, "float32") == 0.5 ** (drops - 1)
        assert _rate(schedule, 1000 * drops, "float32") == 0.5**drops


def test_known_points_of_each_schedule() -> None:
    assert _rate(ExponentialDecay(1.0, 0.25, steps=10), 5) == pytest.approx(0.5)
    assert _rate(CosineDecay(2.0, 100), 50) == pytest.approx(1.0)
    assert _rate(CosineDecay(2.0, 100), 25) == pytest.approx(1 + math.sqrt(0.5))
    assert _rate(CosineDecay(2.0, 100, final=0.5), 100) == pytest.approx(0.5)
    warm = WarmupCosine(1.0, 10, 110)
    assert [_rate(warm, s) for s in (0, 5, 10, 60, 110)] == pytest.approx([0, 0.5, 1, 0.5, 0])
    cycle = OneCycle(1.0, 100)
    assert [_rate(cycle, s) for s in (0, 29, 99)] == pytest.approx([0.04, 1, 4e-6])


def test_a_held_rate_changes_only_at_multiples_of_every() -> None:
    rates = [_rate(CosineDecay(1.0, 100, every=10), step) for step in range(40)]
    assert len(set(rates)) == 4
    assert [rates.index(r) for r in sorted(set(rates), reverse=True)] == [0, 10, 20, 30]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: StepDecay(-0.1, 3), "StepDecay: learning_rate=-0.1 .* a number > 0"),
        (lambda: StepDecay(0.1, 0), "every=0 .* a whole number >= 1"),
        (lambda: CosineDecay(0.1, 2.5), "steps=2.5 .* a whole number"),  # type: ignore[arg-type]
        (lambda: WarmupCosine(0.1, 10, 10), "steps=10 must be more than warmup=10"),
        (lambda: OneCycle(0.1, 100, warmup=1.0), "warmup=1.0 .* in \\(0, 1\\)"),
        (lambda: OneCycle(0.1, 2), "must be more than 1"),
        (lambda: ReduceOnPlateau(0.1, mode="low"), "mode='low' .* 'min' or 'max'"),
        (lambda: ReduceOnPlateau(0.1, factor=1.0), "factor=1.0"),
        (lambda: ExponentialDecay(0.1, float("nan")), "factor=nan"),
    ],
)
def test_bad_numbers_are_refused_with_what_was_expected(make: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()


# --- ReduceOnPlateau ------------------------------------------------------------------------------


def test_plateau_waits_for_patience_and_cools_down() -> None:
    plateau = ReduceOnPlateau(1.0, factor=0.5, patience=2, cooldown=2, threshold=0.0).tracker()
    scales = [plateau.observe(m) for m in (5, 4, 4, 4, 4, 4, 4, 4, 4, 4, 3, 3)]
    # the best is 4 at epoch 2; three bad epochs, a fall at epoch 5; epochs 6 and 7 are not counted;
    # three more bad ones, a fall at epoch 10
    assert scales == [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25]


@pytest.mark.parametrize(
    ("options", "metric", "gain"),
    [
        ({}, 0.9998, True),
        ({}, 0.99995, False),
        ({"threshold": 0.1, "threshold_mode": "abs"}, 0.89, True),
        ({"threshold": 0.1, "threshold_mode": "abs"}, 0.91, False),
        ({"mode": "max", "threshold": 0.1}, 1.11, True),
        ({"mode": "max", "threshold": 0.1}, 1.09, False),
        ({"mode": "max", "threshold": 0.1, "threshold_mode": "abs"}, 1.11, True),
        ({}, math.nan, False),
    ],
)
def test_what_counts_as_a_gain(options: dict[str, Any], metric: float, gain: bool) -> None:
    plateau = ReduceOnPlateau(1.0, factor=0.5, patience=0, **options).tracker()
    plateau.observe(1.0)
    assert (plateau.observe(metric) == 1.0) is gain


def test_plateau_never_falls_below_the_least_rate() -> None:
    plateau = ReduceOnPlateau(0.1, factor=0.1, patience=0, min_lr=0.005).tracker()
    scales = [plateau.observe(1.0) for _ in range(5)]
    assert scales == pytest.approx([1, 0.1, 0.05, 0.05, 0.05])


def test_plateau_goes_on_from_its_state() -> None:
    rule = ReduceOnPlateau(0.1, factor=0.5, patience=1)
    whole, first = rule.tracker(), rule.tracker()
    metrics = [3.0, 2.0, 2.0, 2.0, 2.0, 2.0, 1.0, 1.0]
    expected = [whole.observe(m) for m in metrics]
    begun = [first.observe(m) for m in metrics[:3]]
    state: dict[str, Any] = dict(first.state())
    second = Plateau(rule, **state)
    assert begun + [second.observe(m) for m in metrics[3:]] == expected
    assert len(set(expected)) > 2


def test_plateaus_rate_in_the_graph_is_constant() -> None:
    assert {_rate(ReduceOnPlateau(0.125), step) for step in (0, 10, 1000)} == {0.125}
    assert np.isfinite(_rate(ReduceOnPlateau(0.1), 0, "float32"))
