"""Derivatives of elementwise operations: one line of maths a row.

`g` is the gradient of the result `y`; each row has one function an argument, and gives that
argument's gradient. None: the argument has none. Broadcasting is no concern here: it is a node of
its own (movement.py).
"""

import math

from clearprop.nodes.build import (
    cast,
    cos,
    equal,
    exp,
    full,
    less,
    log,
    logical_and,
    power,
    sigmoid,
    sign,
    sin,
    where,
)
from clearprop.nodes.node import Node
from clearprop.transform.match import number
from clearprop.transform.vjp.table import Row

__all__ = ["ROWS_ELEMENTWISE"]

_SLOPE_OF_ERF = 2 / math.sqrt(math.pi)


def _zero(x: Node) -> Node:
    return full(x.shape, 0, x.dtype)


def _base(g: Node, y: Node, a: Node, b: Node) -> Node:
    """b a^(b-1); 0 where b is 0, though 0^-1 is infinite."""
    exponent = number(b)
    if exponent is not None:
        return g * (power(a, exponent - 1) * exponent) if exponent != 0 else _zero(a)
    safe = where(logical_and(equal(a, _zero(a)), equal(b, _zero(b))), 1, a)
    return g * (b * power(safe, b - 1))


def _exponent(g: Node, y: Node, a: Node, b: Node) -> Node:
    """a^b log(a); 0 where a is 0 or below, where a^b has no neighbours in b."""
    return g * (y * log(where(less(_zero(a), a), a, 1)))


ROWS_ELEMENTWISE: dict[str, Row] = {
    "neg": (lambda g, y, x: -g,),
    "abs": (lambda g, y, x: g * sign(x),),
    "exp": (lambda g, y, x: g * y,),
    "expm1": (lambda g, y, x: g * exp(x),),
    "log": (lambda g, y, x: g / x,),
    "log1p": (lambda g, y, x: g / (x + 1),),
    "sqrt": (lambda g, y, x: g / (y * 2),),
    "sin": (lambda g, y, x: g * cos(x),),
    "cos": (lambda g, y, x: -(g * sin(x)),),
    "tanh": (lambda g, y, x: g * (1 - y * y),),
    "sigmoid": (lambda g, y, x: g * (y * (1 - y)),),
    "softplus": (lambda g, y, x: g * sigmoid(x),),
    "erf": (lambda g, y, x: g * (exp(-(x * x)) * _SLOPE_OF_ERF),),
    "cast": (lambda g, y, x: cast(g, x.dtype),),
    "add": (lambda g, y, a, b: g, lambda g, y, a, b: g),
    "sub": (lambda g, y, a, b: g, lambda g, y, a, b: -g),
    "mul": (lambda g, y, a, b: g * b, lambda g, y, a, b: g * a),
    "div": (lambda g, y, a, b: g / b, lambda g, y, a, b: -(g / b * y)),
    "power": (_base, _exponent),
    "where": (
        None,
        lambda g, y, c, a, b: where(c, g, _zero(g)),
        lambda g, y, c, a, b: where(c, _zero(g), g),
    ),
}
