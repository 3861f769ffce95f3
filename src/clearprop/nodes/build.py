"""What code writes: operators and functions that build nodes; the only place that broadcasts.

Names follow NumPy where NumPy has one. Numbers become constants of the other operand's dtype.
"""

from collections.abc import Callable, Sequence
from typing import Any

from clearprop.errors import ShapeError, TypeMismatch
from clearprop.nodes.node import Node, node
from clearprop.nodes.ops import FLOATS
from clearprop.nodes.shapes import Dim, Rows, Shape, show, size

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

Operand = Node | float | int | bool
Axes = int | Sequence[int] | None


# --- leaves ------------------------------------------------------------------------------------


def input(name: str, shape: Sequence[Dim], dtype: str = "float32") -> Node:
    """A value given at run time, by name."""
    return node("input", name=name, shape=tuple(shape), dtype=dtype)


def constant(value: float, dtype: str = "float32") -> Node:
    """One number, rounded to its dtype."""
    if dtype == "float32":
        import struct

        try:
            value = struct.unpack("<f", struct.pack("<f", value))[0]
        except OverflowError:
            value = float("inf") if value > 0 else float("-inf")
    elif dtype == "float64":
        value = float(value)
    elif dtype == "bool":
        value = bool(value)
    else:
        value = int(value)
    if value != value:  # noqa: PLR0124 (NaN alone; isnan fails on huge whole numbers)
        value = float("nan")
    return node("constant", value=value, dtype=dtype)


def full(shape: Sequence[Dim], value: float, dtype: str = "float32") -> Node:
    """An array of one number."""
    return broadcast_to(constant(value, dtype), shape)


def zeros_like(x: Node) -> Node:
    """Zeros of x's shape and dtype."""
    return full(x.shape, 0, x.dtype)


def iota(shape: Sequence[Dim], axis: int = 0, dtype: str = "int32") -> Node:
    """0, 1, 2 ... along one axis."""
    return node("iota", shape=tuple(shape), axis=_axis(axis, len(shape)), dtype=dtype)


def random_bits(seed: Node, step: Node, shape: Sequence[Dim], stream: str) -> Node:
    """32 random bits an element, from seed, step, stream name and the element's place."""
    return node("random_bits", [seed, step], shape=tuple(shape), stream=stream)


def random_uniform(
    seed: Node, step: Node, shape: Sequence[Dim], stream: str, dtype: str = "float32"
) -> Node:
    """Uniform numbers in [0, 1]: the bits times 2 to the -32."""
    return cast(random_bits(seed, step, shape, stream), dtype) * 2.0**-32


# --- broadcasting ------------------------------------------------------------------------------


def broadcast_shapes(*shapes: Shape) -> Shape:
    """NumPy's rule: aligned at the right, a 1 stretches.

    >>> broadcast_shapes((4, 1), (3,))
    (4, 3)
    """
    out: list[Dim] = []
    for places in range(-_largest([len(s) for s in shapes]), 0):
        dims = {s[places] for s in shapes if len(s) >= -places} - {1}
        if len(dims) > 1:
            raise ShapeError(f"shapes {' and '.join(show(s) for s in shapes)} do not broadcast")
        out.append(dims.pop() if dims else 1)
    return tuple(out)


def _largest(values: Sequence[int]) -> int:
    return sorted(values)[-1]


def broadcast_to(x: Node, shape: Sequence[Dim]) -> Node:
    """x stretched to shape by NumPy's rule, as explicit reshape and broadcast nodes."""
    target = tuple(shape)
    if x.shape == target:
        return x
    if broadcast_shapes(x.shape, target) != target:
        raise ShapeError(f"{show(x.shape)} does not broadcast to {show(target)}")
    x = reshape(x, (1,) * (len(target) - len(x.shape)) + x.shape)
    return x if x.shape == target else node("broadcast", [x], shape=target)


