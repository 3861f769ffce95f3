"""The value of a node at a point of a loop nest, as instructions in the outermost loop they fit.

Each value has a depth: the innermost loop it depends on. It is written into the scope in front of
the next loop at that depth, so what does not change in a loop is outside it without any pass. The
innermost loop may be a vector loop: what varies there is a vector, everything else a scalar that is
spread once.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from clearprop.nodes.node import Node
from clearprop.nodes.ops import elementwise
from clearprop.nodes.random import stream_key
from clearprop.readings.llvm.affine import Affine
from clearprop.readings.llvm.expression import FlatIndex, Index, arguments, base, flat
from clearprop.readings.llvm.gathering import gather
from clearprop.readings.llvm.ir import SCALARS, Value
from clearprop.readings.llvm.operations import apply
from clearprop.readings.llvm.places import Deep, Places, Point
from clearprop.readings.llvm.threefry import threefry

__all__ = ["Values"]


@dataclass
class Values:
    """Values at one point, each computed once.

    `here` are stored nodes that this very nest computes (evaluated, not loaded); `known` those that
    have an array; `ready` values that are already there: a product's accumulator, a row's sum.
    """

    places: Places
    known: Collection[Node]
    here: Collection[Node]
    ready: Mapping[tuple[Node, Affine], Deep]

    @property
    def point(self) -> Point:
        """Where the values are wanted."""
        return self.places.point

    @property
    def memo(self) -> dict[object, Deep]:
        """What has been computed, by node and index."""
        return self.places.memo

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
                return self.places.load(node, place)
        if node.op == "reshape" and base(node) in self.known and base(node) not in self.here:
            under, place = base(node), flat(node, index, self.width)
            return self.ready.get((under, place)) or self.places.load(under, place)
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
        (want, have), depth = self.together(
            [self.value(indices, at), self.places.number(index[-1], kind)]
        )
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
            return self.places.number(place, kind)
        whole, depth = self.places.number(place, "i32")
        return self.point.scopes[depth].convert("sitofp", whole, kind), depth

    def _random_bits(self, node: Node, index: Index) -> Deep:
        place = self.places.number(flat(node, index, self.width), "i32")
        seed, step = (self.value(a, ()) for a in node.args)
        (counter, key, second), depth = self.together([place, seed, step])
        scope = self.point.scopes[depth]
        stream = scope.integer(stream_key(node["stream"]), "i32", counter.lanes)
        return threefry(scope, key, stream, counter, second), depth

    def _gather(self, node: Node, index: Index) -> Deep:
        assert not isinstance(index, FlatIndex)
        table, indices = node.args
        split = len(indices.shape)
        return gather(self.places, table, self.value(indices, index[:split]), index[split:])
