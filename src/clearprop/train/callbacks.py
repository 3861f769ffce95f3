"""Callbacks: objects that are told of each epoch's end and may stop the training."""

import math
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from clearprop.errors import ArgumentError

if TYPE_CHECKING:
    from clearprop.train.model import Sequential

__all__ = ["Callback", "EarlyStopping"]


class Callback:
    """What `fit` calls; override what is needed. `model` is set before training begins."""

    model: "Sequential"

    def on_train_begin(self) -> None:
        """Before the first step."""

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        """After each epoch (counted from 0) with its numbers; may set model.stop_training."""

    def on_train_end(self) -> None:
        """After the last step, also where training was stopped or interrupted."""


class EarlyStopping(Callback):
    """Stops when `monitor` has not become better by more than `min_delta` for `patience` epochs.

    With `restore_best_weights` the model ends with the weights of its best epoch. `mode` is
    ``min``, ``max`` or ``auto``: accuracy and r2 are to grow, all else is to shrink.
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        patience: int = 0,
        restore_best_weights: bool = False,
        min_delta: float = 0.0,
        mode: str = "auto",
    ) -> None:
        if patience < 0 or patience != int(patience):
            raise ArgumentError(f"patience is {patience!r}; expected a whole number >= 0")
        if not min_delta >= 0:
            raise ArgumentError(f"min_delta is {min_delta!r}; expected a number >= 0")
        if mode not in ("auto", "min", "max"):
            raise ArgumentError(f"mode is {mode!r}; expected 'auto', 'min' or 'max'")
        grows = monitor.removeprefix("val_") in ("accuracy", "r2")
        self.monitor, self.patience, self.min_delta = monitor, int(patience), float(min_delta)
        self.restore_best_weights = restore_best_weights
        self.sign = -1.0 if mode == "max" or (mode == "auto" and grows) else 1.0
        self._forget()

    def _forget(self) -> None:
        self.best = math.inf
        self.best_epoch: int | None = None
        self.stopped_epoch: int | None = None
        self._waited = 0
        self._weights: dict[str, np.ndarray] | None = None

    def on_train_begin(self) -> None:
        """Each fit looks for its own best epoch."""
        self._forget()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Count the epochs since the best one."""
        if self.monitor not in logs:
            raise ArgumentError(
                f"EarlyStopping monitors {self.monitor!r}, but an epoch gives {', '.join(logs)}"
                + ("; give fit validation_data" if self.monitor.startswith("val_") else "")
            )
        value = self.sign * logs[self.monitor]
        if value < self.best - self.min_delta or self.best_epoch is None:
            self.best, self.best_epoch, self._waited = value, epoch, 0
            if self.restore_best_weights:
                self._weights = self.model.weights
            return
        self._waited += 1
        if self._waited >= max(self.patience, 1):
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self) -> None:
        """Put the best weights back."""
        if self._weights is not None:
            self.model.set_weights(self._weights)
        elif self.restore_best_weights:
            warnings.warn("no epoch was finished, so no best weights were kept", stacklevel=2)
