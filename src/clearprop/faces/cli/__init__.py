"""The command line: `main` runs a command and turns how it ended into an exit code.

0 done; 2 bad usage or bad input, one line on standard error; 3 training met NaN or infinity;
130 interrupted; 143 terminated.
"""

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from clearprop.errors import ClearpropError, NotFiniteError

__all__ = ["main"]


class _Ended:
    """Whether a signal asked the process to end; training then ends as after Ctrl-C."""

    def __init__(self) -> None:
        self.terminated = False
        signal.signal(signal.SIGTERM, self._handle)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.terminated = True
        signal.raise_signal(signal.SIGINT)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit with its code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(_run(given or ["--help"]))


def _run(arguments: list[str]) -> int:
    from clearprop.faces.cli.screen import say_warnings

    say_warnings()
    ended = _Ended()
    try:
        code = _call(arguments)
        sys.stdout.flush()
    except NotFiniteError as error:
        return _say(error, 3)
    except ClearpropError as error:
        return _say(error, 2)
    except KeyboardInterrupt:
        return _say("terminated", 143) if ended.terminated else _say("interrupted", 130)
    except BrokenPipeError:
        # who read our output has gone; Python would complain once more when it flushes at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return code


def _call(arguments: list[str]) -> int:
    from clearprop.faces.cli.app import app

    try:
        code = app(arguments, standalone_mode=False)
    except Exception as error:
        # Typer's usage errors, whichever Click it is built on
        message = getattr(error, "format_message", None)
        if message is None:
            raise
        return _say(message(), 2)
    return code if isinstance(code, int) else 0


def _say(message: object, code: int) -> int:
    """One line on standard error."""
    print(f"clearprop: {' '.join(str(message).split())}", file=sys.stderr)
    return code
