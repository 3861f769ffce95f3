"""Fifty updates of whole networks by the engine, against the scalar engine and its optimizers.

Forward, gradients, weighted rows, a smaller last batch, clipping, decay of weights and
biases, schedules, the memory of every optimizer: in float64 to a relative 1e-9.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clearprop.nn.layers import Dense
from clearprop.optim import OPTIMIZERS, SCHEDULES, SGD
from clearprop.train.model import Sequential
from tests import naive
from tests import naive_optimizers as rules

Array = NDArray[Any]
Rate = Callable[[int], float]

ROWS, BATCH, EPOCHS = 8, 3, 17  # 51 updates, of 3, 3 and 2 rows
ACTIVATIONS = ("tanh", "linear")

VARIANTS: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in sorted(OPTIMIZERS)),
    ("sgd", {"momentum": 0.9}),
    ("sgd", {"momentum": 0.8, "nesterov": True, "weight_decay": 0.01}),
    ("sgd", {"momentum": 0.9, "dampening": 0.3}),
    ("adam", {"weight_decay": 0.1, "amsgrad": True}),
    ("adamw", {"weight_decay": 0.2, "betas": (0.8, 0.95)}),
    ("rmsprop", {"momentum": 0.5, "centered": True, "alpha": 0.9}),
    ("adagrad", {"lr_decay": 0.05, "weight_decay": 0.1}),
    ("nadam", {"weight_decay": 0.1, "decoupled_weight_decay": True}),
    ("radam", {"betas": (0.9, 0.6), "weight_decay": 0.1}),
    ("lion", {"weight_decay": 0.1}),
]
CLIPS: list[tuple[float | None, float | None]] = [(0.05, None), (None, 0.02), (0.05, 0.04)]
SCHEDULE: list[tuple[str, tuple[Any, ...]]] = [
    ("step_decay", (0.05, 7)),
    ("exponential_decay", (0.05, 0.9)),
    ("cosine_decay", (0.05, 30)),
    ("warmup_cosine", (0.05, 8, 40)),
    ("one_cycle", (0.05, 45)),
]


class Problem:
    """Eight weighted rows of two numbers, three classes, and a net of three hidden units."""

    def __init__(self, loss: str = "cross_entropy") -> None:
        draw = np.random.default_rng(3)
        self.loss = loss
        self.x = draw.normal(size=(ROWS, 2))
        self.labels = draw.integers(0, 3, ROWS)
        self.weights = draw.uniform(0.5, 2.0, ROWS)
        self.y = np.eye(3)[self.labels] if loss == "cross_entropy" else draw.normal(size=(ROWS, 3))
        self.start = [
            (draw.normal(size=(2, 3)), draw.normal(size=3)),
            (draw.normal(size=(3, 3)), draw.normal(size=3)),
        ]

    def targets(self) -> Array:
        return self.labels if self.loss == "cross_entropy" else self.y

    def twin(self) -> list[naive.Dense]:
        pairs = zip(self.start, ACTIVATIONS, strict=True)
        return [naive.Dense(w.tolist(), b.tolist(), name) for (w, b), name in pairs]

    def loss_of(self, layers: Sequence[naive.Dense], rows: slice) -> naive.Value:
        given = (self.x[rows].tolist(), self.y[rows].tolist(), self.weights[rows].tolist())
        return naive.loss(self.loss, layers, *given)

    def model(self, optimizer: Any) -> Sequential:
        pairs = zip(self.start, ACTIVATIONS, strict=True)
        layers = [Dense(len(b), name, weight=w, bias=b) for (w, b), name in pairs]
        return Sequential(layers, self.loss, optimizer, dtype="float64")

    def fit(self, model: Sequential) -> list[float]:
        """The losses of the epochs."""
        history = model.fit(
            self.x,
            self.targets(),
            epochs=EPOCHS,
            batch_size=BATCH,
            shuffle=False,
            sample_weight=self.weights,
        )
        return list(history.history["loss"])


def forget(groups: Sequence[Sequence[naive.Value]]) -> None:
    """Empty the gradients."""
    for group in groups:
        for v in group:
            v.gradient = 0.0


def close(ours: Any, naively: Any) -> None:
    np.testing.assert_allclose(np.asarray(ours), np.asarray(naively), rtol=1e-9, atol=1e-12)


def numbers(values: Sequence[naive.Value]) -> list[float]:
    return [v.number for v in values]


def train_naively(
    problem: Problem,
    name: str,
    rate: Rate,
    options: Mapping[str, Any],
    clip: tuple[float | None, float | None] = (None, None),
) -> tuple[list[naive.Dense], list[float]]:
    """The scalar engine's network after all epochs, and the weighted mean loss of each epoch."""
    layers, rule = problem.twin(), rules.RULES[name]
    groups = [row for layer in layers for row in (*layer.weight, layer.bias)]
    memory: list[list[rules.Memory]] = [[{} for _ in group] for group in groups]
    losses, step = [], 0
    for _ in range(EPOCHS):
        total = 0.0
        for begin in range(0, ROWS, BATCH):
            rows = slice(begin, begin + BATCH)
            loss = problem.loss_of(layers, rows)
            total += loss.number * float(problem.weights[rows].sum())
            forget(groups)
            loss.backward()
            cut = rules.clip([[v.gradient for v in group] for group in groups], *clip)
            for group, slopes, kept in zip(groups, cut, memory, strict=True):
                for v, g, m in zip(group, slopes, kept, strict=True):
                    v.number = rule(v.number, g, m, step + 1, rate(step), **options)
            step += 1
        losses.append(total / float(problem.weights.sum()))
    return layers, losses


