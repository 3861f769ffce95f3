"""Machine code from text: object bytes, then loaded; fresh and cached code take one path.

The store owns every engine and keeps it alive as long as any function of it. The same loop compiled
again finds its code there, or on disk (cache.py).
"""

import contextlib
import ctypes
import functools
import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from clearprop.errors import EngineError
from clearprop.readings.llvm import cache
from clearprop.readings.llvm.cache import Kept
from clearprop.readings.llvm.target import Target

__all__ = [
    "KEEP",
    "NEWEST",
    "STORE",
    "Code",
    "Store",
    "assembly",
    "compile_object",
    "load",
    "yield_address",
]

KEEP = 64
"""How many loops' code the store keeps that nobody holds any more."""
NEWEST = 22
"""The newest LLVM whose options are known."""
Entry = Callable[[int, int], int]
_PLAIN = threading.Lock()


@functools.cache
def _llvm() -> Any:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm


@functools.cache
def _machine(target: Target) -> Any:
    llvm = _llvm()
    if target.triple != llvm.get_process_triple():
        llvm.initialize_all_targets()
        llvm.initialize_all_asmprinters()
    found = llvm.Target.from_triple(target.triple)
    return found.create_target_machine(
        cpu=target.cpu, features=target.features, opt=2, reloc="default", jit=True
    )


def compile_object(text: str, target: Target) -> bytes:
    """The object file of a module; text that LLVM refuses is our fault and says so."""
    llvm = _llvm()
    try:
        module = llvm.parse_assembly(text)
        module.verify()
    except RuntimeError as error:
        raise EngineError(f"the engine wrote text that LLVM refuses: {error}") from error
    with _PLAIN, _plain_addresses(target):
        data: bytes = _machine(target).emit_object(module)
    return data


@contextlib.contextmanager
def _plain_addresses(target: Target) -> Iterator[None]:
    """Without LLVM's rewriting of addresses in loops, for the time of one compilation.

    It took a third of code generation (W3: 183 ms, 121 without) and no step got faster by it (W3,
    W2, W7, a network with norms, a tiny one: all within 1 %). Measured on x86-64 only, and set only
    for an LLVM that is known to have the option: an unknown one ends the process.
    """
    llvm = _llvm()
    if not target.triple.startswith("x86_64") or llvm.llvm_version_info[0] > NEWEST:
        yield
        return
    llvm.set_option("", "-disable-lsr=true")
    try:
        yield
    finally:
        llvm.set_option("", "-disable-lsr=false")


def assembly(text: str, target: Target) -> str:
    """The module as assembly, for looking and for tests."""
    llvm = _llvm()
    written: str = _machine(target).emit_assembly(llvm.parse_assembly(text))
    return written


@dataclass(frozen=True, eq=False)
class Code:
    """A loaded entry; it holds its engine. `record` is what record.py wrote of its kernels."""

    engine: Any
    entry: Entry
    size: int
    record: Any = None


def load(data: bytes, target: Target, record: Any = None) -> Code:
    """The entry ``run`` of an object file, ready to call."""
    llvm = _llvm()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _fresh_machine(target))
    engine.add_object_file(llvm.ObjectFileRef.from_data(data))
    engine.finalize_object()
    address = engine.get_function_address("run")
    if not address:
        raise EngineError("the object file has no entry 'run'")
    entry = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_void_p, ctypes.c_int64)(address)
    return Code(engine, entry, len(data), record)


def _fresh_machine(target: Target) -> Any:
    """An engine takes a target machine for itself, so each gets its own."""
    found = _llvm().Target.from_triple(target.triple)
    return found.create_target_machine(cpu=target.cpu, features=target.features, opt=2, jit=True)


class Store:
    """The loaded code of this process: what loops hold, and the last that nobody does."""

    def __init__(self) -> None:
        self._held: weakref.WeakValueDictionary[str, Code] = weakref.WeakValueDictionary()
        self._last: OrderedDict[str, Code] = OrderedDict()
        self._lock = threading.Lock()

    def code(self, key: str, target: Target, make: Callable[[], Kept], *, disk: bool) -> Code:
        """The code of a key: from this process, else from `disk`, else of what `make` compiles."""
        with self._lock:
            found = self._held.get(key)
            if found is None:
                kept = cache.read(key) if disk else None
                if kept is None:
                    kept = make()
                    if disk:
                        cache.write(key, kept)
                found = load(kept.data, target, kept.metadata)
                self._held[key] = found
            self._last[key] = found
            self._last.move_to_end(key)
            while len(self._last) > KEEP:
                self._last.popitem(last=False)
            return found

    def clear(self) -> None:
        """Forget all code but what loops hold, and do not give that again."""
        with self._lock:
            self._held.clear()
            self._last.clear()


STORE = Store()


@functools.cache
def yield_address() -> int:
    """The address of a function that gives the rest of a thread's turn away (for the barrier)."""
    process = ctypes.CDLL(None)
    return ctypes.cast(process.sched_yield, ctypes.c_void_p).value or 0
