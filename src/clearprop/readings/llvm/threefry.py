"""Threefry-2x32 with 20 rounds as LLVM text, scalar or in all lanes: additions, rotations, xors.

Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). The
constants are those of `readings/threefry.py`, which says the same in NumPy.
"""

from clearprop.readings.llvm.ir import Scope, Value
from clearprop.readings.threefry import PARITY, ROTATIONS

__all__ = ["threefry"]


def _rotate(s: Scope, x: Value, count: int) -> Value:
    left = s.binary("shl", x, s.integer(count, x.kind, x.lanes))
    right = s.binary("lshr", x, s.integer(32 - count, x.kind, x.lanes))
    return s.binary("or", left, right)


def threefry(s: Scope, key0: Value, key1: Value, counter0: Value, counter1: Value) -> Value:
    """The first output word for i32 keys and counters; a scalar stands for all lanes."""
    lanes = max(v.lanes for v in (key0, key1, counter0, counter1))
    third = s.binary("xor", s.binary("xor", key0, key1), s.integer(PARITY, key0.kind, key0.lanes))
    keys = [_widen(s, key, lanes) for key in (key0, key1, third)]
    first = s.binary("add", _widen(s, counter0, lanes), keys[0])
    second = s.binary("add", _widen(s, counter1, lanes), keys[1])
    for block in range(1, 6):
        for rotation in ROTATIONS[:4] if block % 2 else ROTATIONS[4:]:
            first = s.binary("add", first, second)
            second = s.binary("xor", _rotate(s, second, rotation), first)
        first = s.binary("add", first, keys[block % 3])
        if block == 5:
            break  # the second word is not asked for
        second = s.binary("add", second, keys[(block + 1) % 3])
        second = s.binary("add", second, s.integer(block, second.kind, lanes))
    return first


def _widen(s: Scope, x: Value, lanes: int) -> Value:
    return x if x.lanes == lanes else s.splat(x, lanes)
