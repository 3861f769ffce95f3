"""The closed vocabulary: one row an operation, with its arity, attributes, shape rule and meaning.

Everything clearprop computes is written in these operations. Nothing here broadcasts: arguments of
an elementwise operation have one shape (see `build.broadcast_to`). Reductions drop their axes.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from clearprop.nodes.rules.checks import DTYPES, FLOATS, INTEGERS, Rule
from clearprop.nodes.rules.elementwise import cast, compare, floats, keep, logical, numbers, where
from clearprop.nodes.rules.leaves import constant, input, iota, random_bits
from clearprop.nodes.rules.movement import (
    broadcast,
    concatenate,
    flip,
    pad,
    reshape,
    slice,
    transpose,
)
from clearprop.nodes.rules.products import contract
from clearprop.nodes.rules.reductions import argmax, reduce
from clearprop.nodes.rules.selection import gather, one_hot, scatter_add

__all__ = ["DTYPES", "FLOATS", "INTEGERS", "OPS", "Op", "elementwise"]


@dataclass(frozen=True)
class Op:
    """One operation: its family, how many arguments (None: any), attributes, rule, meaning."""

    name: str
    family: str
    arity: int | None
    attrs: tuple[str, ...]
    rule: Rule
    meaning: str


_ROWS: tuple[Op, ...] = (
    # elementwise, one argument
    Op("neg", "elementwise", 1, (), numbers("neg"), "-x"),
    Op("abs", "elementwise", 1, (), numbers("abs"), "|x|; derivative 0 at 0"),
    Op("sign", "elementwise", 1, (), floats("sign"), "-1, 0 or 1; NaN kept; derivative 0"),
    Op("floor", "elementwise", 1, (), floats("floor"), "largest whole number <= x; derivative 0"),
    Op("exp", "elementwise", 1, (), floats("exp"), "e to the x"),
    Op("expm1", "elementwise", 1, (), floats("expm1"), "e to the x, minus 1"),
    Op("log", "elementwise", 1, (), floats("log"), "natural logarithm of x"),
    Op("log1p", "elementwise", 1, (), floats("log1p"), "natural logarithm of 1 + x"),
    Op("sqrt", "elementwise", 1, (), floats("sqrt"), "square root of x"),
    Op("sin", "elementwise", 1, (), floats("sin"), "sine of x in radians"),
    Op("cos", "elementwise", 1, (), floats("cos"), "cosine of x in radians"),
    Op("tanh", "elementwise", 1, (), floats("tanh"), "hyperbolic tangent of x"),
    Op("sigmoid", "elementwise", 1, (), floats("sigmoid"), "1 / (1 + exp(-x))"),
    Op("softplus", "elementwise", 1, (), floats("softplus"), "log(1 + exp(x)), no overflow"),
    Op("erf", "elementwise", 1, (), floats("erf"), "Gauss error function of x"),
    Op("logical_not", "elementwise", 1, (), logical, "not x"),
    Op("cast", "elementwise", 1, ("dtype",), cast, "x in another dtype; floats cut toward 0"),
    Op("stop_gradient", "elementwise", 1, (), keep, "x, as a constant to differentiation"),
    # elementwise, two or three arguments
    Op("add", "elementwise", 2, (), numbers("add"), "a + b"),
    Op("sub", "elementwise", 2, (), numbers("sub"), "a - b"),
    Op("mul", "elementwise", 2, (), numbers("mul"), "a * b"),
    Op("div", "elementwise", 2, (), floats("div"), "a / b"),
    Op("power", "elementwise", 2, (), floats("power"), "a to the b"),
    Op("less", "elementwise", 2, (), compare, "a < b; false with NaN"),
    Op("less_equal", "elementwise", 2, (), compare, "a <= b; false with NaN"),
    Op("equal", "elementwise", 2, (), compare, "a == b; false with NaN"),
    Op("logical_and", "elementwise", 2, (), logical, "a and b"),
    Op("logical_or", "elementwise", 2, (), logical, "a or b"),
    Op("where", "elementwise", 3, (), where, "a where the condition holds, else b"),
    # reductions: the axes, sorted, are dropped
    Op("sum", "reduce", 1, ("axes",), reduce("sum"), "sum over axes"),
    Op("max", "reduce", 1, ("axes",), reduce("max"), "largest over axes; NaN kept"),
    Op("argmax", "reduce", 1, ("axis",), argmax, "place of the first largest; int32"),
    # products
    Op("contract", "contract", 2, (), contract, "a[..., i, p] b[..., p, j] summed over p"),
    # movement
    Op("reshape", "movement", 1, ("shape",), reshape, "the same elements in row-major order"),
    Op("transpose", "movement", 1, ("order",), transpose, "result axis i is axis order[i]"),
    Op("broadcast", "movement", 1, ("shape",), broadcast, "axes of size 1 stretched to shape"),
    Op("slice", "movement", 1, ("starts", "stops", "steps"), slice, "x[start:stop:step, ...]"),
    Op("pad", "movement", 1, ("low", "high"), pad, "x with zeros below and above"),
    Op("concatenate", "movement", None, ("axis",), concatenate, "one after another along axis"),
    Op("flip", "movement", 1, ("axes",), flip, "the order along axes reversed"),
    # selection
    Op("gather", "selection", 2, (), gather, "table[indices]: rows of the table's first axis"),
    Op("scatter_add", "selection", 2, ("size",), scatter_add, "zeros; out[indices] += updates"),
    Op("one_hot", "selection", 1, ("depth", "dtype"), one_hot, "1 at the index, 0 elsewhere"),
    # leaves
    Op("input", "leaf", 0, ("name", "shape", "dtype"), input, "a value given at run time"),
    Op("constant", "leaf", 0, ("value", "dtype"), constant, "one number"),
    Op("iota", "leaf", 0, ("shape", "axis", "dtype"), iota, "0, 1, 2 ... along axis"),
    Op("random_bits", "leaf", 2, ("shape", "stream"), random_bits,
       "Threefry-2x32 of (seed, stream; place, step), first word"),
)  # fmt: skip

OPS: Mapping[str, Op] = {row.name: row for row in _ROWS}


def elementwise(op: str) -> bool:
    """Whether the operation works element by element."""
    return OPS[op].family == "elementwise"
