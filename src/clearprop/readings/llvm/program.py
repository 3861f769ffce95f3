"""A graph compiled into one entry that runs many steps, with its memory."""

import threading
from collections.abc import Mapping, Sequence

import numpy as np

from clearprop.errors import EngineError
from clearprop.nodes.graph import Graph
from clearprop.nodes.node import Node
from clearprop.readings.llvm.code import Code, compile_object, load, yield_address
from clearprop.readings.llvm.entry import FIELDS, Layout, module_text
from clearprop.readings.llvm.guard import guard_calls
from clearprop.readings.llvm.ir import SCALARS
from clearprop.readings.llvm.kernel import KernelCode, write_kernel
from clearprop.readings.llvm.memory import Arena
from clearprop.readings.llvm.placement import in_place, make_arena
from clearprop.readings.llvm.plan import Plan, plan
from clearprop.readings.llvm.roles import Roles, bytes_of, check_call, fits, given
from clearprop.readings.llvm.schedule import Schedule, available, schedule
from clearprop.readings.llvm.target import Target, host
from clearprop.readings.llvm.team import units
from clearprop.readings.llvm.workers import together
from clearprop.readings.llvm.writer import Argument

__all__ = ["Loop", "compile_loop"]


class Loop:
    """A compiled loop over steps; see `compile_loop`. One call at a time: it owns its memory."""

    def __init__(self, roles: Roles, target: Target) -> None:
        self.roles, self.target = roles, target
        self.plan: Plan = plan(roles.graph)
        known = self.plan.stored | set(roles.graph.inputs)
        self.codes: list[KernelCode] = [write_kernel(k, known, target) for k in self.plan.kernels]
        self.in_place = in_place(roles, self.plan)
        self.copied = [
            (old, new)
            for old, new in roles.carried.items()
            if old is not new and new not in self.in_place
        ]
        layout = Layout(
            tuple(bytes_of(node, 1) for node in roles.streamed),
            tuple(bytes_of(node, 1) for node in roles.collected),
            tuple(bytes_of(old, 1) for old, _ in self.copied),
            tuple(SCALARS[node.dtype] for node in roles.logged),
        )
        self.text = module_text(self.codes, target, layout)
        self._code: Code | None = None
        self._ready: tuple[int, Schedule, Arena] | None = None
        self._lock = threading.Lock()

    def code(self) -> Code:
        """The machine code, compiled at the first call."""
        if self._code is None:
            self._code = load(compile_object(self.text, self.target), self.target)
        return self._code

    @guard_calls
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
        threads: int | None = None,
    ) -> int:
        """Run steps and give how many were done; carried arrays in `values` change in place.

        Step k reads rows (start + k) * batch and on, at most `batch`, of `indices` (None: in order)
        and writes the logged numbers to `log[k]`. With `stop_on_nonfinite` the steps end after the
        first that logs NaN or infinity. `results` holds the arrays of external outputs. `threads`
        is the most to use (None: what the process may); the bits do not depend on it.
        """
        roles = self.roles
        with self._lock:
            if roles.streamed:
                last = min((start + steps) * batch, rows) if steps > 0 else 0
                if steps > 0 and (start < 0 or (start + steps - 1) * batch >= rows):
                    raise EngineError(
                        f"steps {start} to {start + steps} of {batch} pass {rows} rows"
                    )
                check_call(roles, data, collected, indices, rows, last)
            log = self._checked_log(log, steps)
            arrays = {node: given(node, values, rows) for node in roles.held}
            for node, array in (results or {}).items():
                fits(node, array, array.shape)
                arrays[node] = array
            plan, arena = self._workspace(min(batch, rows))
            team = plan.team(available() if threads is None else threads)
            where = _Places(arena, arrays, self.in_place)
            table = where.table(self.codes)
            spare, shared = np.zeros(1, np.uint32), np.zeros(256, np.uint8)
            numbers = {
                "table": table.ctypes.data,
                "total": rows,
                "batch": batch,
                "indices": 0 if indices is None else indices.ctypes.data,
                "first": first_step,
                "start": start,
                "steps": steps,
                "log": log.ctypes.data,
                "counter": spare.ctypes.data if roles.counter is None else where(roles.counter),
                "stop": int(stop_on_nonfinite),
                "team": team,
                "modes": plan.modes.ctypes.data,
                "shared": shared.ctypes.data,
                "yield": yield_address(),
            }
            fields = [numbers[name] for name in FIELDS]
            for node, array in zip(roles.streamed, data, strict=True):
                fields += [array.ctypes.data, where(node)]
            for node, array in zip(roles.collected, collected, strict=True):
                fields += [where(node), array.ctypes.data]
            for old, new in self.copied:
                fields += [where(new), where(old)]
            fields += [where(node) for node in roles.logged]
            packed = np.array(fields, np.int64)
            entry = self.code().entry
            return together(lambda thread: entry(packed.ctypes.data, thread), team)

    def _workspace(self, rows: int) -> tuple[Schedule, Arena]:
        """Schedule and workspace for this many rows, kept for the next call."""
        if self._ready is None or self._ready[0] != rows:
            plan = schedule(self.plan, units(self.codes), self.in_place, self.target, rows)
            arena = make_arena(self.roles, self.plan, self.codes, self.in_place, plan.phases, rows)
            self._ready = rows, plan, arena
        return self._ready[1:]

    def _checked_log(self, log: np.ndarray | None, steps: int) -> np.ndarray:
        count = len(self.roles.logged)
        if log is None:
            return np.zeros((max(steps, 1), max(count, 1)))
        if log.dtype != np.float64 or not log.flags.c_contiguous or log.size < steps * count:
            raise EngineError(
                f"the log must be contiguous float64 with {count} places for each of {steps} "
                f"steps; given was {log.shape} of {log.dtype}"
            )
        return log


class _Places:
    """The address of every array in one call."""

    def __init__(
        self, arena: Arena, arrays: Mapping[Node, np.ndarray], placed: Mapping[Node, Node]
    ) -> None:
        self.arena, self.placed = arena, placed
        self.given = {node: array.ctypes.data for node, array in arrays.items()}

    def __call__(self, node: Node) -> int:
        node = self.placed.get(node, node)
        return self.given[node] if node in self.given else self.arena.addresses[Argument(node)]

    def table(self, codes: Sequence[KernelCode]) -> np.ndarray:
        """Each kernel's pointers, one kernel after another."""
        parts = [part for code in codes for part in (code, code.finish) if part is not None]
        pointers = [
            self.arena.addresses[argument] if argument.slots else self(argument.node)
            for part in parts
            for argument in part.arguments
        ]
        return np.array(pointers or [0], np.int64)


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
    roles = Roles(graph, carried, tuple(streamed), counter, tuple(logged), tuple(collected))
    return Loop(roles, target or host())
