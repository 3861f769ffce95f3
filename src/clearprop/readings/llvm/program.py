"""Programs: a graph compiled into one entry, with its memory; functions and loops over steps."""

import ctypes
import threading
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from clearprop.errors import EngineError, ShapeError
from clearprop.nodes.graph import Graph
from clearprop.nodes.node import Node
from clearprop.nodes.shapes import bind, has_rows, show, size
from clearprop.readings.llvm.affine import natural
from clearprop.readings.llvm.code import Code, compile_object, load
from clearprop.readings.llvm.entry import FIELDS, Layout, module_text
from clearprop.readings.llvm.ir import SCALARS
from clearprop.readings.llvm.kernel import KernelCode, write_kernel
from clearprop.readings.llvm.memory import Arena, Life, lives
from clearprop.readings.llvm.plan import Plan, plan
from clearprop.readings.llvm.target import Target, host
from clearprop.readings.llvm.writer import Argument

__all__ = ["Loop", "compile_function", "compile_loop", "loop_text"]


def _bytes(node: Node, rows: int) -> int:
    return int(np.prod(bind(node.shape, rows), dtype=np.int64)) * np.dtype(node.dtype).itemsize


class Loop:
    """A compiled loop over steps; see `compile_loop`. One call at a time: it owns its memory."""

    def __init__(
        self,
        graph: Graph,
        carried: Mapping[Node, Node],
        streamed: Sequence[Node],
        counter: Node | None,
        logged: Sequence[Node],
        collected: Sequence[Node],
        target: Target,
        external: Sequence[Node] = (),
    ) -> None:
        _check(graph, carried, streamed, counter, logged, collected)
        self.graph, self.target = graph, target
        self.carried, self.streamed = dict(carried), tuple(streamed)
        self.external = frozenset(external)
        self.counter, self.logged, self.collected = counter, tuple(logged), tuple(collected)
        self.plan: Plan = plan(graph)
        known = self.plan.stored | set(graph.inputs)
        self.codes: list[KernelCode] = [
            write_kernel(k, known, target) for k in self.plan.kernels
        ]
        self.in_place = {new: old for old, new in self.carried.items() if self._in_place(old, new)}
        self.copied = [(old, new) for old, new in self.carried.items()
                       if self.in_place.get(new) is not old and old is not new]  # fmt: skip
        self.layout = Layout(
            tuple(_bytes(s, 1) for s in self.streamed),
            tuple(_bytes(c, 1) for c in self.collected),
            tuple(_bytes(old, 1) for old, _ in self.copied),
            tuple(SCALARS[n.dtype] for n in self.logged),
        )
        self.text = module_text(self.codes, target, self.layout)
        self._code: Code | None = None
        self._lock = threading.Lock()
        self._arena: tuple[int, Arena] | None = None

    def code(self) -> Code:
        """The machine code, compiled at the first call."""
        if self._code is None:
            self._code = load(compile_object(self.text, self.target), self.target)
        return self._code

    # --- planning ------------------------------------------------------------------------------

    def _in_place(self, old: Node, new: Node) -> bool:
        """Whether the new value may be written over the old one: nobody reads the old one later."""
        plan = self.plan
        if new not in plan.maker or sum(n is new for n in self.carried.values()) > 1:
            return False
        if old in (*self.logged, *self.collected) or new.op in ("pad", "concatenate", "scatter_add"):
            return False
        if new in (*self.collected, *self.logged):
            return False
        made = plan.maker[new]
        kernel = plan.kernels[made]
        for node, found in plan.reads.items():
            at = plan.maker[node]
            for access in found:
                if access.node is not old or at < made:
                    continue
                if at > made or node is kernel.product or kernel.form == "whole":
                    return False
                same_nest = plan.nest_of[node] == plan.nest_of[new]
                flat = kernel.form == "flat" or access.place == natural(new.shape)
                if not (same_nest and flat) or new.op in ("sum", "max", "argmax"):
                    return False
        return new.op not in ("sum", "max", "argmax") or not any(
            access.node is old and plan.maker[n] == made
            for n, found in plan.reads.items() for access in found
        )  # fmt: skip

    # --- memory --------------------------------------------------------------------------------

    def arena(self, rows: int) -> Arena:
        """Workspace for minibatches of this many rows; kept for the next call."""
        if self._arena is None or self._arena[0] != rows:
            self._arena = (rows, self._make_arena(rows))
        return self._arena[1]

    def _make_arena(self, rows: int) -> Arena:
        end = len(self.codes)
        kept = {*self.logged, *self.collected, *(new for _, new in self.copied)}
        life = {a: s for a, s in lives(self.plan, kept).items() if a.node not in self.in_place and a.node not in self.external}
        sizes = {a: _bytes(a.node, rows) for a in life}
        for place, code in enumerate(self.codes):
            for node, count in code.slots:
                whole = bind((count,), rows)[0] * code.blocks(rows)
                argument = Argument(node, slots=True)
                sizes[argument] = whole * np.dtype(node.dtype).itemsize
                life[argument] = Life(place, place)
        staged = [*self.streamed, *([self.counter] if self.counter is not None else [])]
        for node in staged:
            sizes[Argument(node)] = _bytes(node, rows)
            life[Argument(node)] = Life(0, end)
        return Arena(sizes, life)

    def _table(self, arena: Arena, addresses: Mapping[Node, int]) -> np.ndarray:
        """Each kernel's pointers, one after another."""
        def where(argument: Argument) -> int:
            node = argument.node
            if not argument.slots and node in self.in_place:
                node = self.in_place[node]
            if not argument.slots and node in addresses:
                return addresses[node]
            return arena.addresses[Argument(node, argument.slots)]

        flat = [where(a) for code in self.codes
                for part in (code, code.finish) if part is not None for a in part.arguments]  # fmt: skip
        return np.array(flat or [0], np.int64)

    # --- running -------------------------------------------------------------------------------

    def run(
        self,
        values: Mapping[str, np.ndarray],
        data: Sequence[np.ndarray] = (),
        *,
        rows: int = 0,
        batch: int = 1,
        indices: np.ndarray | None = None,
        first_step: int = 0,
        start: int = 0,
        steps: int = 1,
        log: np.ndarray | None = None,
        collected: Sequence[np.ndarray] = (),
        stop_on_nonfinite: bool = False,
        results: Mapping[Node, np.ndarray] | None = None,
    ) -> int:
        """Run steps; carried arrays in `values` are updated in place. Gives the steps done."""
        with self._lock:
            held = [i for i in self.graph.inputs
                    if i not in self.streamed and i is not self.counter]  # fmt: skip
            arrays = {i: _given(i, values) for i in held}
            code, arena = self.code(), self.arena(min(batch, rows) if self.streamed else 0)
            addresses = {i: a.ctypes.data for i, a in arrays.items()}
            addresses |= {n: a.ctypes.data for n, a in (results or {}).items()}
            for node in (*self.streamed, *([self.counter] if self.counter is not None else [])):
                addresses[node] = arena.addresses[Argument(node)]
            table = self._table(arena, addresses)
            log = np.zeros((max(steps, 1), max(len(self.logged), 1))) if log is None else log
            self._check_run(data, rows, indices, start, steps, batch, log, collected)
            fields = self._fields(
                table, addresses, arena, data, collected,
                {"total": rows, "batch": batch, "first": first_step, "start": start,
                 "steps": steps, "stop": int(stop_on_nonfinite), "log": log.ctypes.data,
                 "indices": 0 if indices is None else indices.ctypes.data},
            )  # fmt: skip
            return code.entry(fields.ctypes.data)

    def _fields(
        self,
        table: np.ndarray,
        addresses: Mapping[Node, int],
        arena: Arena,
        data: Sequence[np.ndarray],
        collected: Sequence[np.ndarray],
        numbers: Mapping[str, int],
    ) -> np.ndarray:
        spare = arena.addresses.get(Argument(self.counter)) if self.counter is not None else None
        self._spare = np.zeros(1, np.uint32)
        named = {**numbers, "table": table.ctypes.data,
                 "counter": self._spare.ctypes.data if spare is None else spare}  # fmt: skip

        def at(node: Node) -> int:
            if node in addresses:
                return addresses[node]
            if node in self.in_place:
                return addresses[self.in_place[node]]
            return arena.addresses[Argument(node)]

        out = [named[name] for name in FIELDS]
        for node, array in zip(self.streamed, data, strict=True):
            out += [array.ctypes.data, addresses[node]]
        for node, array in zip(self.collected, collected, strict=True):
            out += [at(node), array.ctypes.data]
        for old, new in self.copied:
            out += [at(new), addresses[old]]
        out += [at(node) for node in self.logged]
        return np.array(out, np.int64)

    def _check_run(
        self, data: Sequence[np.ndarray], rows: int, indices: np.ndarray | None, start: int,
        steps: int, batch: int, log: np.ndarray, collected: Sequence[np.ndarray],
    ) -> None:  # fmt: skip
        """What machine code will not check: every array has the size and dtype it will be read with."""
        count = rows if indices is None else len(indices)
        if self.streamed and (start < 0 or (steps and (start + steps - 1) * batch >= count)):
            raise EngineError(f"steps {start} to {start + steps} of {batch} pass {count} rows")
        for node, array in zip(self.streamed, data, strict=True):
            _fits(node, array, None)
            if indices is None and len(array) < rows:
                raise ShapeError(f"{node['name']}: {len(array)} rows given, {rows} needed")
        if indices is not None:
            least = min((len(a) for a in data), default=0)
            if indices.dtype != np.int64 or not indices.flags.c_contiguous:
                raise EngineError("indices must be contiguous int64")
            if rows > len(indices):
                raise EngineError(f"{rows} rows, {len(indices)} indices")
            if len(indices) and not 0 <= int(indices.min()) <= int(indices.max()) < least:
                raise EngineError(f"an index is outside the {least} rows of data")
        for node, array in zip(self.collected, collected, strict=True):
            _fits(node, array, None)
            if len(array) < rows:
                raise ShapeError(f"a result has {len(array)} rows, {rows} are collected")
        if log.dtype != np.float64 or not log.flags.c_contiguous:
            raise EngineError("the log must be contiguous float64")
        if log.size < steps * len(self.logged):
            raise EngineError(f"the log has {log.size} places for {steps} steps")


