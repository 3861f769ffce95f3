"""Elementwise functions: one an operation, made from the table of `ops.py`, and what they compose.

>>> from clearprop.nodes.build import input
>>> exp(input("x", (3,)))
<exp (3,) float32>
>>> exp.__doc__
'Elementwise: e to the x.'
"""

from collections.abc import Callable
from inspect import Parameter, Signature

from clearprop.nodes.build.broadcasting import Operand, broadcast_shapes, broadcast_to, lift
from clearprop.nodes.node import Node, node
from clearprop.nodes.ops import OPS

__all__ = [
    "abs", "add", "cast", "clip", "cos", "div", "equal", "erf", "exp", "expm1", "floor", "greater",
    "greater_equal", "isnan", "less", "less_equal", "log", "log1p", "logical_and", "logical_not",
    "logical_or", "maximum", "minimum", "mul", "neg", "power", "relu", "sigmoid", "sign", "sin",
    "softplus", "sqrt", "square", "stop_gradient", "sub", "tanh", "where",
]  # fmt: skip

Unary = Callable[[Operand], Node]
Binary = Callable[[Operand, Operand], Node]


def _elementwise(op: str) -> Callable[..., Node]:
    """The function of an operation: numbers become constants, operands are broadcast."""

    def build(*operands: Operand) -> Node:
        return node(op, lift(operands))

    row = OPS[op]
    build.__name__ = build.__qualname__ = op
    build.__doc__ = f"Elementwise: {row.meaning}.{' Operands broadcast.' * (row.arity == 2)}"
    parameters = [
        Parameter(name, Parameter.POSITIONAL_ONLY, annotation=Operand)
        for name in ("x" if row.arity == 1 else "ab")
    ]
    build.__signature__ = Signature(parameters, return_annotation=Node)  # type: ignore[attr-defined]
    return build


neg: Unary = _elementwise("neg")
abs: Unary = _elementwise("abs")
sign: Unary = _elementwise("sign")
floor: Unary = _elementwise("floor")
exp: Unary = _elementwise("exp")
expm1: Unary = _elementwise("expm1")
log: Unary = _elementwise("log")
log1p: Unary = _elementwise("log1p")
sqrt: Unary = _elementwise("sqrt")
sin: Unary = _elementwise("sin")
cos: Unary = _elementwise("cos")
tanh: Unary = _elementwise("tanh")
sigmoid: Unary = _elementwise("sigmoid")
softplus: Unary = _elementwise("softplus")
erf: Unary = _elementwise("erf")
logical_not: Unary = _elementwise("logical_not")
stop_gradient: Unary = _elementwise("stop_gradient")

add: Binary = _elementwise("add")
sub: Binary = _elementwise("sub")
mul: Binary = _elementwise("mul")
div: Binary = _elementwise("div")
power: Binary = _elementwise("power")
less: Binary = _elementwise("less")
less_equal: Binary = _elementwise("less_equal")
equal: Binary = _elementwise("equal")
logical_and: Binary = _elementwise("logical_and")
logical_or: Binary = _elementwise("logical_or")


def greater(a: Operand, b: Operand) -> Node:
    """a > b, written as b < a."""
    return less(b, a)


def greater_equal(a: Operand, b: Operand) -> Node:
    """a >= b, written as b <= a."""
    return less_equal(b, a)


def where(condition: Node, a: Operand, b: Operand) -> Node:
    """a where the condition holds, else b; all three broadcast."""
    a, b = lift((a, b))
    shape = broadcast_shapes(condition.shape, a.shape)
    return node("where", [broadcast_to(x, shape) for x in (condition, a, b)])


def cast(x: Node, dtype: str) -> Node:
    """x in another dtype; the same node where it has it."""
    return x if x.dtype == dtype else node("cast", [x], dtype=dtype)


def isnan(x: Node) -> Node:
    """Whether x is not a number."""
    return logical_not(equal(x, x))


def square(x: Node) -> Node:
    """x times x."""
    return mul(x, x)


def maximum(a: Operand, b: Operand) -> Node:
    """The larger; of ties the first takes the derivative; NaN kept."""
    a, b = lift((a, b))
    return where(isnan(b), b, where(less(a, b), b, a))


def minimum(a: Operand, b: Operand) -> Node:
    """The smaller; of ties the first takes the derivative; NaN kept."""
    a, b = lift((a, b))
    return where(isnan(b), b, where(less(b, a), b, a))


def clip(x: Node, low: Operand, high: Operand) -> Node:
    """x cut to [low, high] (which are not NaN); derivative 1 on the bounds; NaN kept."""
    low, high = lift((x, low, high))[1:]
    return where(less(x, low), low, where(less(high, x), high, x))


def relu(x: Node) -> Node:
    """where(x > 0, x, 0 * x): derivative 0 at 0, NaN kept."""
    return where(greater(x, 0), x, x * 0)
