"""Where elements lie at a point of a loop nest, and how they are read and written.

Every address, load and number has a depth, the innermost loop it depends on, and is written in
front of the next loop at that depth, once. Along the vector variable, elements that lie side by
side are one vector; others are collected lane by lane.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from clearprop.nodes.node import Node
from clearprop.readings.llvm.affine import Affine
from clearprop.readings.llvm.ir import SCALARS, Scope, Value
from clearprop.readings.llvm.writer import KernelWriter

__all__ = ["Deep", "Places", "Point", "memory_kind"]

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
class Places:
    """Addresses, loads and stores at one point.

    What the kernel has `made` in an earlier nest is not read outside the loop at depth `floor`;
    `slots` are the addresses of the block's slots of sums.
    """

    writer: KernelWriter
    point: Point
    memo: dict[object, Deep] = field(default_factory=dict)
    made: Collection[Node] = ()
    floor: int = 0
    slots: Mapping[Node, Deep] = field(default_factory=dict)

    def scalar_place(self, place: Affine) -> Deep:
        """sum of term * variable as an i64, without constant and vector variable."""
        total, depth = self.point.scopes[0].integer(0), 0
        parts = sorted(
            (self.point.depths[v], v, term)
            for v, term in enumerate(place.terms)
            if term and v != self.vector() and self.point.variables[v] is not None
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

    def vector(self) -> int | None:
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
        vector = self.vector()
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
        point, vector = self.point, self.vector()
        term = place.terms[vector] if vector is not None else 0
        pointer, depth = self.address(node, place, slots)
        if node in self.made:
            depth = max(depth, self.floor)
        if term or here:
            depth = point.deepest
        return self.load_from(point.scopes[depth], node, pointer, place), depth

    def load_from(self, scope: Scope, node: Node, pointer: Value, place: Affine) -> Value:
        """An element at an address, or the lanes of a vector that begins there."""
        kind, point, vector = memory_kind(node), self.point, self.vector()
        term = place.terms[vector] if vector is not None else 0
        if not term:
            return scope.load(pointer, kind)
        if term == 1 and point.count == point.lanes:
            return scope.load(pointer, kind, point.lanes)
        if term == 1 and kind != "i1":
            return scope.load_part(pointer, kind, point.lanes, point.count)
        total = scope.zero(kind, point.lanes)
        for lane in range(point.count):
            at = scope.offset(pointer, lane * term, "i8" if kind == "i1" else kind)
            total = scope.insert(total, scope.load(at, kind), lane)
        return total

    def store(self, node: Node, place: Affine, value: Value, slots: bool = False) -> None:
        """Put an element, or the real lanes of a vector, into a stored array."""
        point = self.point
        scope = point.scopes[point.deepest]
        vector = self.vector()
        term = place.terms[vector] if vector is not None else 0
        pointer, _ = self.address(node, place, slots)
        if not value.lanes or (term == 1 and point.count == point.lanes):
            scope.store(value, pointer)
        elif term == 1 and value.kind != "i1":
            scope.store_first(value, pointer, point.count)
        else:
            for lane in range(point.count):
                at = scope.offset(pointer, lane * term, "i8" if value.kind == "i1" else value.kind)
                scope.store(scope.extract(value, lane), at)
