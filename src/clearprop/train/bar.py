"""The live line of training on a terminal, by rich: what matters first, and never cut.

Epoch, steps, loss, rate and time left keep their place at any width. Where the terminal is too
narrow the bar goes first, then the metrics end in an ellipsis.
"""

from typing import Any

from rich.console import Console, RenderableType
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Column
from rich.text import Text

__all__ = ["live_line"]

_WITH_BAR = 110
"""Columns that a terminal must have to show the bar."""

_BAR = 24


class _Bar(ProgressColumn):
    """The bar, nothing on a narrow terminal."""

    def __init__(self, console: Console) -> None:
        super().__init__(Column(no_wrap=True))
        self._console, self._bar = console, BarColumn(bar_width=_BAR)

    def render(self, task: Task) -> RenderableType:
        return self._bar.render(task) if self._console.width >= _WITH_BAR else Text("")


class _Left(TimeRemainingColumn):
    """The time left, as ``00:07 left``."""

    def render(self, task: Task) -> Text:
        return Text.assemble(super().render(task), " left")


class _Metrics(ProgressColumn):
    """The metrics; the one column that may become narrower than what it holds."""

    def __init__(self) -> None:
        super().__init__(Column(no_wrap=False))

    def render(self, task: Task) -> Text:
        return Text(task.fields["metrics"], no_wrap=True, overflow="ellipsis")


def live_line(epochs: int, steps: int) -> Progress:
    """The line, before its task is added; fields are epoch, done, loss, rate and metrics."""
    console = Console(stderr=True)
    wide, deep = len(str(epochs)), len(str(steps))
    columns: list[Any] = [
        TextColumn(f"epoch {{task.fields[epoch]:>{wide}}}/{epochs}"),
        TextColumn(f"step {{task.fields[done]:>{deep}}}/{steps}"),
        _Bar(console),
        TextColumn("loss {task.fields[loss]}"),
        TextColumn("{task.fields[rate]} steps/s"),
        _Left(compact=True, table_column=Column(no_wrap=True)),
        _Metrics(),
    ]
    return Progress(*columns, console=console, refresh_per_second=10)
