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

_INTERRUPTED, _TERMINATED = 130, 143


class _Termination:
    """Within it SIGTERM ends training as Ctrl-C does, and `asked` says that it came."""

    def __init__(self) -> None:
        self.asked = False

    def __enter__(self) -> "_Termination":
        self._before = signal.signal(signal.SIGTERM, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGTERM, self._before)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        signal.raise_signal(signal.SIGINT)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit with its code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    sys.exit(_run(given or ["--help"]))


def _run(arguments: list[str]) -> int:
    from clearprop.faces.cli.screen import ReaderGone, say_warnings

    say_warnings()
    with _Termination() as termination:
        try:
            code = _call(arguments)
        except NotFiniteError as error:
            return _say(error, 3)
        except ClearpropError as error:
            return _say(error, 2)
        except KeyboardInterrupt:
            if termination.asked:
                return _say("terminated", _TERMINATED)
            return _say("interrupted", _INTERRUPTED)
        except ReaderGone:
            # Python would say so again when it flushes at its end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 141
    return code


def _call(arguments: list[str]) -> int:
    from typer import Abort

    from clearprop.faces.cli.app import app

    try:
        code = app(arguments, standalone_mode=False)
    except Abort:  # what Typer makes of Ctrl-C, or the code below
        raise KeyboardInterrupt from None
    except Exception as error:
        # Typer's usage errors, whichever Click it is built on
        message = getattr(error, "format_message", None)
        if message is None:
            raise
        return _say(message(), 2)
    if code == _INTERRUPTED:
        raise KeyboardInterrupt
    return code if isinstance(code, int) else 0


def _say(message: object, code: int) -> int:
    """One line on standard error."""
    print(f"clearprop: {' '.join(str(message).split())}", file=sys.stderr)
    return code
