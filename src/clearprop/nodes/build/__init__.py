"""What code writes: operators and functions that build nodes; the only package that broadcasts.

Names follow NumPy where NumPy has one. Numbers become constants of the other operand's dtype.

leaves, movement; broadcasting over them; elementwise over it; then reductions, products, selection
and random; operators on top, which are put on Node when this package is imported.
"""

from clearprop.nodes.build.broadcasting import broadcast_shapes, broadcast_to, full, zeros_like
from clearprop.nodes.build.elementwise import (
    abs,
    add,
    cast,
    clip,
    cos,
    div,
    equal,
    erf,
    exp,
    expm1,
    floor,
    greater,
    greater_equal,
    isnan,
    less,
    less_equal,
    log,
    log1p,
    logical_and,
    logical_not,
    logical_or,
    maximum,
    minimum,
    mul,
    neg,
    power,
    relu,
    sigmoid,
    sign,
    sin,
    softplus,
    sqrt,
    square,
    stop_gradient,
    sub,
    tanh,
    where,
)
from clearprop.nodes.build.leaves import constant, input, iota
from clearprop.nodes.build.movement import (
    concatenate,
    expand_dims,
    flip,
    pad,
    reshape,
    slice,
    split,
    stack,
    swapaxes,
    transpose,
)
from clearprop.nodes.build.operators import put_operators
from clearprop.nodes.build.products import matmul
from clearprop.nodes.build.random import random_bits, random_uniform
from clearprop.nodes.build.reductions import (
    argmax,
    log_softmax,
    logsumexp,
    max,
    mean,
    min,
    softmax,
    sum,
)
from clearprop.nodes.build.selection import gather, one_hot, scatter_add, take

__all__ = [
    "abs", "add", "argmax", "broadcast_shapes", "broadcast_to", "cast", "clip", "concatenate",
    "constant", "cos", "div", "equal", "erf", "exp", "expand_dims", "expm1", "flip", "floor",
    "full", "gather", "greater", "greater_equal", "input", "iota", "isnan", "less", "less_equal",
    "log", "log1p", "log_softmax", "logical_and", "logical_not", "logical_or", "logsumexp",
    "matmul", "max", "maximum", "mean", "min", "minimum", "mul", "neg", "one_hot", "pad", "power",
    "random_bits", "random_uniform", "relu", "reshape", "scatter_add", "sigmoid", "sign", "sin",
    "slice", "softmax", "softplus", "split", "sqrt", "square", "stack", "stop_gradient", "sub",
    "sum", "swapaxes", "take", "tanh", "transpose", "where", "zeros_like",
]  # fmt: skip

put_operators()
