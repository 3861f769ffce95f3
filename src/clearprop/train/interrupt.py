"""Ctrl-C: the first lets the step finish, the second raises at once."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

__all__ = ["Interrupt"]


class Interrupt:
    """Within it, the first SIGINT only sets `pending`; handlers are put back at its end.

    Python runs signal handlers in the main thread alone, so elsewhere nothing is installed.
    """

    def __init__(self) -> None:
        self.pending = False
        self._installed = False
        self._before: Any = None

    def __enter__(self) -> "Interrupt":
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._handle)
            self._installed = True
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._installed:
            # None: a handler that was not set by Python cannot be put back
            signal.signal(signal.SIGINT, self._before or signal.SIG_DFL)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.pending:
            raise KeyboardInterrupt
        self.pending = True
