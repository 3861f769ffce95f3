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
from clearprop.readings.llvm.places import Deep, Places, Point, memory_kind
from clearprop.readings.llvm.reduction import across, combine, masked, operation
from clearprop.readings.llvm.stored import FREE
from clearprop.readings.llvm.task import Kernel, Task
from clearprop.readings.llvm.tile import Piece
from clearprop.readings.llvm.values import Values
from clearprop.readings.llvm.writer import KernelWriter, open_loop

__all__ = ["Epilogue"]

INLINE = 6
"""Operations an element up to which the whole tile's store is unrolled."""


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
        if height > 1 and self._operations() > INLINE:
            self._row_by_row(height, columns, results, block)
        else:
            self._unrolled(height, columns, results, block)

    def _operations(self) -> int:
        """How many operations an element of the tile goes through."""
        here = [t.source for t in self.kernel.tasks() if t.source is not None]
        seen: set[Node] = set()
        while here:
            node = here.pop()
            inside = node not in self.known or any(t.node is node for t in self.kernel.tasks())
            if node not in seen and inside and node is not self.node:
                seen.add(node)
                here.extend(node.args)
        return sum(node.op not in FREE for node in seen)

    def _row_by_row(
        self, height: int, columns: list[Piece], results: list[Value], block: Value
    ) -> None:
        """Long work (an optimizer's update) as a loop over the tile's rows, which lie on the stack.

        Unrolled over the whole tile it took most of the time of compilation.
        """
        outer, kind = self.scopes[-1], memory_kind(self.node)
        width = sum(max(q.lanes, 1) for q in columns)
        text = f"alloca [{height * width} x {kind}], align 64"
        stack = self.writer.entry.emit("ptr", 0, text)
        places = [sum(max(q.lanes, 1) for q in columns[:n]) for n in range(len(columns))]
        for number, result in enumerate(results):
            r, n = divmod(number, len(columns))
            outer.store(result, outer.offset(stack, r * width + places[n], kind))
        loop = open_loop(outer, outer.integer(0), outer.integer(height))
        body = loop.body
        at = body.offset(stack, body.binary("mul", loop.variable, body.integer(width)), kind)
        row = [
            body.load(body.offset(at, place, kind), kind, q.lanes)
            for place, q in zip(places, columns, strict=True)
        ]
        *batch, first, column = self.names
        names = (*batch, body.binary("add", first, loop.variable), column)
        scopes = (*self.scopes[:-1], loop.pre, body)
        inner = Epilogue(self.writer, self.kernel, self.known, names, scopes)
        inner._unrolled(1, columns, row, block)
        loop.close()

    def _unrolled(
        self, height: int, columns: list[Piece], results: list[Value], block: Value
    ) -> None:
        home, rank = natural(self.node.shape), len(self.node.shape)
        here = {t.node for t in self.kernel.tasks() if t.kind == "store"}
        shared: dict[object, Deep] = {}
        depth = len(self.scopes) - 1
        depths = (*range(2, rank), depth, 1)
        for r in range(height):
            for number, q in enumerate(columns):
                result = results[r * len(columns) + number]
                moved = home + (home.terms[rank - 2] * r + home.terms[rank - 1] * q.offset)
                point = Point(self.names, depths, self.scopes, rank - 1, q.lanes, q.count)
                ready = {(self.node, moved): (result, depth)}
                memo = dict(shared)
                places = Places(self.writer, point, memo)
                values = Values(places, self.known, here, ready)
                self._element(values, moved, (r, q.offset), result)
                fresh = [(k, memo[k]) for k in memo.keys() - shared.keys()]
                shared.update((k, v) for k, v in fresh if _shareable(k, v, depth))
        self._accumulate(block)

    def _element(
        self, values: Values, place: Affine, offset: tuple[int, int], result: Value
    ) -> None:
        *batch, i, j = points(self.node.shape)
        index = (*batch, i + offset[0], j + offset[1])
        silent = self.kernel.silent
        # values first, then stores: a new value may take the place of the old one
        stores = [task.node for task in self.kernel.tasks() if task.kind == "store"]
        made = [(node, values.vector(node, index)) for node in stores]
        made = [(node, value) for node, value in made if node not in silent]
        for task in self.kernel.tasks():
            if task.kind == "reduce":
                assert task.source is not None
                self._sum(task, values.vector(task.source, index), values.point)
        if self.node not in silent:
            made.append((self.node, result))
        for node, value in made:
            values.places.store(node, place, value)

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
