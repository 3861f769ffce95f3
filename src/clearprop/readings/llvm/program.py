"""A graph compiled into one entry that runs many steps, with its memory."""

import functools
import threading
from collections.abc import Mapping, Sequence

import numpy as np

from clearprop.errors import EngineError
from clearprop.nodes.graph import Graph
from clearprop.nodes.node import Node
from clearprop.readings.llvm.cache import Kept
from clearprop.readings.llvm.call import Block
from clearprop.readings.llvm.code import STORE, Code, compile_object
from clearprop.readings.llvm.entry import Layout, module_text
from clearprop.readings.llvm.guard import guard_calls
from clearprop.readings.llvm.kernel import KernelCode, write_kernel
from clearprop.readings.llvm.memory import Arena
from clearprop.readings.llvm.placement import in_place, make_arena
from clearprop.readings.llvm.plan import Plan, plan
from clearprop.readings.llvm.record import key, numbers, parts, record, sources_changed
from clearprop.readings.llvm.roles import Roles, bytes_of, check_call
from clearprop.readings.llvm.schedule import Schedule, available, schedule
from clearprop.readings.llvm.target import Target, host
from clearprop.readings.llvm.team import units
from clearprop.readings.llvm.workers import together

__all__ = ["Loop", "compile_loop"]


class Loop:
    """A compiled loop over steps; see `compile_loop`. One call at a time: it owns its memory."""

    def __init__(self, roles: Roles, target: Target) -> None:
        self.roles, self.target = roles, target
        self.plan: Plan = plan(roles.graph)
        self.in_place = in_place(roles, self.plan)
        self.copied = [
            (old, new)
            for old, new in roles.carried.items()
            if old is not new and new not in self.in_place
        ]
        self._code: Code | None = None
        self._ready: tuple[int, Block] | None = None
        self._lock = threading.Lock()

    @functools.cached_property
    def key(self) -> str:
        """The name of the loop's code: see record.py."""
        return key(self.roles, self.plan, self.in_place, self.target)

    @functools.cached_property
    def codes(self) -> list[KernelCode]:
        """The kernels with their text; written only if no code is found, or for looking."""
        known = self.plan.stored | set(self.roles.graph.inputs)
        return [write_kernel(kernel, known, self.target) for kernel in self.plan.kernels]

    @functools.cached_property
    def text(self) -> str:
        """The module's text."""
        roles = self.roles
        layout = Layout(
            tuple(bytes_of(node, 1) for node in roles.streamed),
            tuple(bytes_of(node, 1) for node in roles.collected),
            tuple(bytes_of(old, 1) for old, _ in self.copied),
            tuple(node.dtype for node in roles.logged),
        )
        return module_text(self.codes, self.target, layout)

    def code(self) -> Code:
        """The machine code: this process has it, or the disk, or it is compiled now."""
        if self._code is None:
            disk = not sources_changed()
            self._code = STORE.code(self.key, self.target, self._compiled, disk=disk)
        return self._code

    def _compiled(self) -> Kept:
        told = record(self.codes, numbers(self.roles))
        return Kept(told, compile_object(self.text, self.target))

    @functools.cached_property
    def parts(self) -> list[KernelCode]:
        """What calls must know of the kernels that were loaded; they may be without text."""
        told = self.code().record
        return self.codes if told is None else parts(told, list(numbers(self.roles)))

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
            block = self._block(min(batch, rows))
            block.hold(values, results or {}, rows)
            team = block.plan.team(available() if threads is None else threads)
            told = {
                "total": rows,
                "batch": batch,
                "indices": 0 if indices is None else indices.ctypes.data,
                "first": first_step,
                "start": start,
                "steps": steps,
                "log": log.ctypes.data,
                "stop": int(stop_on_nonfinite),
                "team": team,
            }
            block.fill(told, data, collected)
            entry, address = self.code().entry, block.address
            return together(lambda thread: entry(address, thread), team)

    def _workspace(self, rows: int) -> tuple[Schedule, Arena]:
        """Schedule and workspace for this many rows."""
        block = self._block(rows)
        return block.plan, block.arena

    def _block(self, rows: int) -> Block:
        """What calls on minibatches of this many rows pass, kept for the next call."""
        if self._ready is None or self._ready[0] != rows:
            found = self.parts
            plan = schedule(self.plan, units(found), self.in_place, self.target, rows)
            arena = make_arena(self.roles, self.plan, found, self.in_place, plan.phases, rows)
            block = Block(self.roles, found, self.in_place, self.copied, plan, arena)
            self._ready = rows, block
        return self._ready[1]

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
