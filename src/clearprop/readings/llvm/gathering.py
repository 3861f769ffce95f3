"""Reading rows of a table by loaded numbers. A number outside the table is held inside it."""

from clearprop.errors import EngineError
from clearprop.nodes.node import Node
from clearprop.readings.llvm.affine import Affine
from clearprop.readings.llvm.expression import flat
from clearprop.readings.llvm.ir import Scope, Value
from clearprop.readings.llvm.places import Deep, Places, memory_kind

__all__ = ["gather", "row_address"]


def gather(places: Places, table: Node, row: Deep, rest: tuple[Affine, ...]) -> Deep:
    """The table's element at a loaded row and an index of its other axes."""
    width = len(places.point.variables)
    zero = Affine((0,) * width)
    limit = table.shape[0]
    if not isinstance(limit, int):
        raise EngineError("gather from an array with a row for each row is not compiled")
    step = flat(table, (zero + 1, *(zero for _ in table.shape[1:])), width).constant
    place = flat(table, (zero, *rest), width)
    value, depth = row
    if value.lanes:
        return _by_lanes(places, table, value, place, step, limit), places.point.deepest
    pointer, at = places.address(table, place)
    depth = max(depth, at)
    vector = places.vector()
    if vector is not None and place.terms[vector]:
        depth = places.point.deepest
    scope = places.point.scopes[depth]
    pointer = row_address(scope, table, pointer, value, step, limit)
    return places.load_from(scope, table, pointer, place), depth


def row_address(
    scope: Scope, table: Node, pointer: Value, row: Value, step: int, limit: int
) -> Value:
    """The address of a row, held inside the table (no stray reads)."""
    wide = row if row.kind == "i64" else scope.convert("sext", row, "i64")
    wide = scope.select(scope.icmp("slt", wide, scope.integer(0)), scope.integer(0), wide)
    last = scope.integer(max(limit - 1, 0))
    wide = scope.select(scope.icmp("slt", last, wide), last, wide)
    kind = "i8" if table.dtype == "bool" else memory_kind(table)
    return scope.offset(pointer, scope.binary("mul", wide, scope.integer(step)), kind)


def _by_lanes(
    places: Places, table: Node, rows: Value, place: Affine, step: int, limit: int
) -> Value:
    """Each lane has a row of its own."""
    kind, point = memory_kind(table), places.point
    scope = point.scopes[point.deepest]
    vector = places.vector()
    term = place.terms[vector] if vector is not None else 0
    pointer, _ = places.address(table, place)
    total = scope.zero(kind, point.lanes)
    for lane in range(point.count):
        row = row_address(scope, table, pointer, scope.extract(rows, lane), step, limit)
        at = scope.offset(row, lane * term, "i8" if kind == "i1" else kind)
        total = scope.insert(total, scope.load(at, kind), lane)
    return total
