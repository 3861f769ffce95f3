"""Matrix products by a register tile, with what follows them done on the tile's store.

Idea. A tile of rows x vectors of the result stays in registers over the whole inner sum; each turn
loads one row piece of the right operand and spreads one element of the left for each tile row. The
left operand may have any strides (a transposed one is read in place); the right needs stride 1
along the result's columns, the planner copies it where it has not. Edges: columns by one partial
vector (masked loads) or single columns, rows by a smaller tile. Each element is summed over the
inner index in order, whatever tile it falls in, so the bits do not depend on the tiling.

Measured: the same tile reached 33-39 of 40-47 GFLOP/s a core on AVX2, 6 x 16 floats.
"""

from collections.abc import Collection
from dataclasses import dataclass

from clearprop.nodes.node import Node
from clearprop.nodes.shapes import Dim, Rows, size
from clearprop.readings.llvm.affine import Affine, natural, points, variables
from clearprop.readings.llvm.expression import Access, Index, accesses
from clearprop.readings.llvm.ir import Scope, Value
from clearprop.readings.llvm.packing import Panel, packs
from clearprop.readings.llvm.plan import Kernel, Task
from clearprop.readings.llvm.reduction import across, combine, masked, operation
from clearprop.readings.llvm.target import Target
from clearprop.readings.llvm.values import Deep, Point, Values, memory_kind
from clearprop.readings.llvm.writer import KernelWriter, identity, open_loop

__all__ = ["ProductWriter", "tile"]