def _lift(operands: Sequence[Operand]) -> list[Node]:
    """Numbers as constants, all of one shape; the dtype is the nodes'."""
    nodes = [o for o in operands if isinstance(o, Node)]
    if not nodes:
        raise TypeMismatch("at least one operand must be a node; use constant() for a number")
    dtype = nodes[0].dtype
    lifted = [o if isinstance(o, Node) else _number(o, dtype) for o in operands]
    shape = broadcast_shapes(*[x.shape for x in lifted])
    return [broadcast_to(x, shape) for x in lifted]


def _number(value: float, dtype: str) -> Node:
    if dtype not in FLOATS and dtype != "bool" and value != int(value):
        raise TypeMismatch(f"{value} with a node of {dtype}; use cast")
    return constant(value, dtype)


def _elementwise(op: str) -> Callable[..., Node]:
    def build(*operands: Operand) -> Node:
        return node(op, _lift(operands))

    build.__name__ = op
    build.__qualname__ = op
    build.__doc__ = f"Elementwise {op}; operands broadcast."
    return build


neg, abs, sign, floor = map(_elementwise, ("neg", "abs", "sign", "floor"))
exp, expm1, log, log1p = map(_elementwise, ("exp", "expm1", "log", "log1p"))
sqrt, sin, cos, tanh = map(_elementwise, ("sqrt", "sin", "cos", "tanh"))
sigmoid, softplus, erf = map(_elementwise, ("sigmoid", "softplus", "erf"))
logical_not, stop_gradient = map(_elementwise, ("logical_not", "stop_gradient"))
add, sub, mul, div = map(_elementwise, ("add", "sub", "mul", "div"))
power, less, less_equal = map(_elementwise, ("power", "less", "less_equal"))
equal, logical_and, logical_or = map(_elementwise, ("equal", "logical_and", "logical_or"))


def greater(a: Operand, b: Operand) -> Node:
    """a > b, written as b < a."""
    return less(b, a)


def greater_equal(a: Operand, b: Operand) -> Node:
    """a >= b, written as b <= a."""
    return less_equal(b, a)


def where(condition: Node, a: Operand, b: Operand) -> Node:
    """a where the condition holds, else b; all three broadcast."""
    a, b = _lift((a, b))
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
    a, b = _lift((a, b))
    return where(isnan(b), b, where(less(a, b), b, a))


def minimum(a: Operand, b: Operand) -> Node:
    """The smaller; of ties the first takes the derivative; NaN kept."""
    a, b = _lift((a, b))
    return where(isnan(b), b, where(less(b, a), b, a))


def clip(x: Node, low: Operand, high: Operand) -> Node:
    """x cut to [low, high] (which are not NaN); derivative 1 on the bounds; NaN kept."""
    low, high = _lift((x, low, high))[1:]
    return where(less(x, low), low, where(less(high, x), high, x))


def relu(x: Node) -> Node:
    """where(x > 0, x, 0 * x): derivative 0 at 0, NaN kept."""
    return where(greater(x, 0), x, x * 0)


# --- reductions --------------------------------------------------------------------------------


def _axis(axis: int, rank: int) -> int:
    if not -rank <= axis < rank:
        raise ShapeError(f"axis {axis} of an array with {rank} axes")
    return axis % rank


def _reduce(op: str, x: Node, axis: Axes, keepdims: bool) -> Node:
    rank = len(x.shape)
    given = range(rank) if axis is None else [axis] if isinstance(axis, int) else axis
    axes = tuple(sorted({_axis(a, rank) for a in given}))
    out = node(op, [x], axes=axes) if axes else x
    if keepdims:
        return reshape(out, tuple(1 if i in axes else d for i, d in enumerate(x.shape)))
    return out


def sum(x: Node, axis: Axes = None, keepdims: bool = False) -> Node:
    """The sum over axes (all of them by default)."""
    return _reduce("sum", x, axis, keepdims)


def max(x: Node, axis: Axes = None, keepdims: bool = False) -> Node:
    """The largest over axes; of tied ones the first takes the derivative."""
    return _reduce("max", x, axis, keepdims)


def min(x: Node, axis: Axes = None, keepdims: bool = False) -> Node:
    """The smallest over axes."""
    return -max(-x, axis, keepdims)


