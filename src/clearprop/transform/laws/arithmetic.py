"""Laws of numbers and signs. Each is exact, but for the sign of a zero.

x - x is not 0 and x * 0 is not 0: both are NaN where x is not finite.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from clearprop.nodes.build import add, full, mul, neg, sub
from clearprop.nodes.node import Node, node
from clearprop.nodes.ops import FLOATS
from clearprop.transform.match import is_number, number
from clearprop.transform.rewrite import Law

__all__ = ["LAWS_ARITHMETIC"]

_NUMPY: Mapping[str, Callable[..., Any]] = {
    "neg": np.negative, "abs": np.abs, "sign": np.sign, "floor": np.floor, "exp": np.exp,
    "expm1": np.expm1, "log": np.log, "log1p": np.log1p, "sqrt": np.sqrt, "sin": np.sin,
    "cos": np.cos, "tanh": np.tanh, "add": np.add, "sub": np.subtract, "mul": np.multiply,
    "div": np.divide, "power": np.power, "less": np.less, "less_equal": np.less_equal,
    "equal": np.equal, "logical_not": np.logical_not, "logical_and": np.logical_and,
    "logical_or": np.logical_or, "where": np.where,
}  # fmt: skip


def _fold(x: Node) -> Node | None:
    """An operation on numbers is the number NumPy gives in their dtype."""
    values = [number(a) for a in x.args]
    if any(v is None for v in values):
        return None
    with np.errstate(all="ignore"):
        scalars = [np.asarray(v, a.dtype) for v, a in zip(values, x.args, strict=True)]
        return full(x.shape, _NUMPY[x.op](*scalars).item(), x.dtype)


def _fold_cast(x: Node) -> Node | None:
    value = number(x.args[0])
    if value is None or (x.dtype not in FLOATS and not math.isfinite(value)):
        return None
    with np.errstate(all="ignore"):
        return full(x.shape, np.asarray(value, x.args[0].dtype).astype(x.dtype).item(), x.dtype)


def _number_last(x: Node) -> Node | None:
    a, b = x.args
    return node(x.op, [b, a]) if number(a) is not None and number(b) is None else None


def _neutral(x: Node) -> Node | None:
    """x + 0, x - 0, x * 1, x / 1, x to the 1: x; x to the 0: 1 (also of NaN)."""
    a, b = x.args
    if is_number(b, 0 if x.op in ("add", "sub") else 1):
        return a
    return full(x.shape, 1, x.dtype) if x.op == "power" and is_number(b, 0) else None


def _minus_one(x: Node) -> Node | None:
    a, b = x.args
    return -a if is_number(b, -1) else None


def _zero_minus(x: Node) -> Node | None:
    a, b = x.args
    return -b if is_number(a, 0) else None


def _neg(x: Node) -> Node | None:
    """--a: a; -(a - b): b - a."""
    (a,) = x.args
    if a.op == "neg":
        return a.args[0]
    return sub(a.args[1], a.args[0]) if a.op == "sub" else None


def _add_neg(x: Node) -> Node | None:
    """a + -b: a - b; -a + b: b - a."""
    a, b = x.args
    if b.op == "neg":
        return sub(a, b.args[0])
    return sub(b, a.args[0]) if a.op == "neg" else None


def _sub_neg(x: Node) -> Node | None:
    a, b = x.args
    return add(a, b.args[0]) if b.op == "neg" else None


def _both_negative(x: Node) -> Node | None:
    """-a * -b: a * b, and of a quotient; -a * number: a * -number."""
    a, b = x.args
    if a.op == "neg" and b.op == "neg":
        return node(x.op, [a.args[0], b.args[0]])
    value = number(b)
    return node(x.op, [a.args[0], neg(b)]) if a.op == "neg" and value is not None else None


def _neg_times_number(x: Node) -> Node | None:
    """-(a * number): a * -number."""
    (a,) = x.args
    return mul(a.args[0], neg(a.args[1])) if a.op == "mul" and _has_number(a) else None


def _has_number(x: Node) -> bool:
    return number(x.args[1]) is not None


def _cast(x: Node) -> Node | None:
    """A cast to the dtype it has; there and back through a wider float."""
    (a,) = x.args
    if a.dtype == x.dtype:
        return a
    back = a.op == "cast" and a.args[0].dtype == x.dtype
    return a.args[0] if back and (x.dtype, a.dtype) == FLOATS else None


def _where(x: Node) -> Node | None:
    """One branch known, both equal, a negated condition, the same condition twice."""
    c, a, b = x.args
    if a is b:
        return a
    value = number(c)
    if value is not None:
        return a if value else b
    if c.op == "logical_not":
        return node("where", [c.args[0], b, a])
    inner_a = a.args[1] if a.op == "where" and a.args[0] is c else a
    inner_b = b.args[2] if b.op == "where" and b.args[0] is c else b
    return node("where", [c, inner_a, inner_b])


def _where_equal(x: Node) -> Node | None:
    """where(b == number, number, b): b."""
    c, a, b = x.args
    asked = c.op == "equal" and c.args[0] is b and number(a) is not None
    return b if asked and number(c.args[1]) == number(a) else None


def _where_times_number(x: Node) -> Node | None:
    """where(c, 0, b) * number: where(c, 0 * number, b * number)."""
    a, b = x.args
    if a.op != "where" or number(b) is None:
        return None
    c, first, second = a.args
    if number(first) is None and number(second) is None:
        return None
    return node("where", [c, mul(first, b), mul(second, b)])


def _where_plus_where(x: Node) -> Node | None:
    """where(c, a, 0) + where(c, 0, b): where(c, a, b)."""
    left, right = x.args
    if not left.op == right.op == "where" or left.args[0] is not right.args[0]:
        return None
    c, (a, zero_b), (zero_a, b) = left.args[0], left.args[1:], right.args[1:]
    if is_number(zero_b, 0) and is_number(zero_a, 0):
        return node("where", [c, a, b])
    return node("where", [c, zero_a, zero_b]) if is_number(a, 0) and is_number(b, 0) else None


def _twice(x: Node) -> Node | None:
    a, b = x.args
    return a * 2 if a is b else None


def _not_not(x: Node) -> Node | None:
    (a,) = x.args
    return a.args[0] if a.op == "logical_not" else None


LAWS_ARITHMETIC: tuple[Law, ...] = (
    Law("fold numbers", tuple(_NUMPY), _fold),
    Law("fold a cast of a number", ("cast",), _fold_cast),
    Law("number last", ("add", "mul"), _number_last),
    Law("neutral number", ("add", "sub", "mul", "div", "power"), _neutral),
    Law("times minus one", ("mul", "div"), _minus_one),
    Law("zero minus x", ("sub",), _zero_minus),
    Law("neg of neg or of a difference", ("neg",), _neg),
    Law("neg of a number times x", ("neg",), _neg_times_number),
    Law("x + x", ("add",), _twice),
    Law("add of neg", ("add",), _add_neg),
    Law("sub of neg", ("sub",), _sub_neg),
    Law("two signs", ("mul", "div"), _both_negative),
    Law("cast there and back", ("cast",), _cast),
    Law("where with one outcome", ("where",), _where),
    Law("where equal to a number", ("where",), _where_equal),
    Law("where times a number", ("mul",), _where_times_number),
    Law("two halves of a where", ("add",), _where_plus_where),
    Law("not not", ("logical_not",), _not_not),
)