def tile(target: Target, dtype: str, columns: int) -> tuple[int, int]:
    """Rows and vectors of the tile: 6 x 2 in 16 registers, 8 x 3 or 6 x 4 in 32.

    >>> from clearprop.readings.llvm.target import TARGETS
    >>> tile(TARGETS["avx2"], "float32", 128)
    (6, 2)
    """
    lanes = target.lanes(dtype)
    vectors = -(-columns // lanes)
    if target.registers < 32:
        return (6, 2) if vectors > 1 else (8, 1)
    if vectors % 4 == 0:
        return 6, 4
    if vectors % 3 == 0:
        return 8, 3
    if vectors >= 2:
        return (6, 4) if vectors > 4 else (12, 2)
    return 16, 1


@dataclass(frozen=True)
class Piece:
    """Some columns of a tile: where they begin, in how many lanes, how many are real."""

    offset: int
    lanes: int
    count: int


class ProductWriter:
    """The kernel of one contract node and its epilogue."""

    def __init__(self, writer: KernelWriter, kernel: Kernel, known: Collection[Node]) -> None:
        assert kernel.product is not None
        self.writer, self.kernel, self.known = writer, kernel, known
        self.node = kernel.product
        self.rank = len(self.node.shape)
        self.kind = memory_kind(self.node)
        self.inner = self.node.args[0].shape[-1]
        rows, columns = self.node.shape[-2:]
        assert isinstance(columns, int)
        self.rows, self.columns = rows, columns
        self.tile_rows, self.tile_vectors = tile(writer.target, self.node.dtype, columns)
        *batch, i, j, p = variables(self.rank + 1)
        self.left = self._operand(self.node.args[0], (*batch, i, p))
        self.right = self._operand(self.node.args[1], (*batch, p, j))
        self.packed = packs(self.node)
        self.late = [t for t in kernel.tasks() if t.kind == "reduce"]
        self.width = writer.target.lanes(self.node.dtype) * self.tile_vectors

    def _operand(self, node: Node, index: Index) -> Access:
        (found,) = accesses([(node, index)], self.rank + 1, self.known)
        assert found.place is not None
        return found

    def write(self) -> None:
        """Loops over batches, column tiles and row tiles; a block is the rows of one tile."""
        code = self.writer.code
        self._empty_slots(code)
        if self.packed:
            return self._panels(code)
        low, high = self.writer.span(self.rows, self.tile_rows)
        return self._batches([], code, [code], low, high)

    def _empty_slots(self, code: Scope) -> None:
        """Each block's slot of each sum over the result, before the first tile."""
        for task in self.late:
            loop = open_loop(code, Value("%begin", "i64"), Value("%end", "i64"))
            kind = memory_kind(task.node)
            at = loop.body.offset(self.writer.pointer(task.node, slots=True), loop.variable, kind)
            loop.body.store(identity(operation(task.node), kind, loop.body), at)
            loop.close()

    @property
    def blocks(self) -> tuple[Dim, int]:
        """What is divided into blocks: columns by panels, or rows by tiles."""
        return (self.columns, self.width) if self.packed else (self.rows, self.tile_rows)

    @property
    def panel(self) -> Dim:
        """The elements of one packed panel."""
        return size((self.inner, self.width))

    def _panels(self, code: Scope) -> None:
        """Loop over panels: copy one, then run all row tiles over it."""
        low, high = self.writer.span(self.columns, self.width)
        main = self.columns // self.width * self.width
        for first, columns in ((0, self.width), (main, self.columns - main)):
            if not columns or (not first and not main):
                continue
            stop = code.integer(main) if not first else high
            stop = self.writer.minimum(code, high, stop)
            start = code.select(
                code.icmp("slt", low, code.integer(first)), code.integer(first), low
            )
            loop = open_loop(code, start, stop, self.width)
            body = loop.body
            at = body.binary("mul", loop.variable, self.writer.extent(self.inner))
            at = body.offset(self.writer.pointer(self.node, slots=True), at, self.kind)
            assert self.right.place is not None
            down, across = self.right.place.terms[-1], self.right.place.terms[-2]
            names = (body.integer(0), loop.variable)
            source = self._start(body, self.right, names)
            panel = Panel(self.writer, self.kind, self.writer.target.lanes(self.node.dtype),
                          self.inner, self.width)  # fmt: skip
            panel.copy(body, source, down, across, at, columns)
            self.panel_at = at
            bottom = self.writer.extent(self.rows)
            self._rows([], loop.variable, [loop.pre, body], body.integer(0), bottom,
                       self._pieces(columns))  # fmt: skip
            loop.close()

    def _batches(
        self, outer: list[Value], at: Scope, scopes: list[Scope], low: Value, high: Value
    ) -> None:
        level = len(outer)
        if level == self.rank - 2:
            return self._columns(outer, scopes, low, high)
        loop = open_loop(at, at.integer(0), self.writer.extent(self.node.shape[level]))
        inside = [*scopes[:-1], loop.pre, loop.body]
        self._batches([*outer, loop.variable], loop.body, inside, low, high)
        loop.close()
        return None

    # --- columns and rows ----------------------------------------------------------------------

    def _pieces(self, columns: int) -> list[Piece]:
        lanes = self.writer.target.lanes(self.node.dtype)
        out, place = [], 0
        while columns - place >= lanes:
            out.append(Piece(place, lanes, lanes))
            place += lanes
        rest = columns - place
        if rest == 1 or (rest and not self.writer.target.masked):
            out += [Piece(place + c, 0, 1) for c in range(rest)]
        elif rest:
            while lanes // 2 >= rest:
                lanes //= 2
            out.append(Piece(place, lanes, rest))
        return out

    def _columns(self, batch: list[Value], scopes: list[Scope], low: Value, high: Value) -> None:
        width = self.width
        main = self.columns // width * width
        outer = scopes[-1]
        if main == width:
            self._rows([*batch], outer.integer(0), scopes, low, high, self._pieces(width))
        elif main:
            loop = open_loop(outer, outer.integer(0), outer.integer(main), width)
            inside = [*scopes[:-1], loop.pre, loop.body]
            self._rows(batch, loop.variable, inside, low, high, self._pieces(width))
            loop.close()
        if self.columns > main:
            pieces = self._pieces(self.columns - main)
            self._rows(batch, outer.integer(main), scopes, low, high, pieces)

    def _rows(
        self, batch: list[Value], column: Value, scopes: list[Scope], low: Value, high: Value,
        pieces: list[Piece],
    ) -> None:  # fmt: skip
        """Row tiles of full height, then of what is left."""
        outer, height = scopes[-1], self.tile_rows
        if isinstance(self.rows, int) and self.rows < height:
            return self._tile(batch, low, column, scopes, self.rows, pieces)
        whole = outer.binary("sub", high, low)
        whole = outer.binary("udiv", whole, outer.integer(height))
        middle = outer.binary("add", low, outer.binary("mul", whole, outer.integer(height)))
        start = low
        while height:
            loop = open_loop(outer, start, middle, height)
            self._tile(batch, loop.variable, column, [*scopes[:-1], loop.pre, loop.body], height,
                       pieces)  # fmt: skip
            loop.close()
            start, height = middle, self._next(height)
            if height:
                left = outer.binary("sub", high, start)
                whole = outer.binary("udiv", left, outer.integer(height))
                middle = outer.binary(
                    "add", start, outer.binary("mul", whole, outer.integer(height))
                )
        return None

    def _next(self, height: int) -> int:
        """The height of the tile for the rows that are left: exactly them, where they are known."""
        if isinstance(self.rows, Rows):
            return next((h for h in (4, 2, 1) if h < height), 0)
        return self.rows % self.tile_rows if height == self.tile_rows else 0

    # --- one tile ------------------------------------------------------------------------------

    def _tile(
        self, batch: list[Value], row: Value, column: Value, scopes: list[Scope], height: int,
        pieces: list[Piece],
    ) -> None:  # fmt: skip
        body = scopes[-1]
        depth = len(scopes) - 1
        names = (*batch, row, column)
        first = [body.zero(self.kind, q.lanes) for _ in range(height) for q in pieces]
        loop = open_loop(body, body.integer(0), self.writer.extent(self.inner), 1, first)
        inside = loop.body
        left = self._start(loop.pre, self.left, names)
        a = self._along(inside, left, self.left, loop.variable)
        if self.packed:
            step = inside.binary("mul", loop.variable, inside.integer(self.width))
            b = inside.offset(self.panel_at, step, self.kind)
        else:
            right = self._start(loop.pre, self.right, names)
            b = self._along(inside, right, self.right, loop.variable)
        columns = [self._load_right(inside, b, q) for q in pieces]
        totals = []
        assert self.left.place is not None
        down = self.left.place.terms[self.rank - 2]
        for r in range(height):
            x = inside.load(inside.offset(a, r * down, self.kind), self.kind)
            spread = {0: x}
            for place, (q, y) in enumerate(zip(pieces, columns, strict=True)):
                if q.lanes not in spread:
                    spread[q.lanes] = inside.splat(x, q.lanes)
                total = loop.carried[r * len(pieces) + place]
                totals.append(inside.fma(spread[q.lanes], y, total))
        results = loop.close(totals)
        self._epilogue(names, scopes, depth, height, pieces, results)

    def _start(self, s: Scope, access: Access, names: tuple[Value, ...]) -> Value:
        """The address at this batch, row and column, inner index 0."""
        pointer = self.writer.pointer(access.node)
        assert access.place is not None
        for term, name in zip(access.place.terms, names, strict=False):
            if term:
                step = name if term == 1 else s.binary("mul", name, s.integer(term))
                pointer = s.offset(pointer, step, self.kind)
        return s.offset(pointer, access.place.constant, self.kind)

    def _along(self, s: Scope, pointer: Value, access: Access, inner: Value) -> Value:
        assert access.place is not None
        term = access.place.terms[-1]
        if not term:
            return pointer
        step = inner if term == 1 else s.binary("mul", inner, s.integer(term))
        return s.offset(pointer, step, self.kind)

    def _load_right(self, s: Scope, pointer: Value, piece: Piece) -> Value:
        at = s.offset(pointer, piece.offset, self.kind)
        if piece.lanes == piece.count or (self.packed and piece.lanes):
            return s.load(at, self.kind, piece.lanes)
        if not piece.lanes:
            return s.load(at, self.kind)
        return s.load_part(at, self.kind, piece.lanes, piece.count)

    # --- what happens on the store -------------------------------------------------------------

    def _epilogue(
        self, names: tuple[Value, ...], scopes: list[Scope], depth: int, height: int,
        pieces: list[Piece], results: list[Value],
    ) -> None:  # fmt: skip
        """Store the tile: every node of the epilogue at every element of it."""
        rank, kernel = self.rank, self.kernel
        home = natural(self.node.shape)
        here = {t.node for t in kernel.tasks() if t.kind == "store"}
        totals: dict[Task, Value] = {}
        shared: dict[object, Deep] = {}
        depths = (*range(1, rank - 1), depth, depth)
        for r in range(height):
            for place, q in enumerate(pieces):
                point = Point(names, depths, tuple(scopes), rank - 1, q.lanes, q.count)
                result = results[r * len(pieces) + place]
                index = [*points(self.node.shape)]
                index[rank - 2] = index[rank - 2] + r
                index[rank - 1] = index[rank - 1] + q.offset
                moved = home + (home.terms[rank - 2] * r + home.terms[rank - 1] * q.offset)
                ready = {(self.node, moved): (result, depth)}
                memo = {k: v for k, v in shared.items() if _shareable(k, v, depth)}
                values = Values(self.writer, point, self.known, here, ready, memo=memo)
                self._store(values, moved, tuple(index), result, totals)
                shared.update(memo)
        self._accumulate(scopes[-1], names, totals)

    def _store(
        self,
        values: Values,
        place: Affine,
        index: Index,
        result: Value,
        totals: dict[Task, Value],
    ) -> None:
        silent = self.kernel.silent
        nodes = [t.node for t in self.kernel.tasks() if t.node not in silent and t.kind == "store"]
        # values first, then stores: a new value may take the place of the old one
        made = [(node, values.vector(node, index)) for node in nodes]
        if self.node not in silent:
            made.append((self.node, result))
        for task in self.late:
            assert task.source is not None
            op, scope = operation(task.node), values.point.scopes[-1]
            x = masked(op, scope, values.vector(task.source, index), values.point.count)
            if task in totals and totals[task].lanes != x.lanes:
                x = across(op, scope, x)
                totals[task] = across(op, scope, totals[task])
            totals[task] = combine(op, scope, totals[task], x) if task in totals else x
        for node, value in made:
            values.store(node, place, value)

    def _accumulate(self, s: Scope, names: tuple[Value, ...], totals: dict[Task, Value]) -> None:
        """Add a tile's part of each sum to the slot of its block."""
        if not totals:
            return
        variable, size = (names[-1], self.width) if self.packed else (names[-2], self.tile_rows)
        block = s.binary("udiv", variable, s.integer(size))
        for task, total in totals.items():
            op, kind = operation(task.node), memory_kind(task.node)
            at = s.offset(self.writer.pointer(task.node, slots=True), block, kind)
            s.store(combine(op, s, s.load(at, kind), across(op, s, total)), at)


def _shareable(key: object, deep: Deep, depth: int) -> bool:
    """Whether what one element of the tile computed holds for the others."""
    return deep[1] < depth or (isinstance(key, tuple) and key[0] == "address")
