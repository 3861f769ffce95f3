"""The value of a node at a point of a loop nest, as instructions in the outermost loop they fit.

Each value has a depth: the innermost loop it depends on. It is written into the scope in front of
the next loop at that depth, so what does not change in a loop is outside it without any pass. The
innermost loop may be a vector loop: what varies there is a vector, everything else a scalar that is
spread once.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from clearprop.errors import EngineError
from clearprop.nodes.node import Node
from clearprop.nodes.ops import elementwise
from clearprop.nodes.random import stream_key
from clearprop.readings.llvm.affine import Affine
from clearprop.readings.llvm.expression import FlatIndex, Index, arguments, base, flat
from clearprop.readings.llvm.ir import SCALARS, Scope, Value
from clearprop.readings.llvm.operations import apply
from clearprop.readings.llvm.threefry import threefry
from clearprop.readings.llvm.writer import KernelWriter

__all__ = ["Deep", "Point", "Values", "memory_kind"]

Deep = tuple[Value, int]
"""A value and its depth."""


def memory_kind(node: Node) -> str:
    """The element type as an array holds it."""
    return SCALARS[node.dtype]


@dataclass(frozen=True)
class Point:
    """Where values are wanted: the loop variables (None: always 0) with their depths, and lanes.

    `vector` is the variable that runs over lanes; `count` lanes of `lanes` are real, the others of
    a partial vector are zero on loading and never stored.
    """

    variables: tuple[Value | None, ...]
    depths: tuple[int, ...]
    scopes: tuple[Scope, ...]
    vector: int | None = None
    lanes: int = 0
    count: int = 0

    @property
    def deepest(self) -> int:
        """The depth of the innermost loop."""
        return len(self.scopes) - 1


@dataclass
class Values:
    """Values at one point, each computed once.

    `here` are stored nodes that this very nest computes (evaluated, not loaded); `known` those that
    have an array; `ready` values that are already there: a product's accumulator, a row's sum.
    What the kernel has `made` in an earlier nest is not read outside the loop at depth `floor`.
    """

    writer: KernelWriter
    point: Point
    known: Collection[Node]
    here: Collection[Node]
    ready: Mapping[tuple[Node, Affine], Deep]
    slots: Mapping[Node, Deep] = field(default_factory=dict)
    made: Collection[Node] = ()
    floor: int = 0
    memo: dict[object, Deep] = field(default_factory=dict)

    @property
    def width(self) -> int:
        """How many loop variables there are."""
        return len(self.point.variables)

    def value(self, node: Node, index: Index) -> Deep:
        """The node's value at an index: a vector if it varies along the vector variable."""
        key = (node, index)
        found = self.memo.get(key)
        if found is None:
            found = self.memo[key] = self._value(node, index)
        return found

    def vector(self, node: Node, index: Index) -> Value:
        """The value in all lanes (a scalar where there are none)."""
        return self.spread(self.value(node, index))

    def spread(self, deep: Deep) -> Value:
        """A scalar in all lanes, written where the scalar was."""
        value, depth = deep
        if not self.point.lanes or value.lanes:
            return value
        key = ("spread", value, self.point.lanes)
        if key not in self.memo:
            spread = self.point.scopes[depth].splat(value, self.point.lanes)
            self.memo[key] = (spread, depth)
        return self.memo[key][0]

    def _value(self, node: Node, index: Index) -> Deep:
        if node in self.known:
            place = flat(node, index, self.width)
            if (node, place) in self.ready:
                return self.ready[node, place]
            if node not in self.here:
                return self.load(node, place)
        if node.op == "reshape" and base(node) in self.known and base(node) not in self.here:
            under, place = base(node), flat(node, index, self.width)
            return self.ready.get((under, place)) or self.load(under, place)
        if node.op == "constant":
            return self._constant(node), 0
        if elementwise(node.op):
            return self._elementwise(node, index)
        special = {
            "gather": self._gather,
            "one_hot": self._one_hot,
            "iota": self._iota,
            "random_bits": self._random_bits,
        }.get(node.op)
        if special is not None:
            return special(node, index)
        ((argument, moved),) = arguments(node, index, self.width)
        return self.value(argument, moved)

    # --- computing -----------------------------------------------------------------------------

    def _constant(self, node: Node) -> Value:
        kind, scope = SCALARS[node.dtype], self.point.scopes[0]
        if kind in ("float", "double"):
            return scope.number(node["value"], kind)
        return scope.integer(int(node["value"]), kind)

    def together(self, deeps: list[Deep]) -> tuple[list[Value], int]:
        """Values made alike (all vectors or all scalars), and the depth where they all exist."""
        depth = max(d for _, d in deeps)
        if any(v.lanes for v, _ in deeps):
            return [self.spread(d) for d in deeps], self.point.deepest
        return [v for v, _ in deeps], depth

    def _elementwise(self, node: Node, index: Index) -> Deep:
        args, depth = self.together(
            [self.value(a, i) for a, i in arguments(node, index, self.width)]
        )
        return apply(self.point.scopes[depth], node, args), depth

    def _one_hot(self, node: Node, index: Index) -> Deep:
        assert not isinstance(index, FlatIndex)
        ((indices, at),) = arguments(node, index, self.width)
        kind = SCALARS[indices.dtype]
        (want, have), depth = self.together([self.value(indices, at), self.number(index[-1], kind)])
        scope = self.point.scopes[depth]
        hit = scope.icmp("eq", want, have)
        to = SCALARS[node.dtype]
        if to == "i1":
            return hit, depth
        one = (
            scope.number(1.0, to, hit.lanes)
            if to in ("float", "double")
            else scope.integer(1, to, hit.lanes)
        )
        return scope.select(hit, one, scope.zero(to, hit.lanes)), depth

    def _iota(self, node: Node, index: Index) -> Deep:
        place = index.place if isinstance(index, FlatIndex) else index[node["axis"]]
        kind = SCALARS[node.dtype]
        if kind not in ("float", "double"):
            return self.number(place, kind)
        whole, depth = self.number(place, "i32")
        return self.point.scopes[depth].convert("sitofp", whole, kind), depth

    def _random_bits(self, node: Node, index: Index) -> Deep:
        place = self.number(flat(node, index, self.width), "i32")
        seed, step = (self.value(a, ()) for a in node.args)
        (counter, key, second), depth = self.together([place, seed, step])
        scope = self.point.scopes[depth]
        stream = scope.integer(stream_key(node["stream"]), "i32", counter.lanes)
        return threefry(scope, key, stream, counter, second), depth

    # --- places --------------------------------------------------------------------------------

    def scalar_place(self, place: Affine) -> Deep:
        """sum of term * variable as an i64, without constant and vector variable."""
        total, depth = self.point.scopes[0].integer(0), 0
        parts = sorted(
            (self.point.depths[v], v, term)
            for v, term in enumerate(place.terms)
            if term and v != self._vector() and self.point.variables[v] is not None
        )
        key: tuple[object, ...] = ("place",)
        for at, v, term in parts:
            key = (*key, v, term)
            if key not in self.memo:
                scope, variable = self.point.scopes[at], self.point.variables[v]
                assert variable is not None
                part = variable if term == 1 else scope.binary("mul", variable, scope.integer(term))
                if total.text != "0":
                    part = scope.binary("add", total, part)
                self.memo[key] = (part, at)
            total, depth = self.memo[key]
        return total, depth

    def _vector(self) -> int | None:
        return self.point.vector if self.point.lanes else None

    def _lane_base(self) -> Value:
        assert self.point.vector is not None
        variable = self.point.variables[self.point.vector]
        return variable if variable is not None else self.point.scopes[0].integer(0)

    def number(self, place: Affine, kind: str) -> Deep:
        """An index as a whole number; a vector of them along the vector variable."""
        key = ("number", place, kind)
        if key in self.memo:
            return self.memo[key]
        total, depth = self.scalar_place(place)
        vector = self._vector()
        term = place.terms[vector] if vector is not None else 0
        if term:
            depth = self.point.deepest
        scope = self.point.scopes[depth]
        if term:
            step = scope.binary("mul", self._lane_base(), scope.integer(term))
            total = scope.binary("add", total, step)
        if place.constant:
            total = scope.binary("add", total, scope.integer(place.constant))
        if kind == "i32":
            total = (
                scope.convert("trunc", total, "i32")
                if total.text[0] == "%"
                else Value(total.text, "i32")
            )
        if term:
            lanes = self.point.lanes
            steps = ", ".join(f"{kind} {lane * term}" for lane in range(lanes))
            total = scope.binary("add", scope.splat(total, lanes), Value(f"<{steps}>", kind, lanes))
        self.memo[key] = total, depth
        return self.memo[key]

    def address(self, node: Node, place: Affine, slots: bool = False) -> Deep:
        """Where an element (the first lane's) lies, in the deepest loop that it depends on."""
        kind = "i8" if node.dtype == "bool" else memory_kind(node)
        key: tuple[object, ...] = ("address", node, slots)
        pointer, depth = self.slots[node] if slots else (self.writer.pointer(node), 0)
        parts = sorted(
            (self.point.depths[v], v, term)
            for v, term in enumerate(place.terms)
            if term and self.point.variables[v] is not None
        )
        for at, v, term in parts:
            key = (*key, v, term)
            if key not in self.memo:
                scope, variable = self.point.scopes[at], self.point.variables[v]
                assert variable is not None
                step = variable if term == 1 else scope.binary("mul", variable, scope.integer(term))
                self.memo[key] = (scope.offset(pointer, step, kind), at)
            pointer, depth = self.memo[key]
        if place.constant:
            key = (*key, "constant", place.constant)
            if key not in self.memo:
                moved = self.point.scopes[depth].offset(pointer, place.constant, kind)
                self.memo[key] = (moved, depth)
            pointer, depth = self.memo[key]
        return pointer, depth

    # --- memory --------------------------------------------------------------------------------

    def load(self, node: Node, place: Affine, slots: bool = False) -> Deep:
        """An element, or the lanes of a vector, of a stored array."""
        key = ("load", node, place, slots)
        if key not in self.memo:
            self.memo[key] = self._load(node, place, slots)
        return self.memo[key]

    def load_now(self, node: Node, place: Affine, slots: bool) -> Deep:
        """A load that stays where it is, of what this nest also writes (an accumulation)."""
        return self._load(node, place, slots, here=True)

    def _load(self, node: Node, place: Affine, slots: bool, here: bool = False) -> Deep:
        kind, point = memory_kind(node), self.point
        vector = self._vector()
        term = place.terms[vector] if vector is not None else 0
        pointer, depth = self.address(node, place, slots)
        if node in self.made:
            depth = max(depth, self.floor)
        if not term:
            depth = point.deepest if here else depth
            return point.scopes[depth].load(pointer, kind), depth
        scope = point.scopes[point.deepest]
        whole = point.count == point.lanes
        if term == 1 and whole:
            return scope.load(pointer, kind, point.lanes), point.deepest
        if term == 1 and kind != "i1":
            return scope.load_part(pointer, kind, point.lanes, point.count), point.deepest
        total = scope.zero(kind, point.lanes)
        for lane in range(point.count):
            at = scope.offset(pointer, lane * term, "i8" if kind == "i1" else kind)
            total = scope.insert(total, scope.load(at, kind), lane)
        return total, point.deepest

    def _gather(self, node: Node, index: Index) -> Deep:
        assert not isinstance(index, FlatIndex)
        table, indices = node.args
        split = len(indices.shape)
        row, depth = self.value(indices, index[:split])
        zero = Affine((0,) * self.width)
        rest = flat(table, (zero, *index[split:]), self.width)
        limit = table.shape[0]
        if not isinstance(limit, int):
            raise EngineError("gather from an array with a row for each row is not compiled")
        step = flat(table, (zero + 1, *(zero for _ in table.shape[1:])), self.width).constant
        if row.lanes:
            return self._gather_lanes(table, row, rest, step, limit), self.point.deepest
        pointer, at = self.address(table, rest)
        depth = max(depth, at)
        vector = self._vector()
        if vector is not None and rest.terms[vector]:
            depth = self.point.deepest
        pointer = self.row(self.point.scopes[depth], table, pointer, row, step, limit)
        return self._from(table, pointer, rest, depth)

    def row(
        self, scope: Scope, table: Node, pointer: Value, row: Value, step: int, limit: int
    ) -> Value:
        """The address of a gathered row; an index outside is held inside (no stray reads)."""
        wide = row if row.kind == "i64" else scope.convert("sext", row, "i64")
        wide = scope.select(scope.icmp("slt", wide, scope.integer(0)), scope.integer(0), wide)
        last = scope.integer(max(limit - 1, 0))
        wide = scope.select(scope.icmp("slt", last, wide), last, wide)
        kind = "i8" if table.dtype == "bool" else memory_kind(table)
        return scope.offset(pointer, scope.binary("mul", wide, scope.integer(step)), kind)

    def _from(self, table: Node, pointer: Value, rest: Affine, depth: int) -> Deep:
        kind, point, scope = memory_kind(table), self.point, self.point.scopes[depth]
        vector = self._vector()
        term = rest.terms[vector] if vector is not None else 0
        if not term:
            return scope.load(pointer, kind), depth
        total = scope.zero(kind, point.lanes)
        if term == 1 and kind != "i1":
            if point.count == point.lanes:
                return scope.load(pointer, kind, point.lanes), depth
            return scope.load_part(pointer, kind, point.lanes, point.count), depth
        for lane in range(point.count):
            at = scope.offset(pointer, lane * term, "i8" if kind == "i1" else kind)
            total = scope.insert(total, scope.load(at, kind), lane)
        return total, depth

    def _gather_lanes(self, table: Node, rows: Value, rest: Affine, step: int, limit: int) -> Value:
        kind, point = memory_kind(table), self.point
        scope = point.scopes[point.deepest]
        vector = self._vector()
        term = rest.terms[vector] if vector is not None else 0
        pointer, _ = self.address(table, rest)
        total = scope.zero(kind, point.lanes)
        for lane in range(point.count):
            row = self.row(scope, table, pointer, scope.extract(rows, lane), step, limit)
            at = scope.offset(row, lane * term, "i8" if kind == "i1" else kind)
            total = scope.insert(total, scope.load(at, kind), lane)
        return total

    def store(self, node: Node, place: Affine, value: Value, slots: bool = False) -> None:
        """Put an element, or the real lanes of a vector, into a stored array."""
        point = self.point
        scope = point.scopes[point.deepest]
        vector = self._vector()
        term = place.terms[vector] if vector is not None else 0
        pointer, _ = self.address(node, place, slots)
        if not value.lanes or (term == 1 and point.count == point.lanes):
            scope.store(value, pointer)
        elif term == 1 and value.kind != "i1":
            self._store_part(scope, value, pointer)
        else:
            for lane in range(point.count):
                at = scope.offset(pointer, lane * term, "i8" if value.kind == "i1" else value.kind)
                scope.store(scope.extract(value, lane), at)

    def _store_part(self, scope: Scope, value: Value, pointer: Value) -> None:
        """The real lanes in halves, quarters ... of a vector.

        Not one masked store: the load of the next row waits for it, as if it wrote all lanes. At
        100 x 10 that made an update four times slower.
        """
        place, width = 0, value.lanes // 2
        while place < self.point.count:
            while place + width > self.point.count:
                width //= 2
            part = scope.shuffle(value, value, range(place, place + width))
            part = scope.extract(part, 0) if width == 1 else part
            scope.store(part, scope.offset(pointer, place, value.kind))
            place += width
