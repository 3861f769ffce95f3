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
    """A bar of all steps with epoch, loss, steps a second and time left."""

    each = False

    def __init__(self, epochs: int, steps: int, first: int) -> None:
        self.epochs, self.steps, self.first = epochs, steps, first
        self.said = ""

    def begin(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
        from rich.progress import Progress as Bar

        self.bar = Bar(
            TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
            BarColumn(bar_width=24),
            TextColumn("step {task.fields[done]}/{task.fields[steps]}"),
            TextColumn("{task.fields[said]}"),
            TextColumn("{task.fields[rate]} steps/s"),
            TimeRemainingColumn(compact=True),
            console=Console(stderr=True),
            refresh_per_second=10,
        )
        fields: dict[str, Any] = {"epoch": 0, "epochs": self.epochs, "done": 0, "steps": self.steps}
        total = self.epochs * self.steps
        self.task = self.bar.add_task("", total=total, said="", rate="-", **fields)
        self.began = time.perf_counter()
        self.bar.start()

    def step(self, epoch: int, done: int, loss: float) -> None:
        completed = (epoch - self.first) * self.steps + done
        rate = completed / max(time.perf_counter() - self.began, 1e-9)
        self._show(epoch, completed, done=done, said=self.said or f"loss {loss:.4g}", rate=rate)

    def epoch(self, epoch: int, logs: Mapping[str, float]) -> None:
        self.said = _numbers(logs)
        self._show(epoch, (epoch - self.first + 1) * self.steps, said=self.said)

    def _show(self, epoch: int, completed: int, **fields: Any) -> None:
        if "rate" in fields:
            fields["rate"] = f"{fields['rate']:,.0f}"
        number = epoch - self.first + 1
        self.bar.update(self.task, completed=completed, epoch=number, **fields)

    def end(self) -> None:
        self.bar.stop()


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
