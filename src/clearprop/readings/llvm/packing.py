"""Copying the right operand of a large product into panels that the tile reads in one stream.

Idea (Goto and van de Geijn, 2008). Rows of a wide matrix lie thousands of bytes apart, so that a
column panel falls on few cache sets and pages. A panel of one tile's width is copied, row after
row, and then read by every row tile from L2. A transposed operand (the weight of an input gradient)
is turned round on the way, square blocks of one vector at a time, in registers.

Which products pack follows from their shapes alone, so that the planner need not store a transposed
copy of an operand that will be packed.
"""

from clearprop.nodes.node import Node
from clearprop.nodes.shapes import Dim, Rows
from clearprop.readings.llvm.ir import Scope, Value
from clearprop.readings.llvm.writer import KernelWriter, open_loop

__all__ = ["Panel", "packs", "transposed"]

WIDE = 512
"""Columns from which a row of the right operand is too long to walk down."""
DEEP = 64
"""The inner size from which copying pays."""


def packs(product: Node) -> bool:
    """Whether the right operand of a product is copied into panels."""
    inner, columns = product.args[1].shape[-2:]
    deep = isinstance(inner, Rows) or inner >= DEEP
    return len(product.shape) == 2 and isinstance(columns, int) and columns >= WIDE and deep


def transposed(s: Scope, rows: list[Value]) -> list[Value]:
    """A square block turned round: lane j of row i becomes lane i of row j, by halves."""
    lanes, half = len(rows), len(rows) // 2
    while half:
        out = list(rows)
        for i in range(lanes):
            if i & half:
                continue
            a, b = rows[i], rows[i + half]
            low = [j if not j & half else lanes + j - half for j in range(lanes)]
            high = [j + half if not j & half else lanes + j for j in range(lanes)]
            out[i], out[i + half] = s.shuffle(a, b, low), s.shuffle(a, b, high)
        rows, half = out, half // 2
    return rows


class Panel:
    """Writes the copy of one panel: `width` columns from `source`, `inner` rows deep."""

    def __init__(self, writer: KernelWriter, kind: str, lanes: int, inner: Dim, width: int) -> None:
        self.writer, self.kind, self.lanes = writer, kind, lanes
        self.inner, self.width = inner, width

    def copy(
        self, s: Scope, source: Value, down: int, across: int, to: Value, columns: int
    ) -> None:
        """Copy `columns` real columns; steps down (inner) and across (columns) in elements."""
        if across == 1:
            self._straight(s, source, down, to, columns)
        elif down == 1 and columns == self.width and self.width % self.lanes == 0:
            self._turned(s, source, across, to)
        else:
            self._slow(s, s.integer(0), source, down, across, to, columns)

    def _straight(self, s: Scope, source: Value, down: int, to: Value, columns: int) -> None:
        loop = open_loop(s, s.integer(0), self.writer.extent(self.inner))
        body = loop.body
        here = body.offset(source, body.binary("mul", loop.variable, body.integer(down)), self.kind)
        there = body.binary("mul", loop.variable, body.integer(self.width))
        there = body.offset(to, there, self.kind)
        place = 0
        while place < columns:
            lanes = self.lanes if columns - place >= self.lanes else 0
            value = body.load(body.offset(here, place, self.kind), self.kind, lanes)
            body.store(value, body.offset(there, place, self.kind))
            place += lanes or 1
        loop.close()

    def _turned(self, s: Scope, source: Value, across: int, to: Value) -> None:
        """Blocks of lanes x lanes; what is left of the inner size one by one."""
        inner = self.writer.extent(self.inner)
        main = s.binary("and", inner, s.integer(-self.lanes))
        outer = open_loop(s, s.integer(0), main, self.lanes)
        block = open_loop(outer.body, s.integer(0), s.integer(self.width), self.lanes)
        body = block.body
        here = body.binary("mul", block.variable, body.integer(across))
        here = body.offset(source, body.binary("add", here, outer.variable), self.kind)
        rows = [
            body.load(body.offset(here, r * across, self.kind), self.kind, self.lanes)
            for r in range(self.lanes)
        ]
        there = body.binary("mul", outer.variable, body.integer(self.width))
        there = body.offset(to, body.binary("add", there, block.variable), self.kind)
        for r, row in enumerate(transposed(body, rows)):
            body.store(row, body.offset(there, r * self.width, self.kind))
        block.close()
        outer.close()
        self._slow(s, main, source, 1, across, to, self.width)

    def _slow(
        self, s: Scope, first: Value, source: Value, down: int, across: int, to: Value, columns: int
    ) -> None:
        """Element by element, from inner row `first` on."""
        outer = open_loop(s, first, self.writer.extent(self.inner))
        body = outer.body
        here = body.offset(
            source, body.binary("mul", outer.variable, body.integer(down)), self.kind
        )
        there = body.binary("mul", outer.variable, body.integer(self.width))
        there = body.offset(to, there, self.kind)
        loop = open_loop(body, body.integer(0), body.integer(columns))
        at = loop.body.binary("mul", loop.variable, loop.body.integer(across))
        value = loop.body.load(loop.body.offset(here, at, self.kind), self.kind)
        loop.body.store(value, loop.body.offset(there, loop.variable, self.kind))
        loop.close()
        outer.close()