def mean(x: Node, axis: Axes = None, keepdims: bool = False) -> Node:
    """The sum over axes divided by their size (rows are counted when the graph runs)."""
    total = sum(x, axis, keepdims)
    rank = len(x.shape)
    given = range(rank) if axis is None else [axis] if isinstance(axis, int) else axis
    count = size([x.shape[_axis(a, rank)] for a in given])
    if isinstance(count, int):
        return total / count
    return total / sum(full((count,), 1, x.dtype))


def argmax(x: Node, axis: int = -1) -> Node:
    """The place of the first largest along an axis, int32."""
    return node("argmax", [x], axis=_axis(axis, len(x.shape)))


def logsumexp(x: Node, axis: Axes = -1, keepdims: bool = False) -> Node:
    """log of the sum of exp, shifted by the largest so that nothing overflows."""
    top = stop_gradient(max(x, axis, keepdims=True))
    out = log(sum(exp(x - top), axis, keepdims=True)) + top
    return out if keepdims else reshape(out, sum(x, axis).shape)


def softmax(x: Node, axis: int = -1) -> Node:
    """exp(x) / sum(exp(x)) along an axis, shifted by the largest."""
    shifted = exp(x - stop_gradient(max(x, axis, keepdims=True)))
    return shifted / sum(shifted, axis, keepdims=True)


def log_softmax(x: Node, axis: int = -1) -> Node:
    """log of softmax along an axis, without underflow."""
    shifted = x - stop_gradient(max(x, axis, keepdims=True))
    return shifted - log(sum(exp(shifted), axis, keepdims=True))


# --- products ----------------------------------------------------------------------------------


def matmul(a: Node, b: Node) -> Node:
    """NumPy's matmul: vectors are promoted, leading axes broadcast; one matrix is never copied."""
    if not a.shape or not b.shape:
        raise ShapeError(f"matmul takes no scalars, given were {show(a.shape)} and {show(b.shape)}")
    if len(b.shape) == 1:
        out = matmul(a, expand_dims(b, 1))
        return reshape(out, out.shape[:-1])
    if len(a.shape) == 1:
        out = matmul(expand_dims(a, 0), b)
        return reshape(out, out.shape[:-2] + out.shape[-1:])
    if len(b.shape) == 2 and len(a.shape) > 2:
        flat = reshape(a, (size(a.shape[:-1]), a.shape[-1]))
        return reshape(node("contract", [flat, b]), (*a.shape[:-1], b.shape[-1]))
    batch = broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a, b = (broadcast_to(x, batch + x.shape[-2:]) for x in (a, b))
    return node("contract", [a, b])


# --- movement ----------------------------------------------------------------------------------


def reshape(x: Node, shape: Sequence[Dim]) -> Node:
    """The same elements in row-major order; one dimension may be -1."""
    target = list(shape)
    if -1 in target:
        rest, whole = size([d for d in target if d != -1]), size(x.shape)
        target[target.index(-1)] = _divide(whole, rest, x.shape, target)
    return x if x.shape == tuple(target) else node("reshape", [x], shape=tuple(target))


