"""What `clearprop train` does: read, split, prepare, train, measure, write."""

import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clearprop.errors import FileError
from clearprop.faces.cli.measure import arrays, measure
from clearprop.faces.cli.network import network, task_loss, units
from clearprop.faces.cli.parts import Parts, hold_out
from clearprop.faces.cli.recipe import Recipe, recipe
from clearprop.faces.cli.screen import Screen, table
from clearprop.optim.registry import get_optimizer
from clearprop.train.callbacks import EarlyStopping
from clearprop.train.files import save_model
from clearprop.train.history import History
from clearprop.train.model import Sequential
from clearprop.train.prepare import Classes, Problem, problem, read_table
from clearprop.train.prepare.table import counted

__all__ = ["Choices", "run"]


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
    label_smoothing: float | None = None
    batch_size: int | None = None
    epochs: int | None = None
    validation: str = "0.2"
    patience: int | None = None
    seed: int = 0
    threads: int | None = None
    output: Path | None = None


def run(choices: Choices, screen: Screen) -> None:
    """Train and write the model file; prints the metrics.

    After Ctrl-C the weights as of the last step are written, and KeyboardInterrupt is raised.
    """
    hidden = units(choices.layers)
    get_optimizer(choices.optimizer)
    path = _output(choices)
    whole = problem(read_table(choices.data), choices.target, choices.task)
    for notice in whole.notices:
        screen.say(notice)
    parts = hold_out(whole, choices.validation, choices.seed, screen)
    made = _recipe(choices, parts)
    loss = task_loss(choices.loss, parts.preparation.target, choices.label_smoothing)
    model = network(
        hidden, choices.activation, loss, made.optimizer, parts.preparation, choices.seed
    )
    screen.say(_told(whole, parts))
    began = time.perf_counter()
    X, y = arrays(model, parts.preparation, parts.train)
    held_out = None
    if parts.validation is not None:
        held_out = arrays(model, parts.preparation, parts.validation)
    target = parts.preparation.target
    history = _fit(choices, made, screen, model, X, y, held_out)
    seconds = time.perf_counter() - began
    save_model(model, path)
    screen.say(f"model written to {path}")
    if history.interrupted:
        raise KeyboardInterrupt
    metrics = {
        "train": measure(model, target, X, y),
        "validation": None if held_out is None else measure(model, target, *held_out),
    }
    _print(screen, path, parts, metrics, len(history.epoch), seconds)


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


def _told(whole: Problem, parts: Parts) -> str:
    target = parts.preparation.target
    what = f"{len(target.labels)} classes" if isinstance(target, Classes) else "regression"
    features = len(parts.preparation.features)
    name = f"{whole.table.source}: {counted(whole.rows, 'row')}, {counted(features, 'feature')}"
    return f"{name}, {what} ({whole.target.name})"


def _print(
    screen: Screen,
    path: Path,
    parts: Parts,
    metrics: Mapping[str, dict[str, float] | None],
    epochs: int,
    seconds: float,
) -> None:
    """A line for the training rows and, where rows were held out, one for them."""
    rows = {"train": parts.train.rows, "validation": parts.validation and parts.validation.rows}
    measured = {part: found for part, found in metrics.items() if found is not None}
    lines = table(
        ["", "rows", *measured["train"]],
        [
            [part, str(rows[part]), *(f"{value:.4g}" for value in found.values())]
            for part, found in measured.items()
        ],
    )
    data = {
        "model": str(path),
        "task": parts.preparation.task,
        "epochs": epochs,
        "seconds": round(seconds, 3),
        "metrics": metrics,
    }
    screen.result(data, lines)
