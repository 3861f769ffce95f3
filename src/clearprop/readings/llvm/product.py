"""Matrix products: panels of columns, tiles of rows, and how they fall into blocks.

A block is one row of tiles over all columns; of a packed product (see `packing`) it is a panel of
columns over all rows, so that each panel is copied once. Edges: the last panel is narrower, the
last rows go through lower tiles.

Tried and dropped: tiles as blocks, columns first, so that the columns of a weight and of its
optimizer's state stay with one core. At 784 x 128 the neighbours' lines were fetched ahead all the
same, and two threads gained no more than by rows.
"""

from collections.abc import Collection

from clearprop.nodes.node import Node
from clearprop.nodes.shapes import Dim, Rows, size
from clearprop.readings.llvm.affine import variables
from clearprop.readings.llvm.epilogue import Epilogue
from clearprop.readings.llvm.expression import Access, Index, accesses
from clearprop.readings.llvm.ir import Scope, Value
from clearprop.readings.llvm.packing import Panel, packs
from clearprop.readings.llvm.places import memory_kind
from clearprop.readings.llvm.reduction import operation
from clearprop.readings.llvm.task import Kernel
from clearprop.readings.llvm.tile import (
    Operands,
    Piece,
    operand_start,
    pieces,
    tile_shape,
    write_tile,
)
from clearprop.readings.llvm.writer import KernelWriter, identity, open_loop

__all__ = ["ProductWriter"]


class ProductWriter:
    """The kernel of one contract node and its epilogue."""

    def __init__(self, writer: KernelWriter, kernel: Kernel, known: Collection[Node]) -> None:
        assert kernel.product is not None
        self.writer, self.kernel, self.known = writer, kernel, known
        self.node = node = kernel.product
        self.rank, self.kind = len(node.shape), memory_kind(node)
        rows, columns = node.shape[-2:]
        assert isinstance(columns, int)
        self.rows, self.columns = rows, columns
        self.height, vectors = tile_shape(writer.target, node.dtype, columns)
        self.lanes = writer.target.lanes(node.dtype)
        self.width = self.lanes * vectors
        *batch, i, j, p = variables(self.rank + 1)
        left = self._operand(node.args[0], (*batch, i, p))
        self.operands = Operands(node, left, self._operand(node.args[1], (*batch, p, j)))
        self.packed = packs(node)
        self.late = [t for t in kernel.tasks() if t.kind == "reduce"]

    def _operand(self, node: Node, index: Index) -> Access:
        (found,) = accesses([(node, index)], self.rank + 1, self.known)
        assert found.place is not None
        return found

    # --- blocks --------------------------------------------------------------------------------

    @property
    def blocks(self) -> tuple[Dim, int]:
        """What is divided into blocks, and the size of one."""
        return (self.columns, self.width) if self.packed else (self.rows, self.height)

    @property
    def panel_size(self) -> Dim:
        """The elements of one packed panel."""
        return size((self.node.args[0].shape[-1], self.width))

    def write(self) -> None:
        """Loops over panels, batches and row tiles."""
        code = self.writer.code
        self._empty_slots(code)
        low, high = self.writer.span(*self.blocks)
        all_rows = code.integer(0), self.writer.extent(self.rows)
        main = self.columns // self.width * self.width
        for first, last, wide in ((0, main, self.width), (main, self.columns, self.columns - main)):
            if first < last:
                start, stop, rows = code.integer(first), code.integer(last), (low, high)
                if self.packed:
                    start = code.select(code.icmp("slt", low, start), start, low)
                    stop, rows = self.writer.minimum(code, high, stop), all_rows
                self._panels(code, start, stop, rows, wide)

    def _empty_slots(self, code: Scope) -> None:
        """Each block's slot of each sum over the result, before the first tile."""
        for task in self.late:
            loop = open_loop(code, Value("%begin", "i64"), Value("%end", "i64"))
            kind = memory_kind(task.node)
            at = loop.body.offset(self.writer.pointer(task.node, slots=True), loop.variable, kind)
            loop.body.store(identity(operation(task.node), kind, loop.body), at)
            loop.close()

    def _panels(
        self, code: Scope, start: Value, stop: Value, rows: tuple[Value, Value], columns: int
    ) -> None:
        """The panels between two columns, all `columns` wide, over a span of rows."""
        loop = open_loop(code, start, stop, self.width)
        if self.packed:
            self._pack(loop.body, loop.variable, columns)
        self._batches([], loop.variable, [loop.pre, loop.body], rows, columns)
        loop.close()

    def _pack(self, body: Scope, column: Value, columns: int) -> None:
        inner = self.node.args[0].shape[-1]
        at = body.binary("mul", column, self.writer.extent(inner))
        at = body.offset(self.writer.pointer(self.node, slots=True), at, self.kind)
        right = self.operands.right
        assert right.place is not None
        names = (body.integer(0), column)
        source = operand_start(self.writer, body, right, names, self.kind)
        across, down = right.place.terms[-2:]
        panel = Panel(self.writer, self.kind, self.lanes, inner, self.width)
        panel.copy(body, source, down, across, at, columns)
        self.operands.panel, self.operands.width = at, self.width

    # --- batches and rows ----------------------------------------------------------------------

    def _batches(
        self,
        outer: list[Value],
        column: Value,
        scopes: list[Scope],
        span: tuple[Value, Value],
        columns: int,
    ) -> None:
        level, at = len(outer), scopes[-1]
        if level == self.rank - 2:
            return self._rows((*outer, column), scopes, span, columns)
        loop = open_loop(at, at.integer(0), self.writer.extent(self.node.shape[level]))
        inside = [*scopes[:-1], loop.pre, loop.body]
        self._batches([*outer, loop.variable], column, inside, span, columns)
        loop.close()
        return None

    def _heights(self) -> list[int]:
        """The heights of tiles, from the full one to those for the rows that are left."""
        if isinstance(self.rows, Rows):
            return [self.height, *(h for h in (4, 2, 1) if h < self.height)]
        left = self.rows % self.height
        return [h for h in (self.height if self.rows >= self.height else 0, left) if h]

    def _rows(
        self,
        names: tuple[Value, ...],
        scopes: list[Scope],
        span: tuple[Value, Value],
        columns: int,
    ) -> None:
        """Row tiles of full height, then of what is left."""
        outer, (start, high) = scopes[-1], span
        parts = pieces(self.writer.target, self.node.dtype, columns)
        for height in self._heights():
            whole = outer.binary("udiv", outer.binary("sub", high, start), outer.integer(height))
            stop = outer.binary("add", start, outer.binary("mul", whole, outer.integer(height)))
            loop = open_loop(outer, start, stop, height)
            inside = (*scopes[:-1], loop.pre, loop.body)
            at = (*names[:-1], loop.variable, names[-1])
            self._tile(at, inside, height, parts)
            loop.close()
            start = stop

    def _tile(
        self,
        names: tuple[Value, ...],
        scopes: tuple[Scope, ...],
        height: int,
        parts: list[Piece],
    ) -> None:
        body = scopes[-1]
        results = write_tile(self.writer, self.operands, names, body, height, parts)
        place, size = (names[-1], self.width) if self.packed else (names[-2], self.height)
        block = body.binary("udiv", place, body.integer(size)) if self.late else place
        Epilogue(self.writer, self.kernel, self.known, names, scopes).write(
            height, parts, results, block
        )
