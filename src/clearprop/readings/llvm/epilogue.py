"""What happens on a product's store: elementwise nodes of its shape, and sums over all of it.

Every element of the tile is still in a register. Its nodes are computed there and stored once; the
product itself is stored only if somebody else reads it. A sum over the result (the flag that a step
is finite) is kept in a register over the tile and added to the slot of the tile's block.
"""

from collections.abc import Collection
from dataclasses import dataclass, field

from clearprop.nodes.node import Node
from clearprop.readings.llvm.affine import Affine, natural, points
from clearprop.readings.llvm.ir import Scope, Value
from clearprop.readings.llvm.plan import Kernel, Task
from clearprop.readings.llvm.reduction import across, combine, masked, operation
from clearprop.readings.llvm.tile import Piece
from clearprop.readings.llvm.values import Deep, Point, Values, memory_kind
from clearprop.readings.llvm.writer import KernelWriter

__all__ = ["Epilogue"]


@dataclass
class Epilogue:
    """The store of one tile."""

    writer: KernelWriter
    kernel: Kernel
    known: Collection[Node]
    names: tuple[Value, ...]
    scopes: tuple[Scope, ...]
    totals: dict[Task, Value] = field(default_factory=dict)

    @property
    def node(self) -> Node:
        """The product."""
        assert self.kernel.product is not None
        return self.kernel.product

    def write(self, height: int, columns: list[Piece], results: list[Value], block: Value) -> None:
        """Store every element; `block` is the number of the block whose slot takes the sums."""
        home, rank = natural(self.node.shape), len(self.node.shape)
        shared: dict[object, Deep] = {}
        depth = len(self.scopes) - 1
        depths = (*range(2, rank), depth, 1)
        for r in range(height):
            for number, q in enumerate(columns):
                result = results[r * len(columns) + number]
                moved = home + (home.terms[rank - 2] * r + home.terms[rank - 1] * q.offset)
                point = Point(self.names, depths, self.scopes, rank - 1, q.lanes, q.count)
                here = {t.node for t in self.kernel.tasks() if t.kind == "store"}
                ready = {(self.node, moved): (result, depth)}
                memo = {k: v for k, v in shared.items() if _shareable(k, v, depth)}
                values = Values(self.writer, point, self.known, here, ready, memo=memo)
                self._element(values, moved, (r, q.offset), result)
                shared.update(memo)
        self._accumulate(block)

    def _element(
        self, values: Values, place: Affine, offset: tuple[int, int], result: Value
    ) -> None:
        *batch, i, j = points(self.node.shape)
        index = (*batch, i + offset[0], j + offset[1])
        silent = self.kernel.silent
        # values first, then stores: a new value may take the place of the old one
        made = [
            (task.node, values.vector(task.node, index))
            for task in self.kernel.tasks()
            if task.kind == "store" and task.node not in silent
        ]
        for task in self.kernel.tasks():
            if task.kind == "reduce":
                assert task.source is not None
                self._sum(task, values.vector(task.source, index), values.point)
        if self.node not in silent:
            made.append((self.node, result))
        for node, value in made:
            values.store(node, place, value)

    def _sum(self, task: Task, value: Value, point: Point) -> None:
        op, scope = operation(task.node), point.scopes[-1]
        x = masked(op, scope, value, point.count)
        total = self.totals.get(task)
        if total is not None and total.lanes != x.lanes:
            x, total = across(op, scope, x), across(op, scope, total)
        self.totals[task] = x if total is None else combine(op, scope, total, x)

    def _accumulate(self, block: Value) -> None:
        """Add the tile's part of each sum to the slot of its block."""
        s = self.scopes[-1]
        for task, total in self.totals.items():
            op, kind = operation(task.node), memory_kind(task.node)
            at = s.offset(self.writer.pointer(task.node, slots=True), block, kind)
            s.store(combine(op, s, s.load(at, kind), across(op, s, total)), at)


def _shareable(key: object, deep: Deep, depth: int) -> bool:
    """Whether what one element of the tile computed holds for the others."""
    return deep[1] < depth or (isinstance(key, tuple) and key[0] == "address")