def _fits(node: Node, array: np.ndarray, rows: int | None) -> None:
    want = tuple(bind(node.shape, rows or 0))
    shape = array.shape if rows is not None or not node.shape else array.shape[1:]
    wanted = want if rows is not None or not node.shape else want[1:]
    name = dict(node.attrs).get("name", node.op)
    if shape != wanted or array.dtype != np.dtype(node.dtype) or not array.flags.c_contiguous:
        raise ShapeError(
            f"{name}: an array {array.shape} of {array.dtype} was given, contiguous "
            f"{show(node.shape)} of {node.dtype} is expected"
        )


def _given(node: Node, values: Mapping[str, np.ndarray]) -> np.ndarray:
    name = node["name"]
    if name not in values:
        raise EngineError(f"no value for the input {name!r}; given: {', '.join(values)}")
    array = values[name]
    _fits(node, array, 1)
    return array


def _check(
    graph: Graph, carried: Mapping[Node, Node], streamed: Sequence[Node], counter: Node | None,
    logged: Sequence[Node], collected: Sequence[Node],
) -> None:  # fmt: skip
    inputs, outputs = set(graph.inputs), set(graph.outputs)
    for node in (*carried, *streamed, *([counter] if counter is not None else [])):
        if node not in inputs:
            raise EngineError(f"{node!r} is not an input of the graph")
    for node in (*carried.values(), *logged, *collected):
        if node not in outputs:
            raise EngineError(f"{node!r} is not an output of the graph")
    for old, new in carried.items():
        if (old.shape, old.dtype) != (new.shape, new.dtype) or has_rows(old.shape):
            raise ShapeError(
                f"{old['name']} is {show(old.shape)} of {old.dtype}, its new value "
                f"{show(new.shape)} of {new.dtype}"
            )
    for node in logged:
        if size(node.shape) != 1:
            raise ShapeError(f"a logged output is one number, not {show(node.shape)}")
    for i in graph.inputs:
        if has_rows(i.shape) and i not in streamed:
            raise EngineError(f"the input {i['name']!r} has rows, so it must be streamed")


