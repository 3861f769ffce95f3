"""What each input and output of a compiled graph is for, and whether arrays fit it.

Machine code checks nothing, so everything it will read or write is checked here: which nodes, which
shapes and dtypes, contiguous, indices inside.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from clearprop.errors import EngineError, ShapeError
from clearprop.nodes.graph import Graph
from clearprop.nodes.node import Node
from clearprop.nodes.shapes import Rows, bind, has_rows, show, size

__all__ = [
    "Roles",
    "bytes_of",
    "check_call",
    "fits",
    "given",
    "must_be_writable",
    "rows_first",
    "rows_place",
]


@dataclass(frozen=True)
class Roles:
    """The roles of `compile_loop`; `external` outputs are written to arrays of the caller's."""

    graph: Graph
    carried: Mapping[Node, Node] = field(default_factory=dict)
    streamed: tuple[Node, ...] = ()
    counter: Node | None = None
    logged: tuple[Node, ...] = ()
    collected: tuple[Node, ...] = ()
    external: tuple[Node, ...] | None = None

    def __post_init__(self) -> None:
        self._belong()
        for old, new in self.carried.items():
            if (old.shape, old.dtype) != (new.shape, new.dtype) or has_rows(old.shape):
                raise ShapeError(
                    f"{old['name']} is {show(old.shape)} of {old.dtype}, its new value "
                    f"{show(new.shape)} of {new.dtype}"
                )
            if new.op == "input" and new is not old:
                raise EngineError(f"{old['name']} becomes the input {new['name']}: carry a copy")
        for node in self.logged:
            if size(node.shape) != 1:
                raise ShapeError(f"a logged output is one number, not {show(node.shape)}")
        for node in self.held:
            if has_rows(node.shape) and self.external is None:
                raise EngineError(f"the input {node['name']!r} has rows, so it must be streamed")

    def _belong(self) -> None:
        inputs, outputs = set(self.graph.inputs), set(self.graph.outputs)
        for node in (*self.carried, *self.staged):
            if node not in inputs:
                raise EngineError(f"{node!r} is not an input of the graph")
        for node in (*self.carried.values(), *self.logged, *self.collected):
            if node not in outputs:
                raise EngineError(f"{node!r} is not an output of the graph")

    @property
    def staged(self) -> tuple[Node, ...]:
        """Inputs whose values the entry itself puts in place each step."""
        return (*self.streamed, *([self.counter] if self.counter is not None else []))

    @property
    def held(self) -> tuple[Node, ...]:
        """Inputs whose arrays the caller gives."""
        return tuple(i for i in self.graph.inputs if i not in self.staged)


def bytes_of(node: Node, rows: int) -> int:
    """The size of a node's array at a number of rows."""
    return int(np.prod(bind(node.shape, rows), dtype=np.int64)) * np.dtype(node.dtype).itemsize


def rows_place(node: Node) -> int:
    """Which dimension depends on the number of rows; 0 where none does."""
    return next((i for i, d in enumerate(node.shape) if isinstance(d, Rows)), 0)


def rows_first(node: Node, array: np.ndarray) -> np.ndarray:
    """The array as it lies in the engine's memory: its rows outermost."""
    place = rows_place(node)
    return np.moveaxis(array, place, 0) if place and place < array.ndim else array


def fits(node: Node, array: np.ndarray, shape: Sequence[int]) -> None:
    """Hold an array to a shape, the node's dtype and the engine's memory layout."""
    right = array.shape == tuple(shape) and array.dtype == np.dtype(node.dtype)
    if not right or not rows_first(node, array).flags.c_contiguous:
        raise ShapeError(
            f"{dict(node.attrs).get('name', node.op)}: an array {array.shape} of {array.dtype} was "
            f"given, contiguous {show(node.shape)} of {node.dtype} is expected"
        )


def given(node: Node, values: Mapping[str, np.ndarray], rows: int) -> np.ndarray:
    """The array of a held input."""
    name = node["name"]
    if name not in values:
        raise EngineError(f"no value for the input {name!r}; given: {', '.join(values)}")
    fits(node, values[name], bind(node.shape, rows))
    return values[name]


def must_be_writable(name: str, array: np.ndarray) -> None:
    """Machine code would write all the same, and the process would be stopped."""
    if not array.flags.writeable:
        raise EngineError(f"{name}: the array is read-only and would be written to; give a copy")


def check_call(
    roles: Roles,
    data: Sequence[np.ndarray],
    collected: Sequence[np.ndarray],
    indices: np.ndarray | None,
    rows: int,
    last: int,
) -> None:
    """Hold a call's whole arrays to the rows it touches; `last` is the first one it does not."""
    if (len(data), len(collected)) != (len(roles.streamed), len(roles.collected)):
        raise EngineError(
            f"{len(roles.streamed)} arrays in and {len(roles.collected)} out are expected, "
            f"{len(data)} and {len(collected)} were given"
        )
    for node, array in zip((*roles.streamed, *roles.collected), (*data, *collected), strict=True):
        fits(node, array, (len(array) if array.ndim else 0, *bind(node.shape, 1)[1:]))
    if not 0 <= last <= rows:
        raise EngineError(f"the steps reach row {last} of {rows}")
    for array in collected:
        must_be_writable("collected", array)
    for array in (*([] if indices is not None else data), *collected):
        if len(array) < rows:
            raise ShapeError(f"an array has {len(array)} rows, {rows} are needed")
    if indices is not None:
        _check_indices(indices, rows, min((len(a) for a in data), default=0))


def _check_indices(indices: np.ndarray, rows: int, length: int) -> None:
    if indices.dtype != np.int64 or not indices.flags.c_contiguous or len(indices) < rows:
        raise EngineError(
            f"indices must be contiguous int64, one for each of {rows} rows; given were "
            f"{len(indices)} of {indices.dtype}"
        )
    if len(indices) and not 0 <= int(indices.min()) <= int(indices.max()) < length:
        raise EngineError(f"an index is outside the {length} rows of data")
