"""The reference: what each operation means, in plain NumPy; the judge of all other readings.

`MEANING` has one function an operation, called with the arguments' arrays and then the
node's attributes in the order of `ops.py`. It is written to be right and readable, never fast.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clearprop.errors import ArgumentError, ShapeError, TypeMismatch
from clearprop.nodes.graph import Graph
from clearprop.nodes.node import Node
from clearprop.nodes.random import stream_key
from clearprop.nodes.shapes import Rows, bind, has_rows, show
from clearprop.readings.arrays import bind_rows
from clearprop.readings.threefry import threefry

__all__ = ["MEANING", "evaluate", "evaluate_all"]

Array = NDArray[Any]


def _sigmoid(x: Array) -> Array:
    small = np.exp(-np.abs(x))  # at most 1, so that nothing overflows
    return np.where(x >= 0, 1 / (1 + small), small / (1 + small))


def _softplus(x: Array) -> Array:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _erf(x: Array) -> Array:
    return np.array([math.erf(v) for v in x.ravel()], x.dtype).reshape(x.shape)


def _cast(x: Array, dtype: str) -> Array:
    if x.dtype.kind != "f" or np.dtype(dtype).kind not in "iu":
        return x.astype(dtype)
    ends = np.iinfo(dtype)  # what C leaves undefined is the nearest whole number, and 0 for NaN
    inside = (x > float(ends.min) - 1) & (x < float(ends.max) + 1)
    cut = np.where(inside, x, 0).astype(dtype)
    return np.where(
        x >= float(ends.max) + 1, ends.max, np.where(x <= ends.min, ends.min, cut)
    ).astype(dtype)


def _sum(x: Array, axes: tuple[int, ...]) -> Array:
    return np.asarray(np.sum(x, axis=axes, dtype=x.dtype))


def _argmax(x: Array, axis: int) -> Array:
    return np.asarray(np.argmax(x, axis)).astype(np.int32)


def _slice(
    x: Array, starts: tuple[int, ...], stops: tuple[int, ...], steps: tuple[int, ...]
) -> Array:
    return x[tuple(slice(*cut) for cut in zip(starts, stops, steps, strict=True))]


def _pad(x: Array, low: tuple[int, ...], high: tuple[int, ...]) -> Array:
    return np.pad(x, tuple(zip(low, high, strict=True))) if low else x


def _scatter_add(updates: Array, indices: Array, size: int) -> Array:
    out = np.zeros((size, *updates.shape[indices.ndim :]), updates.dtype)
    np.add.at(out, indices, updates)
    return out


def _one_hot(indices: Array, depth: int, dtype: str) -> Array:
    hit: Array = indices[..., None] == np.arange(depth)
    return hit.astype(dtype)


def _iota(shape: tuple[int, ...], axis: int, dtype: str) -> Array:
    along = np.arange(shape[axis]).astype(dtype)
    return np.broadcast_to(
        np.expand_dims(along, [i for i in range(len(shape)) if i != axis]), shape
    )


def _random_bits(seed: Array, step: Array, shape: tuple[int, ...], stream: str) -> Array:
    place = np.arange(math.prod(shape), dtype=np.uint64).astype(np.uint32)
    key = (int(seed), stream_key(stream))
    return threefry(key, (place, np.full_like(place, step)))[0].reshape(shape)


MEANING: Mapping[str, Callable[..., Any]] = {
    # elementwise, one argument
    "neg": np.negative,
    "abs": np.abs,
    "sign": np.sign,
    "floor": np.floor,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "sin": np.sin,
    "cos": np.cos,
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "softplus": _softplus,
    "erf": _erf,
    "logical_not": np.logical_not,
    "cast": _cast,
    "stop_gradient": lambda x: x,
    # elementwise, two or three arguments
    "add": np.add,
    "sub": np.subtract,
    "mul": np.multiply,
    "div": np.divide,
    "power": np.power,
    "less": np.less,
    "less_equal": np.less_equal,
    "equal": np.equal,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "where": np.where,
    # reductions
    "sum": _sum,
    "max": np.max,
    "argmax": _argmax,
    # products
    "contract": np.matmul,
    # movement
    "reshape": np.reshape,
    "transpose": np.transpose,
    "broadcast": np.broadcast_to,
    "slice": _slice,
    "pad": _pad,
    "concatenate": lambda *xs: np.concatenate(xs[:-1], axis=xs[-1]),
    "flip": np.flip,
    # selection
    "gather": lambda table, indices: table[indices],
    "scatter_add": _scatter_add,
    "one_hot": _one_hot,
    # leaves; the value of an input is given
    "constant": np.asarray,
    "iota": _iota,
    "random_bits": _random_bits,
}


def _bound(value: Any, rows: int | None) -> Any:
    """An attribute with the number of rows put in."""
    if isinstance(value, Rows):
        return _bound((value,), rows)[0]
    if isinstance(value, tuple) and has_rows(value):
        if rows is None:
            raise ShapeError(
                f"{show(value)} depends on the number of rows, which no input of the graph tells"
            )
        return bind(value, rows)
    return value


def _given(graph: Graph, values: Mapping[str, Any]) -> dict[Node, Array]:
    """The inputs' arrays, each with the dtype and the number of axes of its input."""
    out: dict[Node, Array] = {}
    for here in graph.inputs:
        name = here["name"]
        if name not in values:
            known = ", ".join(map(repr, values)) or "nothing"
            raise ArgumentError(f"no value was given for input {name!r}; given was {known}")
        value = values[name]
        if isinstance(value, bool | int | float) and not isinstance(value, np.generic):
            value = np.asarray(value, here.dtype)  # a Python number takes the input's dtype
        array = np.asarray(value)
        if array.dtype != here.dtype:
            raise TypeMismatch(
                f"input {name!r} takes {here.dtype}, given was {array.dtype}; use astype"
            )
        out[here] = array
    return out


def evaluate_all(graph: Graph, values: Mapping[str, Any]) -> dict[Node, Array]:
    """The value of every node, arguments first (so the first NaN found is where it arose)."""
    out = _given(graph, values)
    rows = bind_rows(out)
    with np.errstate(all="ignore"):  # infinity and NaN are values like others
        for here in graph.order():
            if here.op != "input":
                attributes = [_bound(value, rows) for _, value in here.attrs]
                arguments = [out[a] for a in here.args]
                out[here] = np.asarray(MEANING[here.op](*arguments, *attributes))
    return out


def evaluate(graph: Graph, values: Mapping[str, Any]) -> list[Array]:
    """The outputs' values, as new arrays of exactly the nodes' dtypes and shapes.

    `values` are arrays by input name (Python numbers take the input's dtype); their shapes tell the
    number of rows. Raises ArgumentError for a missing value, ShapeError and TypeMismatch for one
    that does not fit.

    >>> from clearprop.nodes.build import input, sum
    >>> x = input("x", (3,))
    >>> evaluate(Graph((x,), (sum(x * x),)), {"x": np.array([1, 2, 3], np.float32)})
    [array(14., dtype=float32)]
    """
    known = evaluate_all(graph, values)
    return [np.array(known[here], order="C") for here in graph.outputs]
