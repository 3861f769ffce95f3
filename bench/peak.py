"""The most that this machine does: multiply-adds in registers, and nothing else.

A loop of independent accumulators at the host's vector width, written and compiled by the same path
as a training step (readings/llvm). There are four registers fewer of them than the host has: enough
to hide the latency of a multiply-add (4 cycles, 2 a cycle: 8 would do), and room for the factors.
Where the host has no such instruction, a multiplication and an addition stand for it.
"""

import ctypes
import functools
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from clearprop.readings.llvm.code import Code, compile_object, load
from clearprop.readings.llvm.ir import SCALARS, Function, Scope, Value
from clearprop.readings.llvm.target import Target, host
from clearprop.readings.llvm.workers import together
from clearprop.readings.llvm.writer import open_loop

__all__ = ["Peak", "gigaflops", "peak_text"]


def _accumulators(target: Target) -> int:
    return target.registers - 4


def peak_text(target: Target, dtype: str) -> str:
    """``i64 @run(ptr fields, i64 thread)``: fields[0] turns of the loop; sums go behind it.

    Each sum goes to x * 0.5 + 1, which stays near 2: neither infinite nor denormal.
    """
    function = Function("run", target)
    kind, lanes = SCALARS[dtype], target.lanes(dtype)
    root = Scope(function)
    code = root.inner()
    turns = code.load(Value("%fields", "ptr"), "i64")
    half, one = (code.splat(code.number(x, kind), lanes) for x in (0.5, 1.0))
    sums = [code.number(1 + i / 64, kind, lanes) for i in range(_accumulators(target))]
    loop = open_loop(code, code.integer(0), turns, 1, sums)
    totals = loop.close([loop.body.fma(x, half, one) for x in loop.carried])
    for place, total in enumerate(totals):
        code.store(total, code.offset(Value("%fields", "ptr"), 64 * (place + 1), "i8"))
    code.raw("  ret i64 0")
    body = "\n".join(["entry:", *root.flatten()])
    return "\n".join(
        [
            f'target triple = "{target.triple}"',
            *sorted(function.intrinsics),
            f"define i64 @run(ptr %fields, i64 %thread) nounwind {{\n{body}\n}}\n",
        ]
    )


@functools.cache
def _compiled(dtype: str) -> Code:
    return load(compile_object(peak_text(host(), dtype), host()), host())


def _seconds(turns: int, threads: int, entry: Callable[[int, int], int]) -> float:
    """How long all threads take for so many turns each, all at once."""
    size = 64 * (host().registers + 1)
    places = [ctypes.create_string_buffer(size) for _ in range(threads)]
    for place in places:
        ctypes.c_int64.from_buffer(place).value = turns
    addresses = [ctypes.addressof(place) for place in places]
    begin = time.perf_counter()
    together(lambda thread: entry(addresses[thread], thread), threads)
    return time.perf_counter() - begin


def gigaflops(dtype: str, threads: int, seconds: float = 0.03) -> float:
    """GFLOP/s of so many threads together, over about so long (waking them takes a thousandth)."""
    target, entry = host(), _compiled(dtype).entry
    turns = 1000
    while (taken := _seconds(turns, threads, entry)) < seconds / 4:
        turns *= 4
    turns = max(1, round(turns * seconds / taken))
    operations = 2 * _accumulators(target) * target.lanes(dtype) * turns * threads
    return operations / _seconds(turns, threads, entry) / 1e9


@dataclass
class Peak:
    """The peak of one dtype and number of threads, measured again and again during a run."""

    dtype: str
    threads: int
    found: list[float] = field(default_factory=list)

    def measure(self) -> float:
        """One more measurement, in GFLOP/s: the best of three."""
        self.found.append(max(gigaflops(self.dtype, self.threads, 0.01) for _ in range(3)))
        return self.found[-1]

    @property
    def best(self) -> float:
        """GFLOP/s: the most of any round, for what disturbs a peak only lowers it."""
        return max(self.found)