def agree(
    problem: Problem, model: Sequential, trained: tuple[list[naive.Dense], list[float]]
) -> None:
    """Hold the model to the scalar engine: losses, weights, outputs, gradients."""
    losses = problem.fit(model)
    assert model.step_count == 51
    layers, expected = trained
    close(losses, expected)
    for place, layer in enumerate(layers):
        close(model.weights[f"{place}.weight"], [numbers(row) for row in layer.weight])
        close(model.weights[f"{place}.bias"], numbers(layer.bias))
    rows = problem.x.tolist()
    close(model.predict(problem.x), [numbers(naive.network(layers, row)) for row in rows])
    for layer in layers:
        forget([*layer.weight, layer.bias])
    problem.loss_of(layers, slice(None)).backward()
    found = model.gradients(problem.x, problem.targets(), problem.weights)
    for place, layer in enumerate(layers):
        close(found[f"{place}.weight"], [[v.gradient for v in row] for row in layer.weight])
        close(found[f"{place}.bias"], [v.gradient for v in layer.bias])


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_training_agrees_with_the_scalar_engine(name: str, options: dict[str, Any]) -> None:
    problem = Problem()
    optimizer = OPTIMIZERS[name](learning_rate=0.03, **options)
    trained = train_naively(problem, name, lambda step: 0.03, options)
    agree(problem, problem.model(optimizer), trained)


@pytest.mark.parametrize("loss", ["mean_squared_error", "half_squared_error", "huber"])
def test_training_under_other_losses_agrees_with_the_scalar_engine(loss: str) -> None:
    problem = Problem(loss)
    trained = train_naively(problem, "adam", lambda step: 0.02, {})
    agree(problem, problem.model(OPTIMIZERS["adam"](learning_rate=0.02)), trained)


@pytest.mark.parametrize("name", ["sgd", "adam"])
@pytest.mark.parametrize("clip", CLIPS)
def test_clipped_training_agrees_with_the_scalar_engine(
    name: str, clip: tuple[float | None, float | None]
) -> None:
    problem = Problem()
    optimizer = OPTIMIZERS[name](learning_rate=0.03, clip_norm=clip[0], clip_value=clip[1])
    trained = train_naively(problem, name, lambda step: 0.03, {}, clip)
    agree(problem, problem.model(optimizer), trained)


@pytest.mark.parametrize(("schedule", "arguments"), SCHEDULE)
def test_scheduled_training_agrees_with_the_scalar_engine(
    schedule: str, arguments: tuple[Any, ...]
) -> None:
    problem = Problem()
    optimizer = SGD(SCHEDULES[schedule](*arguments), momentum=0.9)

    def rate(step: int) -> float:
        return rules.SCHEDULES[schedule](step, *arguments)

    trained = train_naively(problem, "sgd", rate, {"momentum": 0.9})
    agree(problem, problem.model(optimizer), trained)
