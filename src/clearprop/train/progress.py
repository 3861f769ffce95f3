"""Progress on standard error: a live line on a terminal, a plain line an epoch elsewhere."""

import sys
import time
from collections.abc import Mapping
from typing import Any, Protocol

from clearprop.errors import ArgumentError

__all__ = ["Progress", "progress"]


class Progress(Protocol):
    """What training tells the screen; `each` says that it wants to hear of every epoch."""

    each: bool

    def begin(self) -> None: ...
    def step(self, epoch: int, done: int, loss: float) -> None: ...
    def epoch(self, epoch: int, logs: Mapping[str, float]) -> None: ...
    def end(self) -> None: ...


class _Silent:
    each = False

    def begin(self) -> None: ...
    def step(self, epoch: int, done: int, loss: float) -> None: ...
    def epoch(self, epoch: int, logs: Mapping[str, float]) -> None: ...
    def end(self) -> None: ...


def _numbers(logs: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.4g}" for name, value in logs.items())


class _Lines:
    """A line an epoch, for files and pipes."""

    each = True

    def __init__(self, epochs: int, steps: int, first: int) -> None:
        self.epochs, self.steps, self.first = epochs, steps, first

    def begin(self) -> None:
        self.began = time.perf_counter()

    def step(self, epoch: int, done: int, loss: float) -> None: ...

    def epoch(self, epoch: int, logs: Mapping[str, float]) -> None:
        number = epoch - self.first + 1
        seconds = time.perf_counter() - self.began
        print(f"epoch {number}/{self.epochs}  {_numbers(logs)}  {seconds:.1f} s", file=sys.stderr)

    def end(self) -> None: ...


class _Live:
    """One line with epoch, step, loss, steps a second, time left and metrics."""

    each = False

    def __init__(self, epochs: int, steps: int, first: int) -> None:
        self.epochs, self.steps, self.first = epochs, steps, first
        self.measured = False

    def begin(self) -> None:
        self.line = _line(self.epochs, self.steps)
        fields: dict[str, Any] = {"epoch": 0, "done": 0, "loss": "-", "rate": "-", "metrics": ""}
        self.task = self.line.add_task("", total=self.epochs * self.steps, **fields)
        self.began = time.perf_counter()
        self.line.start()

    def step(self, epoch: int, done: int, loss: float) -> None:
        completed = (epoch - self.first) * self.steps + done
        rate = completed / max(time.perf_counter() - self.began, 1e-9)
        # an epoch's mean says more than the loss of one step, once there is one
        shown = {} if self.measured else {"loss": f"{loss:.4g}"}
        self._show(epoch, completed, done=done, rate=f"{rate:,.0f}", **shown)

    def epoch(self, epoch: int, logs: Mapping[str, float]) -> None:
        self.measured = "loss" in logs
        others = {name: value for name, value in logs.items() if name != "loss"}
        loss = {"loss": f"{logs['loss']:.4g}"} if self.measured else {}
        completed = (epoch - self.first + 1) * self.steps
        self._show(epoch, completed, metrics=_numbers(others), **loss)

    def _show(self, epoch: int, completed: int, **fields: Any) -> None:
        number = epoch - self.first + 1
        self.line.update(self.task, completed=completed, epoch=number, **fields)

    def end(self) -> None:
        self.line.stop()


_WITH_BAR = 110
"""Columns that a terminal must have to show the bar."""


def _line(epochs: int, steps: int) -> Any:
    """rich's Progress, without a task; its fields are epoch, done, loss, rate and metrics.

    What matters keeps its place at any width: on a narrow terminal the bar goes first, then the
    metrics, which alone may become narrower than what they hold, end in an ellipsis.
    """
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar
    from rich.table import Column

    console = Console(stderr=True)
    columns: list[Any] = [
        TextColumn(f"epoch {{task.fields[epoch]:>{len(str(epochs))}}}/{epochs}"),
        TextColumn(f"step {{task.fields[done]:>{len(str(steps))}}}/{steps}"),
        *([BarColumn(bar_width=24)] if console.width >= _WITH_BAR else []),
        TextColumn("loss {task.fields[loss]}"),
        TextColumn("{task.fields[rate]} steps/s"),
        TimeRemainingColumn(compact=True, table_column=Column(no_wrap=True)),
        TextColumn("left"),
        TextColumn(
            "{task.fields[metrics]}",
            table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"),
        ),
    ]
    return Bar(*columns, console=console, refresh_per_second=10, expand=True)


def progress(verbose: object, epochs: int, steps: int, first: int) -> Progress:
    """What `verbose` asks for: 0 nothing, 1 progress, ``auto`` progress on a terminal.

    `first` is the number of the first epoch of this run.
    """
    if verbose not in ("auto", 0, 1):
        raise ArgumentError(f"verbose is {verbose!r}; expected 0, 1 or 'auto'")
    terminal = sys.stderr.isatty()
    if verbose == 0 or (verbose == "auto" and not terminal):
        return _Silent()
    return _Live(epochs, steps, first) if terminal else _Lines(epochs, steps, first)
