"""What surrounds the nests of a kernel, and what several kinds of kernel need."""

from collections.abc import Collection
from dataclasses import dataclass, field

from clearprop.nodes.node import Node
from clearprop.nodes.shapes import Dim
from clearprop.readings.llvm.ir import Scope, Value
from clearprop.readings.llvm.places import Deep
from clearprop.readings.llvm.task import Kernel, Task
from clearprop.readings.llvm.writer import KernelWriter, open_loop

__all__ = ["Frame", "fill", "lanes_for"]


@dataclass
class Frame:
    """What surrounds the nests of a kernel: scopes by depth, the head's variable, slots.

    `rows` are numbers that earlier nests made for this row, `lines` whole rows of one vector;
    `carried` are sums over the head that stay in registers from row to row.
    """

    writer: KernelWriter
    kernel: Kernel
    known: Collection[Node]
    scopes: list[Scope]
    head: Value | None = None
    slots: dict[Node, Deep] = field(default_factory=dict)
    rows: dict[Node, Deep] = field(default_factory=dict)
    lines: dict[Node, Deep] = field(default_factory=dict)
    carried: dict[Node, Value] = field(default_factory=dict)

    @property
    def made(self) -> frozenset[Node]:
        """What this kernel writes: it must not be read before its nest has run."""
        return frozenset(t.node for t in self.kernel.tasks())


def lanes_for(writer: KernelWriter, tasks: list[Task], extent: Dim) -> int:
    """How many lanes a loop of this extent gets; 0 for a scalar loop."""
    if not isinstance(extent, int):
        return 0
    wide = {"float64", "int64"} & {t.node.dtype for t in tasks} | {
        "float64" for t in tasks if t.source is not None and t.source.dtype in ("float64", "int64")
    }
    lanes = writer.target.lanes("float64" if wide else "float32")
    while lanes > 1 and lanes // 2 >= extent:
        lanes //= 2
    if extent < lanes and not writer.target.masked:
        lanes //= 2
    return lanes if lanes > 1 and extent > 1 else 0


def fill(writer: KernelWriter, scope: Scope, pointer: Value, count: Dim, value: Value) -> None:
    """Put one number into `count` places."""
    kind = "i8" if value.kind == "i1" else value.kind
    if count == 1:
        return scope.store(value, pointer)
    loop = open_loop(scope, scope.integer(0), writer.extent(count))
    loop.body.store(value, loop.body.offset(pointer, loop.variable, kind))
    loop.close()
    return None
