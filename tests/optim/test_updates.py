"""Fifty updates of every optimizer and option, against the naive scalar engine."""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from clearprop.optim import OPTIMIZERS, SCHEDULES, RMSprop, Schedule, get_optimizer
from tests import naive_optimizers as naive
from tests.optim.run import Array, run

START: list[Array] = [
    np.array([0.5, -1.25, 3.0]),
    np.array([[0.1, -0.2], [2.0, 1e-3]]),
]
DECAY = [False, True]

OPTIONS: list[tuple[str, dict[str, Any]]] = [
    ("sgd", {}),
    ("sgd", {"weight_decay": 0.1}),
    ("sgd", {"momentum": 0.9}),
    ("sgd", {"momentum": 0.9, "dampening": 0.25}),
    ("sgd", {"momentum": 0.9, "nesterov": True}),
    ("sgd", {"momentum": 0.5, "nesterov": True, "weight_decay": 0.01}),
    ("adagrad", {}),
    ("adagrad", {"lr_decay": 0.1, "initial_accumulator_value": 0.3, "eps": 1e-3}),
    ("adagrad", {"weight_decay": 0.1}),
    ("adadelta", {}),
    ("adadelta", {"rho": 0.5, "eps": 1e-3, "weight_decay": 0.1}),
    ("rmsprop", {}),
    ("rmsprop", {"alpha": 0.9, "eps": 1e-3, "weight_decay": 0.1}),
    ("rmsprop", {"momentum": 0.9}),
    ("rmsprop", {"centered": True, "alpha": 0.9}),
    ("rmsprop", {"centered": True, "momentum": 0.5, "weight_decay": 0.1}),
    ("adam", {}),
    ("adam", {"betas": (0.5, 0.9), "eps": 1e-3}),
    ("adam", {"betas": (0.0, 0.9)}),
    ("adam", {"betas": (0.9, 0.0)}),
    ("adam", {"weight_decay": 0.1}),
    ("adam", {"amsgrad": True, "betas": (0.9, 0.5)}),
    ("adamw", {}),
    ("adamw", {"weight_decay": 0.5, "betas": (0.8, 0.95)}),
    ("adamw", {"amsgrad": True, "betas": (0.9, 0.5)}),
    ("nadam", {}),
    ("nadam", {"betas": (0.8, 0.95), "momentum_decay": 0.1}),
    ("nadam", {"weight_decay": 0.1}),
    ("nadam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("adamax", {}),
    ("adamax", {"betas": (0.5, 0.8), "eps": 1e-2, "weight_decay": 0.1}),
    ("radam", {}),
    ("radam", {"betas": (0.8, 0.9)}),
    ("radam", {"betas": (0.9, 0.5)}),
    ("radam", {"betas": (0.9, 0.6)}),
    ("radam", {"betas": (0.9, 0.0)}),
    ("radam", {"weight_decay": 0.1}),
    ("radam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("lion", {}),
    ("lion", {"betas": (0.5, 0.8), "weight_decay": 0.1}),
]

RATES: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
    ("step_decay", (0.05, 7), {"factor": 0.5}),
    ("exponential_decay", (0.05, 0.9), {"steps": 3}),
    ("exponential_decay", (0.05, 0.5), {"steps": 4, "every": 4}),
    ("cosine_decay", (0.05, 30), {"final": 0.001}),
    ("cosine_decay", (0.05, 60), {"every": 6}),
    ("warmup_cosine", (0.05, 8, 40), {"start": 0.001, "final": 0.002}),
    ("warmup_cosine", (0.05, 10, 45), {"every": 5}),
    ("one_cycle", (0.05, 40), {}),
    ("one_cycle", (0.05, 45), {"warmup": 0.4, "div_factor": 10.0, "final_div_factor": 100.0}),
]


def _gradient(parameters: list[Array], t: int) -> list[Array]:
    return [0.3 * p + np.sin(np.arange(p.size).reshape(p.shape) + 0.7 * t) for p in parameters]


def _naive(
    name: str,
    rate: Callable[[int], float],
    options: Mapping[str, Any],
    *,
    clip_norm: float | None = None,
    clip_value: float | None = None,
    updates: int = 50,
) -> list[list[list[float]]]:
    """The naive engine's flat parameters after each update; decay is off for the first one."""
    rule = naive.RULES[name]
    now = [[float(x) for x in p.ravel()] for p in START]
    memory: list[list[naive.Memory]] = [[{} for _ in p] for p in now]
    plain = {**options, "weight_decay": 0.0} if name != "sgd" or options else dict(options)
    out = []
    for t in range(1, updates + 1):
        gradients = [[0.3 * x + math.sin(i + 0.7 * t) for i, x in enumerate(p)] for p in now]
        gradients = naive.clip(gradients, clip_norm, clip_value)
        now = [
            [
                rule(x, g, memory[k][i], t, rate(t - 1), **(options if DECAY[k] else plain))
                for i, (x, g) in enumerate(zip(p, gs, strict=True))
            ]
            for k, (p, gs) in enumerate(zip(now, gradients, strict=True))
        ]
        out.append(now)
    return out


def _agree(ours: list[list[Array]], theirs: list[list[list[float]]]) -> None:
    for t, (mine, his) in enumerate(zip(ours, theirs, strict=True), 1):
        for a, b in zip(mine, his, strict=True):
            np.testing.assert_allclose(a.ravel(), b, rtol=1e-12, atol=1e-12, err_msg=f"update {t}")


@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_every_optimizer_agrees_with_the_naive_engine(name: str, options: dict[str, Any]) -> None:
    optimizer = OPTIMIZERS[name](learning_rate=0.02, **options)
    ours = run(optimizer, START, _gradient, 50, decay=DECAY)
    _agree(ours, _naive(name, lambda step: 0.02, options))


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_defaults_agree_with_the_naive_engine(name: str) -> None:
    optimizer = get_optimizer(name)
    rate = optimizer.learning_rate
    assert isinstance(rate, float)
    _agree(run(optimizer, START, _gradient, 50, decay=DECAY), _naive(name, lambda _: rate, {}))


@pytest.mark.parametrize(("schedule", "arguments", "options"), RATES)
@pytest.mark.parametrize("name", ["sgd", "adamw", "radam"])
def test_every_schedule_agrees_with_the_naive_engine(
    name: str, schedule: str, arguments: tuple[Any, ...], options: dict[str, Any]
) -> None:
    rate: Schedule = SCHEDULES[schedule](*arguments, **options)
    optimizer = OPTIMIZERS[name](learning_rate=rate)
    ours = run(optimizer, START, _gradient, 50, decay=DECAY)
    formula = naive.SCHEDULES[schedule]
    _agree(ours, _naive(name, lambda step: formula(step, *arguments, **options), {}))


@pytest.mark.parametrize(
    ("clip_norm", "clip_value"), [(0.7, None), (None, 0.3), (0.5, 0.4), (1e3, 1e3), (1e-7, None)]
)
@pytest.mark.parametrize("name", ["sgd", "adam"])
def test_clipping_agrees_with_the_naive_engine(
    name: str, clip_norm: float | None, clip_value: float | None
) -> None:
    optimizer = OPTIMIZERS[name](learning_rate=0.02, clip_norm=clip_norm, clip_value=clip_value)
    ours = run(optimizer, START, _gradient, 50, decay=DECAY)
    _agree(ours, _naive(name, lambda step: 0.02, {}, clip_norm=clip_norm, clip_value=clip_value))


def test_every_optimizer_and_schedule_has_a_naive_twin() -> None:
    assert set(OPTIMIZERS) == set(naive.RULES) == {name for name, _ in OPTIONS}
    assert set(SCHEDULES) - {"reduce_on_plateau"} == set(naive.SCHEDULES)
    assert set(naive.SCHEDULES) == {name for name, _, _ in RATES}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_hosts_scale_is_a_factor_on_the_rate(name: str) -> None:
    scaled = run(OPTIMIZERS[name](learning_rate=0.04), START, _gradient, 10, scale=0.5)
    plain = run(OPTIMIZERS[name](learning_rate=0.02), START, _gradient, 10)
    for a, b in zip(scaled[-1], plain[-1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-14)


@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_float32_stays_near_float64(name: str, options: dict[str, Any]) -> None:
    def gradient(parameters: list[Array], t: int) -> list[Array]:
        # of the step alone and exact in float32, so that only the updates' rounding differs
        return [
            np.round(64 * np.sin(np.arange(p.size).reshape(p.shape) + 0.7 * t)) / 64 + 2**-9
            for p in parameters
        ]

    optimizer = OPTIMIZERS[name](learning_rate=0.02, **options)
    single = run(optimizer, START, gradient, 50, dtype="float32", decay=DECAY)
    double = run(optimizer, START, gradient, 50, decay=DECAY)
    for a, b in zip(single[-1], double[-1], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_nan_in_gives_nan_out(name: str) -> None:
    def gradient(parameters: list[Array], t: int) -> list[Array]:
        return [np.full(p.shape, np.nan) for p in parameters]

    for p in run(get_optimizer(name), START, gradient, 2, dtype="float32")[-1]:
        assert np.isnan(p).all()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", [0.0, 1e-30, -1e-30, 50.0, -1e4])
@pytest.mark.parametrize("name", OPTIMIZERS)
def test_updates_are_finite_for_gradients_of_any_size(name: str, size: float, dtype: str) -> None:
    def gradient(parameters: list[Array], t: int) -> list[Array]:
        return [np.full(p.shape, size) for p in parameters]

    for p in run(get_optimizer(name), START, gradient, 20, dtype=dtype)[-1]:
        assert np.isfinite(p).all()


def test_a_constant_gradient_leaves_centered_rmsprop_finite() -> None:
    def gradient(parameters: list[Array], t: int) -> list[Array]:
        return [np.full(p.shape, 0.1) for p in parameters]

    optimizer = RMSprop(centered=True, alpha=0.5, learning_rate=1e-9)
    for p in run(optimizer, START, gradient, 100, dtype="float32")[-1]:
        assert np.isfinite(p).all()
