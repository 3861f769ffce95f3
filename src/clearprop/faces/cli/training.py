"""What `clearprop train` does: read, split, prepare, train, measure, write."""

import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clearprop.errors import ArgumentError, FileError
from clearprop.faces.cli.measure import arrays, measure
from clearprop.faces.cli.recipe import Recipe, recipe, smoothed
from clearprop.faces.cli.screen import Screen, table
from clearprop.nn.layers import Dense
from clearprop.nn.losses import get_loss
from clearprop.optim.registry import get_optimizer
from clearprop.train.callbacks import EarlyStopping
from clearprop.train.files import save_model
from clearprop.train.history import History
from clearprop.train.model import Sequential
from clearprop.train.prepare import (
    Classes,
    Preparation,
    Problem,
    Table,
    fit,
    fit_target,
    problem,
    read_table,
    split_rows,
)

__all__ = ["Choices", "run"]

_FEW_ROWS = 10


@dataclass(frozen=True)
class Choices:
    """The options of `clearprop train`, as given."""

    data: str
    target: str | None = None
    task: str = "auto"
    layers: str = "64,32"
    activation: str = "relu"
    loss: str | None = None
    optimizer: str = "adam"
    learning_rate: float | None = None
    weight_decay: float | None = None
    batch_size: int | None = None
    epochs: int | None = None
    validation: str = "0.2"
    patience: int | None = None
    seed: int = 0
    threads: int | None = None
    output: Path | None = None


@dataclass(frozen=True)
class Parts:
    """The rows to train on, and those held out (None: there are none)."""

    train: Table
    validation: Table | None
    preparation: Preparation


def run(choices: Choices, screen: Screen) -> None:
    """Train and write the model file; prints the metrics.

    After Ctrl-C the weights as of the last step are written, and KeyboardInterrupt is raised.
    """
    units = _units(choices.layers)
    get_optimizer(choices.optimizer)
    path = _output(choices)
    whole = problem(read_table(choices.data), choices.target, choices.task)
    for notice in whole.notices:
        screen.say(notice)
    parts = _parts(choices, whole, screen)
    made = _recipe(choices, parts)
    model = _model(choices, units, parts, made)
    screen.say(_told(choices, whole, parts))
    began = time.perf_counter()
    X, y = arrays(model, parts.preparation, parts.train)
    held_out = None
    if parts.validation is not None:
        held_out = arrays(model, parts.preparation, parts.validation)
    target = parts.preparation.target
    aim = smoothed(y, len(target.labels), model.dtype) if isinstance(target, Classes) else y
    history = _fit(choices, made, screen, model, X, aim, held_out)
    seconds = time.perf_counter() - began
    save_model(model, path)
    screen.say(f"model written to {path}")
    if history.interrupted:
        raise KeyboardInterrupt
    metrics = {"train": measure(model, target, X, y)}
    metrics["validation"] = metrics["train"]
    if held_out is not None:
        metrics["validation"] = measure(model, target, *held_out)
    _print(screen, path, parts, metrics, len(history.epoch), seconds)


def _units(layers: str) -> list[int]:
    """The numbers of units that ``--layers`` lists."""
    if layers.strip().lower() in ("", "none"):
        return []
    try:
        units = [int(word) for word in layers.split(",")]
    except ValueError:
        units = [0]
    if min(units) < 1:
        raise ArgumentError(
            f"--layers is {layers!r}; expected whole numbers above 0 such as 64,32, or none"
        )
    return units


