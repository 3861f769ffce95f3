"""The register tile: rows x vectors of a product kept in registers over the whole inner sum.

Each turn of the inner loop loads one row piece of the right operand and spreads one element of the
left for each tile row. Each element is summed over the inner index in order, whatever tile it falls
in, so the bits do not depend on the tiling.

Measured: such a tile reached 33-39 of 40-47 GFLOP/s a core on AVX2, 6 x 16 floats.
"""

from dataclasses import dataclass

from clearprop.nodes.node import Node
from clearprop.readings.llvm.expression import Access
from clearprop.readings.llvm.ir import Scope, Value
from clearprop.readings.llvm.places import memory_kind
from clearprop.readings.llvm.target import Target
from clearprop.readings.llvm.writer import KernelWriter, open_loop

__all__ = ["Operands", "Piece", "pieces", "tile_shape", "write_tile"]


def tile_shape(target: Target, dtype: str, columns: int) -> tuple[int, int]:
    """Rows and vectors of the tile, so that its sums, a row piece and one spread fit the registers.

    >>> from clearprop.readings.llvm.target import TARGETS
    >>> tile_shape(TARGETS["avx2"], "float32", 128)
    (6, 2)
    """
    vectors = -(-columns // target.lanes(dtype))
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


def pieces(target: Target, dtype: str, columns: int) -> list[Piece]:
    """Columns as whole vectors and what is left: one partial vector, or single columns."""
    lanes = target.lanes(dtype)
    out = [Piece(place, lanes, lanes) for place in range(0, columns - lanes + 1, lanes)]
    place = len(out) * lanes
    rest = columns - place
    if rest == 1 or (rest and not target.masked):
        out += [Piece(place + c, 0, 1) for c in range(rest)]
    elif rest:
        while lanes // 2 >= rest:
            lanes //= 2
        out.append(Piece(place, lanes, rest))
    return out


@dataclass
class Operands:
    """Where a tile finds its operands; `panel` is a packed copy of the right one, `width` wide."""

    node: Node
    left: Access
    right: Access
    panel: Value | None = None
    width: int = 0


def write_tile(
    writer: KernelWriter,
    operands: Operands,
    names: tuple[Value, ...],
    body: Scope,
    height: int,
    columns: list[Piece],
) -> list[Value]:
    """The inner loop of a tile at a batch, row and column; its sums, row after row."""
    kind = memory_kind(operands.node)
    first = [body.zero(kind, q.lanes) for _ in range(height) for q in columns]
    inner = writer.extent(operands.node.args[0].shape[-1])
    loop = open_loop(body, body.integer(0), inner, 1, first)
    turn = loop.body
    left = operand_start(writer, loop.pre, operands.left, names, kind)
    a = _along(turn, left, operands.left, loop.variable, kind)
    if operands.panel is None:
        right = operand_start(writer, loop.pre, operands.right, names, kind)
        b = _along(turn, right, operands.right, loop.variable, kind)
    else:
        step = turn.binary("mul", loop.variable, turn.integer(operands.width))
        b = turn.offset(operands.panel, step, kind)
    row = [_load_piece(turn, b, q, kind, operands.panel is not None) for q in columns]
    assert operands.left.place is not None
    down = operands.left.place.terms[len(names) - 2]
    totals = []
    for r in range(height):
        x = turn.load(turn.offset(a, r * down, kind), kind)
        spread = {0: x}
        for place, (q, y) in enumerate(zip(columns, row, strict=True)):
            if q.lanes not in spread:
                spread[q.lanes] = turn.splat(x, q.lanes)
            totals.append(turn.fma(spread[q.lanes], y, loop.carried[r * len(columns) + place]))
    return loop.close(totals)


def operand_start(
    writer: KernelWriter, s: Scope, access: Access, names: tuple[Value, ...], kind: str
) -> Value:
    """The address of an operand at a batch, row and column, at inner index 0."""
    pointer = writer.pointer(access.node)
    assert access.place is not None
    for term, name in zip(access.place.terms, names, strict=False):
        if term:
            step = name if term == 1 else s.binary("mul", name, s.integer(term))
            pointer = s.offset(pointer, step, kind)
    return s.offset(pointer, access.place.constant, kind)


def _along(s: Scope, pointer: Value, access: Access, inner: Value, kind: str) -> Value:
    """The address moved along the inner index."""
    assert access.place is not None
    term = access.place.terms[-1]
    if not term:
        return pointer
    step = inner if term == 1 else s.binary("mul", inner, s.integer(term))
    return s.offset(pointer, step, kind)


def _load_piece(s: Scope, pointer: Value, piece: Piece, kind: str, padded: bool) -> Value:
    at = s.offset(pointer, piece.offset, kind)
    if piece.lanes == piece.count or (padded and piece.lanes):
        return s.load(at, kind, piece.lanes)
    return s.load_part(at, kind, piece.lanes, piece.count) if piece.lanes else s.load(at, kind)
