"""What is printed: results on standard output, all else on standard error."""

import json
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

__all__ = ["ReaderGone", "Screen", "say_warnings", "table"]


class ReaderGone(Exception):  # noqa: N818 (it is no error: `clearprop predict ... | head`)
    """Who read our output has gone; a kind of its own, since Typer ends with 1 on a broken pipe."""


def say_warnings() -> None:
    """From now on a warning is one line without the place in the code."""

    def show(message: Warning | str, *_: object, **__: object) -> None:
        print(f"clearprop: warning: {message}", file=sys.stderr)

    warnings.showwarning = show


class Screen:
    """Messages to people unless they asked for quiet, and one result."""

    def __init__(
        self,
        quiet: bool = False,
        as_json: bool = False,
        write: Callable[[str], object] = print,
    ) -> None:
        self.quiet, self.as_json, self.write = quiet, as_json, write

    def say(self, message: str) -> None:
        """A message, on standard error."""
        if not self.quiet:
            print(message, file=sys.stderr)

    def result(self, data: Mapping[str, Any], lines: Sequence[str]) -> None:
        """The result, on standard output: one JSON object, or lines for people."""
        text = json.dumps(data, allow_nan=False) if self.as_json else "\n".join(lines)
        try:
            self.write(text)
            sys.stdout.flush()
        except BrokenPipeError as error:
            raise ReaderGone from error


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of aligned columns, the first to the left, the others to the right.

    >>> table(["", "loss"], [["train", "0.1"]])
    ['       loss', 'train   0.1']
    """
    widths = [max(map(len, cells)) for cells in zip(header, *rows, strict=True)]
    lines = []
    for cells in (header, *rows):
        first, *rest = zip(cells, widths, strict=True)
        lines.append("  ".join([first[0].ljust(first[1]), *(c.rjust(w) for c, w in rest)]).rstrip())
    return lines
