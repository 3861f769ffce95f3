"""The closed vocabulary: one row an operation, with its arity, attributes, shape rule and meaning.

Everything clearprop computes is written in these operations. Nothing here broadcasts: arguments of
an elementwise operation have one shape (see `build.broadcast_to`). Reductions drop their axes.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from clearprop.errors import GraphError, ShapeError, TypeMismatch
from clearprop.nodes.shapes import Rows, Shape, show, size

__all__ = ["DTYPES", "FLOATS", "INTEGERS", "OPS", "Op", "elementwise"]

FLOATS = ("float32", "float64")
INTEGERS = ("int32", "int64", "uint32")
DTYPES = (*FLOATS, *INTEGERS, "bool")


class Value(Protocol):
    """What a shape rule sees of an argument."""

    @property
    def shape(self) -> Shape: ...
    @property
    def dtype(self) -> str: ...


Attrs = Mapping[str, Any]
Typed = tuple[Shape, str]
Rule = Callable[[Sequence[Value], Attrs], Typed]


@dataclass(frozen=True)
class Op:
    """One operation: its family, how many arguments (None: any), attributes, rule, meaning."""

    name: str
    family: str
    arity: int | None
    attrs: tuple[str, ...]
    rule: Rule
    meaning: str


def _same(args: Sequence[Value], what: str = "arguments") -> Typed:
    first = args[0]
    for other in args[1:]:
        if other.shape != first.shape:
            raise ShapeError(
                f"{what} must have one shape, given were {show(first.shape)} and "
                f"{show(other.shape)}; use broadcast_to"
            )
        if other.dtype != first.dtype:
            raise TypeMismatch(
                f"{what} must have one dtype, given were {first.dtype} and {other.dtype}; use cast"
            )
    return first.shape, first.dtype


def _need(dtype: str, allowed: Sequence[str], name: str) -> None:
    if dtype not in allowed:
        raise TypeMismatch(f"{name} takes {' or '.join(allowed)}, given was {dtype}; use cast")


def _float(name: str) -> Rule:
    def rule(args: Sequence[Value], attrs: Attrs) -> Typed:
        shape, dtype = _same(args)
        _need(dtype, FLOATS, name)
        return shape, dtype

    return rule


def _number(name: str) -> Rule:
    def rule(args: Sequence[Value], attrs: Attrs) -> Typed:
        shape, dtype = _same(args)
        _need(dtype, (*FLOATS, *INTEGERS), name)
        return shape, dtype

    return rule


def _compare(args: Sequence[Value], attrs: Attrs) -> Typed:
    return _same(args)[0], "bool"


def _logical(args: Sequence[Value], attrs: Attrs) -> Typed:
    shape, dtype = _same(args)
    _need(dtype, ("bool",), "a logical operation")
    return shape, dtype


def _where(args: Sequence[Value], attrs: Attrs) -> Typed:
    condition, a, b = args
    _need(condition.dtype, ("bool",), "where's condition")
    shape, dtype = _same((a, b), "where's branches")
    if condition.shape != shape:
        raise ShapeError(f"where: condition {show(condition.shape)}, branches {show(shape)}")
    return shape, dtype


def _cast(args: Sequence[Value], attrs: Attrs) -> Typed:
    _need(attrs["dtype"], DTYPES, "cast")
    return args[0].shape, attrs["dtype"]


def _keep(args: Sequence[Value], attrs: Attrs) -> Typed:
    return args[0].shape, args[0].dtype


def _axes(shape: Shape, axes: Sequence[int], name: str) -> None:
    if list(axes) != sorted(set(axes)) or any(not 0 <= a < len(shape) for a in axes):
        raise ShapeError(f"{name}: axes {tuple(axes)} of {show(shape)} must be sorted and inside")


def _reduce(name: str) -> Rule:
    def rule(args: Sequence[Value], attrs: Attrs) -> Typed:
        (x,), axes = args, attrs["axes"]
        _axes(x.shape, axes, name)
        _need(x.dtype, (*FLOATS, *INTEGERS), name)
        if name == "max" and any(x.shape[a] == 0 for a in axes):
            raise ShapeError(f"max over an empty axis of {show(x.shape)} has no value")
        return tuple(d for i, d in enumerate(x.shape) if i not in axes), x.dtype

    return rule


def _argmax(args: Sequence[Value], attrs: Attrs) -> Typed:
    (x,), axis = args, attrs["axis"]
    _axes(x.shape, (axis,), "argmax")
    if x.shape[axis] == 0:
        raise ShapeError(f"argmax over an empty axis of {show(x.shape)} has no value")
    return x.shape[:axis] + x.shape[axis + 1 :], "int32"


def _contract(args: Sequence[Value], attrs: Attrs) -> Typed:
    a, b = args
    if len(a.shape) != len(b.shape) or len(a.shape) < 2 or a.shape[:-2] != b.shape[:-2]:
        raise ShapeError(f"contract: {show(a.shape)} and {show(b.shape)} need equal batch axes")
    if a.shape[-1] != b.shape[-2]:
        raise ShapeError(
            f"contract: {show(a.shape)} @ {show(b.shape)}: inner sizes {a.shape[-1]} and "
            f"{b.shape[-2]} differ"
        )
    if a.dtype != b.dtype:
        raise TypeMismatch(f"contract: {a.dtype} and {b.dtype}; use cast")
    _need(a.dtype, FLOATS, "contract")
    return (*a.shape[:-1], b.shape[-1]), a.dtype


def _reshape(args: Sequence[Value], attrs: Attrs) -> Typed:
    (x,), shape = args, attrs["shape"]
    if size(x.shape) != size(shape):
        raise ShapeError(
            f"reshape: {show(x.shape)} has {size(x.shape)} elements, "
            f"{show(shape)} has {size(shape)}"
        )
    return shape, x.dtype


def _transpose(args: Sequence[Value], attrs: Attrs) -> Typed:
    (x,), order = args, attrs["order"]
    if sorted(order) != list(range(len(x.shape))):
        raise ShapeError(f"transpose: order {order} is no permutation of {show(x.shape)}'s axes")
    return tuple(x.shape[a] for a in order), x.dtype


def _broadcast(args: Sequence[Value], attrs: Attrs) -> Typed:
    (x,), shape = args, attrs["shape"]
    pairs = zip(x.shape, shape, strict=False)
    if len(x.shape) != len(shape) or any(a not in (1, b) for a, b in pairs):
        raise ShapeError(f"broadcast: {show(x.shape)} does not stretch to {show(shape)}")
    return shape, x.dtype


def _slice(args: Sequence[Value], attrs: Attrs) -> Typed:
    (x,), starts, stops, steps = args, attrs["starts"], attrs["stops"], attrs["steps"]
    if not len(x.shape) == len(starts) == len(stops) == len(steps):
        raise ShapeError(f"slice: one start, stop and step an axis of {show(x.shape)}")
    out: list[Any] = []
    for dim, start, stop, step in zip(x.shape, starts, stops, steps, strict=True):
        if isinstance(dim, Rows):
            if (start, stop, step) != (0, dim, 1):
                raise ShapeError(f"slice: rows of {show(x.shape)} cannot be cut")
            out.append(dim)
        elif not (0 <= start <= stop <= dim and step >= 1):
            raise ShapeError(f"slice: {start}:{stop}:{step} is not inside {dim}")
        else:
            out.append(-((start - stop) // step))
    return tuple(out), x.dtype


def _pad(args: Sequence[Value], attrs: Attrs) -> Typed:
    (x,), low, high = args, attrs["low"], attrs["high"]
    if not len(x.shape) == len(low) == len(high) or min((*low, *high), default=0) < 0:
        raise ShapeError(f"pad: one low and high, not negative, an axis of {show(x.shape)}")
    out: list[Any] = []
    for dim, below, above in zip(x.shape, low, high, strict=True):
        if isinstance(dim, Rows):
            if below or above:
                raise ShapeError(f"pad: rows of {show(x.shape)} cannot be padded")
            out.append(dim)
        else:
            out.append(dim + below + above)
    return tuple(out), x.dtype


def _concatenate(args: Sequence[Value], attrs: Attrs) -> Typed:
    axis = attrs["axis"]
    if not args:
        raise ShapeError("concatenate needs at least one argument")
    first = args[0]
    _axes(first.shape, (axis,), "concatenate")
    total = 0
    for x in args:
        dim = x.shape[axis] if len(x.shape) == len(first.shape) else None
        rest = (*x.shape[:axis], *x.shape[axis + 1 :])
        if not isinstance(dim, int) or rest != (*first.shape[:axis], *first.shape[axis + 1 :]):
            raise ShapeError(
                f"concatenate along {axis}: {show(first.shape)} and {show(x.shape)} do not fit"
            )
        if x.dtype != first.dtype:
            raise TypeMismatch(f"concatenate: {first.dtype} and {x.dtype}; use cast")
        total += dim
    return (*first.shape[:axis], total, *first.shape[axis + 1 :]), first.dtype


def _flip(args: Sequence[Value], attrs: Attrs) -> Typed:
    (x,) = args
    _axes(x.shape, attrs["axes"], "flip")
    if any(isinstance(x.shape[a], Rows) for a in attrs["axes"]):
        raise ShapeError(f"flip: rows of {show(x.shape)} cannot be turned round")
    return x.shape, x.dtype


def _gather(args: Sequence[Value], attrs: Attrs) -> Typed:
    table, indices = args
    _need(indices.dtype, ("int32", "int64"), "gather's indices")
    if not table.shape:
        raise ShapeError("gather: the table needs at least one axis")
    return (*indices.shape, *table.shape[1:]), table.dtype


def _scatter_add(args: Sequence[Value], attrs: Attrs) -> Typed:
    updates, indices = args
    _need(indices.dtype, ("int32", "int64"), "scatter_add's indices")
    if updates.shape[: len(indices.shape)] != indices.shape:
        raise ShapeError(
            f"scatter_add: updates {show(updates.shape)} must begin with the shape of the "
            f"indices {show(indices.shape)}"
        )
    return (attrs["size"], *updates.shape[len(indices.shape) :]), updates.dtype


def _one_hot(args: Sequence[Value], attrs: Attrs) -> Typed:
    (indices,) = args
    _need(indices.dtype, ("int32", "int64"), "one_hot")
    return (*indices.shape, attrs["depth"]), attrs["dtype"]


def _given(args: Sequence[Value], attrs: Attrs) -> Typed:
    _need(attrs["dtype"], DTYPES, "input")
    return attrs["shape"], attrs["dtype"]


def _constant(args: Sequence[Value], attrs: Attrs) -> Typed:
    _need(attrs["dtype"], DTYPES, "constant")
    if not isinstance(attrs["value"], (bool, int, float)):
        raise GraphError(f"a constant is a scalar; {attrs['value']!r} must be an input")
    return (), attrs["dtype"]


def _iota(args: Sequence[Value], attrs: Attrs) -> Typed:
    _axes(attrs["shape"], (attrs["axis"],), "iota")
    return attrs["shape"], attrs["dtype"]


def _random_bits(args: Sequence[Value], attrs: Attrs) -> Typed:
    for name, x in zip(("seed", "step"), args, strict=True):
        if x.shape != () or x.dtype != "uint32":
            raise TypeMismatch(f"random_bits: {name} must be a uint32 scalar, is {x!r}")
    return attrs["shape"], "uint32"


_ROWS: tuple[Op, ...] = (
    # elementwise, one argument
    Op("neg", "elementwise", 1, (), _number("neg"), "-x"),
    Op("abs", "elementwise", 1, (), _number("abs"), "|x|; derivative 0 at 0"),
    Op("sign", "elementwise", 1, (), _float("sign"), "-1, 0 or 1; NaN kept; derivative 0"),
    Op("floor", "elementwise", 1, (), _float("floor"), "largest whole number <= x; derivative 0"),
    Op("exp", "elementwise", 1, (), _float("exp"), "e to the x"),
    Op("expm1", "elementwise", 1, (), _float("expm1"), "e to the x, minus 1"),
    Op("log", "elementwise", 1, (), _float("log"), "natural logarithm of x"),
    Op("log1p", "elementwise", 1, (), _float("log1p"), "natural logarithm of 1 + x"),
    Op("sqrt", "elementwise", 1, (), _float("sqrt"), "square root of x"),
    Op("sin", "elementwise", 1, (), _float("sin"), "sine of x in radians"),
    Op("cos", "elementwise", 1, (), _float("cos"), "cosine of x in radians"),
    Op("tanh", "elementwise", 1, (), _float("tanh"), "hyperbolic tangent of x"),
    Op("sigmoid", "elementwise", 1, (), _float("sigmoid"), "1 / (1 + exp(-x))"),
    Op("softplus", "elementwise", 1, (), _float("softplus"), "log(1 + exp(x)), no overflow"),
    Op("erf", "elementwise", 1, (), _float("erf"), "Gauss error function of x"),
    Op("logical_not", "elementwise", 1, (), _logical, "not x"),
    Op("cast", "elementwise", 1, ("dtype",), _cast, "x in another dtype; floats cut toward 0"),
    Op("stop_gradient", "elementwise", 1, (), _keep, "x, as a constant to differentiation"),
    # elementwise, two or three arguments
    Op("add", "elementwise", 2, (), _number("add"), "a + b"),
    Op("sub", "elementwise", 2, (), _number("sub"), "a - b"),
    Op("mul", "elementwise", 2, (), _number("mul"), "a * b"),
    Op("div", "elementwise", 2, (), _float("div"), "a / b"),
    Op("power", "elementwise", 2, (), _float("power"), "a to the b"),
    Op("less", "elementwise", 2, (), _compare, "a < b; false with NaN"),
    Op("less_equal", "elementwise", 2, (), _compare, "a <= b; false with NaN"),
    Op("equal", "elementwise", 2, (), _compare, "a == b; false with NaN"),
    Op("logical_and", "elementwise", 2, (), _logical, "a and b"),
    Op("logical_or", "elementwise", 2, (), _logical, "a or b"),
    Op("where", "elementwise", 3, (), _where, "a where the condition holds, else b"),
    # reductions: the axes, sorted, are dropped
    Op("sum", "reduce", 1, ("axes",), _reduce("sum"), "sum over axes"),
    Op("max", "reduce", 1, ("axes",), _reduce("max"), "largest over axes; NaN kept"),
    Op("argmax", "reduce", 1, ("axis",), _argmax, "place of the first largest; int32"),
    # products
    Op("contract", "contract", 2, (), _contract, "a[..., i, p] b[..., p, j] summed over p"),
    # movement
    Op("reshape", "movement", 1, ("shape",), _reshape, "the same elements in row-major order"),
    Op("transpose", "movement", 1, ("order",), _transpose, "result axis i is axis order[i]"),
    Op("broadcast", "movement", 1, ("shape",), _broadcast, "axes of size 1 stretched to shape"),
    Op("slice", "movement", 1, ("starts", "stops", "steps"), _slice, "x[start:stop:step, ...]"),
    Op("pad", "movement", 1, ("low", "high"), _pad, "x with zeros below and above"),
    Op("concatenate", "movement", None, ("axis",), _concatenate, "one after another along axis"),
    Op("flip", "movement", 1, ("axes",), _flip, "the order along axes reversed"),
    # selection
    Op("gather", "selection", 2, (), _gather, "table[indices]: rows of the table's first axis"),
    Op("scatter_add", "selection", 2, ("size",), _scatter_add, "zeros; out[indices] += updates"),
    Op("one_hot", "selection", 1, ("depth", "dtype"), _one_hot, "1 at the index, 0 elsewhere"),
    # leaves
    Op("input", "leaf", 0, ("name", "shape", "dtype"), _given, "a value given at run time"),
    Op("constant", "leaf", 0, ("value", "dtype"), _constant, "one number"),
    Op("iota", "leaf", 0, ("shape", "axis", "dtype"), _iota, "0, 1, 2 ... along axis"),
    Op("random_bits", "leaf", 2, ("shape", "stream"), _random_bits,
       "Threefry-2x32 of (seed, stream; place, step), first word"),
)  # fmt: skip

OPS: Mapping[str, Op] = {row.name: row for row in _ROWS}


def elementwise(op: str) -> bool:
    """Whether the operation works element by element."""
    return OPS[op].family == "elementwise"
