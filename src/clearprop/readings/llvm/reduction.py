"""How reductions combine: one step, across the lanes, into memory."""

from clearprop.nodes.node import Node
from clearprop.readings.llvm.ir import Scope, Value
from clearprop.readings.llvm.writer import identity

__all__ = ["across", "best", "combine", "masked", "operation"]


def operation(node: Node) -> str:
    """How a reduction's values are combined: sum, max, or max of unsigned numbers."""
    if node.op == "sum":
        return "sum"
    return "umax" if node.args[0].dtype == "uint32" else "max"


def combine(op: str, s: Scope, total: Value, x: Value) -> Value:
    """total op x; a NaN on either side of max stays."""
    less = "ult" if op == "umax" else "slt"
    real = x.kind in ("float", "double")
    if op == "sum":
        return s.binary("fadd" if real else "add", total, x)
    if not real:
        return s.select(s.icmp(less, total, x), x, total)
    larger = s.select(s.fcmp("olt", total, x), x, total)  # one instruction; a NaN in total stays
    return s.select(s.fcmp("uno", x, x), x, larger)


def across(op: str, s: Scope, x: Value) -> Value:
    """All lanes combined, halves first, always in this order."""
    while x.lanes > 1:
        half = x.lanes // 2
        low, high = s.shuffle(x, x, range(half)), s.shuffle(x, x, range(half, x.lanes))
        x = combine(op, s, low, high)
    return s.extract(x, 0) if x.lanes else x


def masked(op: str, s: Scope, x: Value, count: int) -> Value:
    """The lanes beyond count replaced by what changes nothing."""
    if not x.lanes or count == x.lanes:
        return x
    neutral = identity(op, x.kind, s, x.lanes)
    return s.shuffle(x, neutral, [i if i < count else x.lanes + i for i in range(x.lanes)])


def best(op: str, s: Scope, top: Value, place: Value, x: Value, at: Value) -> tuple[Value, Value]:
    """The first largest so far and its place; NaN counts as the largest."""
    if x.kind in ("float", "double"):
        first = s.binary("and", s.fcmp("uno", x, x), s.fcmp("ord", top, top))
        take = s.binary("or", s.fcmp("olt", top, x), first)
    else:
        take = s.icmp("ult" if op == "umax" else "slt", top, x)
    return s.select(take, x, top), s.select(take, at, place)
