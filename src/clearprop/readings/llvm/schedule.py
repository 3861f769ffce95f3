"""Who does what in a team: which kernels are shared, where a barrier must stand.

A kernel is shared if its work is worth it; the others belong to thread 0. A barrier stands in front
of a unit if it touches what another thread has written, or writes what another has touched, since
the last barrier. Units between two barriers are a phase: arrays of one phase may not share memory.
Nothing here changes a bit: blocks follow from shapes, and who computes a block does not matter.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clearprop.nodes.node import Node
from clearprop.nodes.shapes import Dim, bind, size
from clearprop.readings.llvm.memory import Life
from clearprop.readings.llvm.plan import Plan
from clearprop.readings.llvm.stored import HEAVY
from clearprop.readings.llvm.target import Target
from clearprop.readings.llvm.task import Kernel
from clearprop.readings.llvm.team import Unit

__all__ = ["Schedule", "available", "schedule"]

SHARE = 4000.0
"""Nanoseconds of work in a unit from which sharing pays for its barrier."""
TEAM = 100000.0
"""Nanoseconds of shared work in a step from which a team pays for its barriers."""
FLOPS = 5.0
"""Operations a nanosecond for each lane in a product, about."""
ELEMENT = 2.0
"""Nanoseconds that a vector of an elementwise task takes, about; ten times that for exp."""


@dataclass(frozen=True)
class Schedule:
    """`modes` holds, for each unit, whether a barrier comes first and who runs it (-1: all).

    `phases` holds, for each kernel, its first and its last: what adds its slots may come later.
    """

    modes: np.ndarray
    phases: tuple[Life, ...]
    shared: float

    def team(self, wanted: int) -> int:
        """How many threads to use of those wanted."""
        return wanted if self.shared >= TEAM else 1


def available() -> int:
    """The cores this process may use: its affinity, and OMP_NUM_THREADS where that is less."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    told = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    return max(1, min(cores or 1, int(told) if told.isdigit() and int(told) else 1 << 30))


def _whole(dim: Dim, rows: int) -> int:
    return bind((dim,), rows)[0]


def _work(kernel: Kernel, rows: int, target: Target) -> float:
    """About how many nanoseconds a kernel takes on one core."""
    lanes = target.lanes("float32" if kernel.product is None else kernel.product.dtype)
    if kernel.product is not None:
        inner = _whole(kernel.product.args[0].shape[-1], rows)
        many = _whole(size(kernel.product.shape), rows)
        return many / lanes * (2 * inner / FLOPS + ELEMENT * len(kernel.tasks()))
    return sum(
        _whole(size(task.domain), rows) / lanes * ELEMENT * (10 if task.node.op in HEAVY else 1)
        for task in kernel.tasks()
    )


def _touches(plan: Plan, placed: Mapping[Node, Node]) -> list[tuple[set[Node], set[Node]]]:
    """For each kernel, the arrays it reads and those it writes, old and new value as one."""
    out: list[tuple[set[Node], set[Node]]] = [(set(), set()) for _ in plan.kernels]
    for node, found in plan.reads.items():
        reads, writes = out[plan.maker[node]]
        reads |= {placed.get(access.node, access.node) for access in found}
        writes.add(placed.get(node, node))
    return out


def schedule(
    plan: Plan, found: Sequence[Unit], placed: Mapping[Node, Node], target: Target, rows: int
) -> Schedule:
    """Modes and phases for minibatches of this many rows."""
    touches = _touches(plan, placed)
    modes = np.zeros((max(len(found), 1), 2), np.int64)
    phases = [Life(0, 0)] * len(plan.kernels)
    phase, total = 0, 0.0
    now: list[tuple[int, set[Node], set[Node]]] = []
    for number, unit in enumerate(found):
        kernel = plan.kernels[unit.kernel]
        reads, writes = touches[unit.kernel]
        work = _work(kernel, rows, target)
        blocks = max(1, -(-_whole(unit.head, rows) // unit.block))
        owner = -1 if blocks > 1 and work >= SHARE and not unit.finish else 0
        total += work if owner < 0 else 0.0
        for other, their_reads, their_writes in now:
            alone = other == owner == 0
            if not alone and (
                their_writes & (reads | writes) or writes & their_reads or unit.finish
            ):
                modes[number, 0] = 1
                phase, now = phase + 1, []
                break
        now.append((owner, reads, writes))
        modes[number, 1] = owner
        first = phases[unit.kernel].first if unit.finish else phase
        phases[unit.kernel] = Life(first, phase)
    return Schedule(modes, tuple(phases), total)
