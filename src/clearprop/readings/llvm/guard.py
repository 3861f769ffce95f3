"""Guard mode, for tests: every array ends at a page that may not be touched.

A kernel that reads or writes beyond the end of an array then stops the process instead of going on
with a neighbour's numbers, and workspace begins as signalling NaN, so that what was never written
shows in the results. `CLEARPROP_GUARD=1` turns it on.
"""

import ctypes
import functools
import inspect
import mmap
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ParamSpec

import numpy as np

from clearprop.errors import EngineError

__all__ = ["GUARD", "PAGE", "guard_calls", "guarded", "on"]

GUARD = "CLEARPROP_GUARD"
"""The environment variable that turns guard mode on."""
PAGE = mmap.PAGESIZE
_UNSET = {"float64": np.array([0x7FF4000000000000], np.uint64)}
_ELSE = np.array([0x7FA00000], np.uint32)

P = ParamSpec("P")


def on() -> bool:
    """Whether guard mode is on."""
    return bool(os.environ.get(GUARD))


def guarded(count: int, dtype: str) -> tuple[int, mmap.mmap]:
    """The address of `count` bytes of signalling NaN that end at a page which may not be touched.

    The second value owns the memory.
    """
    body = -(-max(count, 1) // PAGE) * PAGE
    owner = mmap.mmap(-1, body + PAGE)
    address = ctypes.addressof(ctypes.c_char.from_buffer(owner))
    unset = _UNSET.get(dtype, _ELSE)
    np.frombuffer(owner, unset.dtype, body // unset.itemsize)[:] = unset
    libc = ctypes.CDLL(None, use_errno=True)
    libc.mprotect.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)
    if libc.mprotect(address + body, PAGE, 0):
        raise OSError(ctypes.get_errno(), "mprotect")
    return address + body - count, owner


class _Copies:
    """Guarded copies of a call's arrays, what is to be copied back, what must stay as it is."""

    def __init__(self) -> None:
        self.made: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def of(self, array: np.ndarray) -> np.ndarray:
        """A copy with the same strides; what is no dense array is left to the engine's checks."""
        if not isinstance(array, np.ndarray) or not array.nbytes or not _dense(array):
            return array
        if id(array) not in self.made:
            _, owner = guarded(array.nbytes, array.dtype.name)
            start = len(owner) - PAGE - array.nbytes
            place: np.ndarray = np.ndarray(
                array.shape, array.dtype, owner, offset=start, strides=array.strides
            )
            place[...] = array
            self.made[id(array)] = array, place
        return self.made[id(array)][1]

    def all(self, given: Any) -> Any:
        """Copies of an array, of a list of arrays, of the values of a mapping."""
        if isinstance(given, Mapping):
            return {name: self.of(array) for name, array in given.items()}
        return self.of(given) if isinstance(given, np.ndarray) else [self.of(a) for a in given]

    def back(self, changed: Sequence[np.ndarray]) -> None:
        """Copy the arrays that may change back; raise EngineError where another one has."""
        written = {id(array) for array in changed}
        for key, (array, copy) in self.made.items():
            if key in written:
                array[...] = copy
            elif array.tobytes() != copy.tobytes():
                raise EngineError(f"the step wrote to an array {array.shape} that it only reads")


def _dense(array: np.ndarray) -> bool:
    low, high = np.lib.array_utils.byte_bounds(array)
    return bool(high - low == array.nbytes and min(array.strides, default=0) >= 0)


def guard_calls(run: Callable[P, int]) -> Callable[P, int]:
    """`Loop.run` that in guard mode works on guarded copies of all arrays it is given."""
    signature = inspect.signature(run)

    @functools.wraps(run)
    def call(*args: P.args, **options: P.kwargs) -> int:
        if not on():
            return run(*args, **options)
        given = signature.bind(*args, **options)
        copies, changed = _Copies(), _changed(given.arguments)
        for name in ("values", "data", "indices", "log", "collected", "results"):
            if given.arguments.get(name) is not None:
                given.arguments[name] = copies.all(given.arguments[name])
        done = run(*given.args, **given.kwargs)
        copies.back(changed)
        return done

    return call


def _changed(given: Mapping[str, Any]) -> list[np.ndarray]:
    """The arrays that a call may write to."""
    names = [old["name"] for old in given["self"].roles.carried]
    out = [given["values"][name] for name in names if name in given["values"]]
    out += [*given.get("collected", ()), *(given.get("results") or {}).values()]
    return [*out, given["log"]] if given.get("log") is not None else out
