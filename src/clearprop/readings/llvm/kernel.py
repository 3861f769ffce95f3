"""One kernel as text: which arrays it takes, its blocks, how its slots are added."""

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from clearprop.nodes.node import Node
from clearprop.nodes.shapes import Dim, Rows, size
from clearprop.readings.llvm.frame import Frame, fill
from clearprop.readings.llvm.ir import Scope, Value
from clearprop.readings.llvm.nest import NestWriter
from clearprop.readings.llvm.places import Deep, memory_kind
from clearprop.readings.llvm.product import ProductWriter
from clearprop.readings.llvm.reduction import combine, operation
from clearprop.readings.llvm.target import Target
from clearprop.readings.llvm.task import Kernel, Task
from clearprop.readings.llvm.turn import write_turn
from clearprop.readings.llvm.writer import Argument, KernelWriter, identity, open_loop

__all__ = ["KernelCode", "write_kernel"]

BLOCK = 8192
"""Elements in a block: about what keeps a core busy for some microseconds."""
SHORT = 16
"""Elements that a pass over a shorter row costs all the same."""


@dataclass(frozen=True)
class KernelCode:
    """A kernel's function body and what its caller must give it."""

    body: str
    intrinsics: frozenset[str]
    arguments: tuple[Argument, ...]
    head: Dim
    block: int
    finish: "KernelCode | None" = None
    slots: tuple[tuple[Node, Dim], ...] = field(default=())

    def blocks(self, rows: int) -> int:
        """How many blocks there are for this many rows."""
        if isinstance(self.head, Rows):
            return -(-self.head.times * rows // self.block)
        return max(1, -(-self.head // self.block))


def write_kernel(kernel: Kernel, known: Collection[Node], target: Target) -> KernelCode:
    """The text of a planned kernel."""
    writer = KernelWriter(target)
    if kernel.form == "product":
        product = ProductWriter(writer, kernel, known)
        product.write()
        head, block = product.blocks
        slots = ((product.node, product.panel_size),) if product.packed else ()
        return _finished(_code(writer, head, block, slots), product.late, target)
    if kernel.form == "turn":
        (task,) = kernel.tasks()
        write_turn(writer, task.node)
        return _code(writer, kernel.head, target.lanes(task.node.dtype))
    if kernel.form == "flat" and not _long(kernel.head):
        frame = Frame(writer, kernel, known, [writer.code])
        for nest in kernel.nests:
            NestWriter(frame, nest).write()
        return _code(writer, 1, 1)
    if kernel.form == "whole":
        frame = Frame(writer, kernel, known, [writer.code])
        for nest in kernel.nests:
            NestWriter(frame, nest).write()
        return _code(writer, 1, 1)
    return _blocked(kernel, known, writer)


def _long(extent: Dim) -> bool:
    return isinstance(extent, Rows) or extent > BLOCK


def _code(
    writer: KernelWriter,
    head: Dim,
    block: int,
    slots: tuple[tuple[Node, Dim], ...] = (),
) -> KernelCode:
    intrinsics, arguments = frozenset(writer.function.intrinsics), tuple(writer.arguments)
    return KernelCode(writer.text(), intrinsics, arguments, head, block, slots=slots)


def _blocked(kernel: Kernel, known: Collection[Node], writer: KernelWriter) -> KernelCode:
    """A kernel whose head falls into blocks: rows, or a long flat walk."""
    by_rows = kernel.form == "rows"
    block = _rows_in_block(kernel) if by_rows else BLOCK
    single = isinstance(kernel.head, int) and kernel.head <= block
    late = [t for t in kernel.tasks() if t.kind == "reduce" and 0 in t.axes]
    loop, low, high = writer.blocks(kernel.head, block)
    slots = {t.node: _slot(writer, loop.body, loop.variable, t.node, single) for t in late}
    frame = Frame(writer, kernel, known, [writer.entry, loop.body], slots=slots)
    if by_rows:
        _rows(frame, loop.body, low, high)
    else:
        _empty(frame, loop.body, slots)
        for nest in kernel.nests:
            NestWriter(frame, nest, (low, high)).write()
    loop.close()
    made = _code(writer, kernel.head, block)
    return made if single else _finished(made, late, writer.target)


def _rows(frame: Frame, body: Scope, low: Value, high: Value) -> None:
    """The loop over the rows of a block; sums that fit a register are carried from row to row."""
    kernel = frame.kernel
    frame.head = Value("%head", "i64")  # only asked here which sums are carried; nothing is written
    carried: dict[Node, tuple[int, int]] = {}
    for nest in kernel.nests:
        carried |= NestWriter(frame, nest).carries()
    _empty(frame, body, {n: slot for n, slot in frame.slots.items() if n not in carried})
    first = [
        identity(operation(node), memory_kind(node), body, lanes)
        for node, (lanes, _) in carried.items()
    ]
    head = open_loop(body, low, high, 1, first)
    frame.scopes, frame.head = [frame.writer.entry, head.pre, head.body], head.variable
    frame.carried = dict(zip(carried, head.carried, strict=True))
    for nest in kernel.nests:
        NestWriter(frame, nest).write()
    last = head.close([frame.carried[node] for node in carried])
    for total, (node, (lanes, count)) in zip(last, carried.items(), strict=True):
        pointer, _ = frame.slots[node]
        if lanes:
            body.store_first(total, pointer, count)
        else:
            body.store(total, pointer)


def _empty(frame: Frame, scope: Scope, slots: Mapping[Node, Deep]) -> None:
    """Put what a sum starts from into slots."""
    for node, (pointer, _) in slots.items():
        start = identity(operation(node), memory_kind(node), scope)
        fill(frame.writer, scope, pointer, size(node.shape), start)


def _rows_in_block(kernel: Kernel) -> int:
    """So many rows that a block is some microseconds of work; a short pass counts for sixteen."""
    sizes = [size(nest.inner) for nest in kernel.nests]
    row = sum(max(SHORT, n) for n in sizes if isinstance(n, int))
    return max(1, BLOCK // 2 // max(1, row))


def _finished(made: KernelCode, late: list[Task], target: Target) -> KernelCode:
    """The kernel with slots for its sums and the function that adds them."""
    if not late:
        return made
    kept = (*made.slots, *((t.node, size(t.node.shape)) for t in late))
    return dataclasses.replace(made, finish=_finish(late, target), slots=kept)


def _slot(writer: KernelWriter, scope: Scope, block: Value, node: Node, single: bool) -> Deep:
    """Where this block sums a result: its slot, or the result itself where there is one block."""
    pointer, kind = writer.pointer(node, slots=not single), memory_kind(node)
    if not single:
        step = scope.binary("mul", block, writer.extent(size(node.shape)))
        pointer = scope.offset(pointer, step, kind)
    return pointer, 1


def _finish(late: list[Task], target: Target) -> KernelCode:
    """Add the slots in block order; `begin` is 0 and `end` the number of blocks."""
    writer = KernelWriter(target)
    for task in late:
        node, kind = task.node, memory_kind(task.node)
        source, out = writer.pointer(node, slots=True), writer.pointer(node)
        count = writer.extent(size(node.shape))
        outer = open_loop(writer.code, writer.code.integer(0), count)
        first = outer.body.inner()
        start = identity(operation(node), kind, first)
        loop = open_loop(outer.body, Value("%begin", "i64"), Value("%end", "i64"), 1, [start])
        body = loop.body
        place = body.binary("add", body.binary("mul", loop.variable, count), outer.variable)
        x = body.load(body.offset(source, place, kind), kind)
        (total,) = loop.close([combine(operation(node), body, loop.carried[0], x)])
        outer.body.store(total, outer.body.offset(out, outer.variable, kind))
        outer.close()
    return _code(writer, 1, 1)