def compile_loop(
    graph: Graph,
    *,
    carried: Mapping[Node, Node],
    streamed: Sequence[Node] = (),
    counter: Node | None = None,
    logged: Sequence[Node] = (),
    collected: Sequence[Node] = (),
    target: Target | None = None,
) -> Loop:
    """One entry that runs many steps of a graph.

    `carried`: after each step the input holds the output's value. `streamed`: inputs with a row for
    each row, gathered from whole arrays. `counter`: a uint32 input that counts steps. `logged`:
    numbers written out each step. `collected`: outputs with a row for each row, written to whole
    arrays. All other inputs are held.
    """
    return Loop(graph, carried, streamed, counter, logged, collected, target or host())


def loop_text(loop: Loop) -> str:
    """The LLVM text of a loop, for looking."""
    return loop.text


def compile_function(
    graph: Graph, target: Target | None = None
) -> Callable[..., list[np.ndarray]]:
    """The graph as a function of arrays in the order of its inputs, giving one for each output."""
    inner = Graph(graph.inputs, tuple(dict.fromkeys(graph.outputs)))
    made = tuple(o for o in inner.outputs if o.op != "input")
    loop = Loop(inner, {}, (), None, (), (), target or host(), external=made)

    def function(*arrays: object) -> list[np.ndarray]:
        if len(arrays) != len(graph.inputs):
            raise EngineError(f"{len(graph.inputs)} arrays expected, {len(arrays)} given")
        values = {
            i["name"]: np.ascontiguousarray(a, dtype=i.dtype).reshape(np.shape(a))
            for i, a in zip(graph.inputs, arrays, strict=True)
        }
        results = {o: np.empty(bind(o.shape, 0), o.dtype) for o in made}
        loop.run(values, results=results)
        return [values[o["name"]].copy() if o.op == "input" else results[o]
                for o in graph.outputs]  # fmt: skip

    function.__doc__ = f"The compiled graph of {len(graph.order())} nodes."
    return function