def _output(choices: Choices) -> Path:
    """Where the model goes; FileError now, not after the training, if that is no place."""
    stem = "model" if choices.data == "-" else Path(choices.data).stem
    path = choices.output or Path(f"{stem}.safetensors")
    if path.is_dir():
        raise FileError(f"cannot write {path}: it is a folder; give --output a file name")
    if not path.parent.is_dir():
        raise FileError(f"cannot write {path}: there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise FileError(f"cannot write {path}: no right to write in {path.parent}")
    return path


def _parts(choices: Choices, whole: Problem, screen: Screen) -> Parts:
    fraction = _fraction(choices.validation)
    if fraction is None:
        return Parts(whole.table, read_table(choices.validation), fit(whole))
    if fraction == 0 or whole.rows < _FEW_ROWS:
        if fraction:
            screen.say(f"{whole.rows} rows are too few to hold any out")
        screen.say("validation is measured on the training rows")
        return Parts(whole.table, None, fit(whole))
    target = fit_target(whole.target, whole.task)
    classes = target.encode(whole.target) if isinstance(target, Classes) else None
    train, held_out = split_rows(whole.rows, fraction, choices.seed, classes)
    if len(held_out) == 0 or len(train) < 2:
        raise ArgumentError(
            f"--validation {choices.validation} of {whole.rows} rows leaves {len(train)} to train "
            f"on and {len(held_out)} to hold out; expected a fraction that leaves both"
        )
    rows = whole.table
    return Parts(rows.take(train), rows.take(held_out), fit(whole, train))


def _fraction(validation: str) -> float | None:
    """The fraction that ``--validation`` gives, or None where it names a file."""
    try:
        fraction = float(validation)
    except ValueError:
        return None
    if not 0 <= fraction < 1:
        raise ArgumentError(
            f"--validation is {validation}; expected a fraction from 0 to below 1, or a file"
        )
    return fraction


def _recipe(choices: Choices, parts: Parts) -> Recipe:
    return recipe(
        parts.train.rows,
        parts.preparation.task,
        optimizer=choices.optimizer,
        learning_rate=choices.learning_rate,
        weight_decay=choices.weight_decay,
        batch_size=choices.batch_size,
        epochs=choices.epochs,
    )


def _model(choices: Choices, units: list[int], parts: Parts, made: Recipe) -> Sequential:
    name, outputs, metric = _head(choices.loss, parts.preparation.target)
    hidden = [Dense(n, activation=choices.activation) for n in units]
    model = Sequential(
        [*hidden, Dense(outputs)],
        loss=name,
        optimizer=made.optimizer,
        metrics=[metric],
        seed=choices.seed,
    )
    model.preparation = parts.preparation
    return model


def _head(loss: str | None, target: Classes | Any) -> tuple[str, int, str]:
    """The loss, the units of the last layer and the metric."""
    if isinstance(target, Classes):
        made = get_loss(loss or "cross_entropy")
        if made.name == "binary_cross_entropy" and len(target.labels) != 2:
            raise ArgumentError(
                f"binary_cross_entropy is for two classes, {len(target.labels)} were given; "
                f"use cross_entropy"
            )
        if not made.takes_logits:
            raise ArgumentError(
                f"{made.name} is a loss of regression, the task is classification; use "
                f"cross_entropy or binary_cross_entropy, or --task regression"
            )
        return made.name, len(target.labels) if made.labels else 1, "accuracy"
    made = get_loss(loss or "mean_squared_error")
    if made.takes_logits:
        raise ArgumentError(
            f"{made.name} is a loss of classification, the task is regression; use "
            f"mean_squared_error or huber, or --task classification"
        )
    if made.name == "poisson":
        raise ArgumentError(
            "poisson is for counts, and here targets are standardised; use mean_squared_error, "
            "or clearprop.Sequential"
        )
    return made.name, 1, "mean_squared_error"


def _fit(
    choices: Choices, made: Recipe, screen: Screen, model: Sequential, X: Any, y: Any, held_out: Any
) -> History:
    callbacks = []
    # measured each epoch only where somebody looks at it: a run that nobody watches is faster
    watched = choices.patience is not None or (sys.stderr.isatty() and not screen.quiet)
    if choices.patience is not None:
        monitor = "loss" if held_out is None else "val_loss"
        callbacks.append(EarlyStopping(monitor, choices.patience, restore_best_weights=True))
    return model.fit(
        X,
        y,
        epochs=made.epochs,
        batch_size=made.batch_size,
        validation_data=held_out if watched else None,
        callbacks=callbacks,
        threads=choices.threads,
        verbose=0 if screen.quiet else "auto",
    )


def _told(choices: Choices, whole: Problem, parts: Parts) -> str:
    target = parts.preparation.target
    what = f"{len(target.labels)} classes" if isinstance(target, Classes) else "regression"
    features = len(parts.preparation.features)
    name = f"{whole.table.source}: {whole.rows} rows, {features} features"
    return f"{name}, {what} ({whole.target.name})"


def _print(
    screen: Screen,
    path: Path,
    parts: Parts,
    metrics: dict[str, dict[str, float]],
    epochs: int,
    seconds: float,
) -> None:
    names = list(metrics["train"])
    rows = {"train": parts.train.rows}
    rows["validation"] = (parts.validation or parts.train).rows
    lines = table(
        ["", "rows", *names],
        [[part, str(rows[part]), *(f"{metrics[part][n]:.4g}" for n in names)] for part in metrics],
    )
    data = {
        "model": str(path),
        "task": parts.preparation.task,
        "epochs": epochs,
        "seconds": round(seconds, 3),
        "metrics": metrics,
    }
    screen.result(data, lines)