def _divide(whole: Dim, rest: Dim, shape: Shape, target: list[Dim]) -> Dim:
    a = whole.times if isinstance(whole, Rows) else whole
    b = rest.times if isinstance(rest, Rows) else rest
    if (isinstance(rest, Rows) and not isinstance(whole, Rows)) or b == 0 or a % b:
        raise ShapeError(f"reshape: {show(shape)} does not fit {show(target)}")
    return Rows(a // b) if isinstance(whole, Rows) and not isinstance(rest, Rows) else a // b


def transpose(x: Node, order: Sequence[int] | None = None) -> Node:
    """The axes in another order, reversed by default."""
    rank = len(x.shape)
    given = tuple(reversed(range(rank))) if order is None else tuple(_axis(a, rank) for a in order)
    return x if given == tuple(range(rank)) else node("transpose", [x], order=given)


def swapaxes(x: Node, a: int, b: int) -> Node:
    """Two axes exchanged."""
    order = list(range(len(x.shape)))
    order[a], order[b] = order[b], order[a]
    return transpose(x, order)


def expand_dims(x: Node, axis: int) -> Node:
    """A new axis of size 1."""
    place = _axis(axis, len(x.shape) + 1)
    return reshape(x, (*x.shape[:place], 1, *x.shape[place:]))


def slice(x: Node, axis: int, start: int, stop: int, step: int = 1) -> Node:
    """x[start:stop:step] along one axis."""
    rank = len(x.shape)
    starts, stops, steps = [0] * rank, list(x.shape), [1] * rank
    place = _axis(axis, rank)
    starts[place], stops[place], steps[place] = start, stop, step
    if (start, stop, step) == (0, x.shape[place], 1):
        return x
    return node("slice", [x], starts=tuple(starts), stops=tuple(stops), steps=tuple(steps))


def split(x: Node, parts: int, axis: int = -1) -> list[Node]:
    """Equal parts along an axis."""
    place = _axis(axis, len(x.shape))
    whole = x.shape[place]
    if not isinstance(whole, int) or whole % parts:
        raise ShapeError(f"split: axis {axis} of {show(x.shape)} has no {parts} equal parts")
    width = whole // parts
    return [slice(x, place, i * width, (i + 1) * width) for i in range(parts)]


def pad(x: Node, low: Sequence[int], high: Sequence[int]) -> Node:
    """Zeros below and above, by axis."""
    if not any((*low, *high)):
        return x
    return node("pad", [x], low=tuple(low), high=tuple(high))


def concatenate(xs: Sequence[Node], axis: int = 0) -> Node:
    """One after another along an axis."""
    if len(xs) == 1:
        return xs[0]
    return node("concatenate", xs, axis=_axis(axis, len(xs[0].shape)) if xs else 0)


def stack(xs: Sequence[Node], axis: int = 0) -> Node:
    """Along a new axis."""
    return concatenate([expand_dims(x, axis) for x in xs], axis)


def flip(x: Node, axis: Axes = None) -> Node:
    """The order along axes reversed."""
    rank = len(x.shape)
    given = range(rank) if axis is None else [axis] if isinstance(axis, int) else axis
    axes = tuple(sorted({_axis(a, rank) for a in given}))
    return node("flip", [x], axes=axes) if axes else x


# --- selection ---------------------------------------------------------------------------------


def gather(table: Node, indices: Node) -> Node:
    """table[indices] along the first axis."""
    return node("gather", [table, indices])


def scatter_add(updates: Node, indices: Node, size: int) -> Node:
    """Zeros with the updates added at indices of the first axis, in index order."""
    return node("scatter_add", [updates, indices], size=size)


def take(x: Node, indices: Node, axis: int = 0) -> Node:
    """x at indices along an axis, as NumPy's take."""
    place = _axis(axis, len(x.shape))
    if place == 0:
        return gather(x, indices)
    front = (place, *(i for i in range(len(x.shape)) if i != place))
    taken = gather(transpose(x, front), indices)
    many = len(indices.shape)
    back = (*range(many, many + place), *range(many), *range(many + place, len(taken.shape)))
    return transpose(taken, back)


def one_hot(indices: Node, depth: int, dtype: str = "float32") -> Node:
    """1 at the index along a new last axis, 0 elsewhere."""
    return node("one_hot", [indices], depth=depth, dtype=dtype)


def _operators() -> dict[str, Callable[..., Any]]:
    binary = {"add": add, "sub": sub, "mul": mul, "truediv": div, "pow": power, "matmul": matmul}
    table: dict[str, Callable[..., Any]] = {}
    for name, function in binary.items():
        table[f"__{name}__"] = function
        table[f"__r{name}__"] = lambda self, other, f=function: f(other, self)
    table |= {"__neg__": neg, "__lt__": less, "__le__": less_equal}
    table |= {"__gt__": greater, "__ge__": greater_equal}
    return table


for _name, _function in _operators().items():
    setattr(Node, _name, _function)
