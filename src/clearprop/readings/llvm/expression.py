"""How the value of a node at an index follows from its arguments at other indices.

Both the planner (which arrays does this read, and where) and the emitters (write the code) walk
expressions through `arguments`, so they cannot disagree.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from clearprop.errors import EngineError
from clearprop.nodes.node import Node
from clearprop.nodes.ops import elementwise
from clearprop.nodes.shapes import Shape, has_rows, size
from clearprop.readings.llvm.affine import Affine, buffer_strides, linear

__all__ = ["Access", "FlatIndex", "Index", "NotFlatError", "accesses", "arguments", "base", "flat",
           "rows_lead", "squeezes"]  # fmt: skip


class NotFlatError(EngineError):
    """An expression whose elements do not all stand at the same flat place."""


@dataclass(frozen=True, slots=True)
class FlatIndex:
    """An element by its flat place, where every array of an expression is walked in one order."""

    place: Affine


Index = tuple[Affine, ...] | FlatIndex
"""One affine expression a dimension of the node, or the flat place."""


def squeezes(node: Node) -> bool:
    """Whether a reshape only adds or drops dimensions of size 1."""
    (x,) = node.args
    return [d for d in x.shape if d != 1] == [d for d in node.shape if d != 1]


def base(node: Node) -> Node:
    """The node below a chain of reshapes: the same elements in the same order."""
    while node.op == "reshape":
        (node,) = node.args
    return node


def rows_lead(shape: Shape) -> bool:
    """Whether rows, if there are any, are the first axis longer than 1, as they are in memory."""
    return not has_rows([d for d in shape if d != 1][1:])


def _same_order(node: Node) -> bool:
    """Whether a reshape's elements lie in memory as its argument's do, where rows come first."""
    return squeezes(node) or (rows_lead(node.shape) and rows_lead(node.args[0].shape))


def _flat_arguments(node: Node, index: FlatIndex, count: int) -> list[tuple[Node, Index]]:
    op = node.op
    if elementwise(op) or (op == "reshape" and _same_order(node)):
        return [(a, index) for a in node.args]
    if op == "broadcast" and size(node.args[0].shape) == 1:
        (x,) = node.args
        return [(x, (Affine((0,) * count),) * len(x.shape))]
    if op == "random_bits":
        return [(a, ()) for a in node.args]
    if not node.args and size(node.shape) == 1:
        return []
    raise NotFlatError(f"{op} is not read in one order")


def arguments(node: Node, index: Index, count: int) -> list[tuple[Node, Index]]:
    """The arguments of a computed node with the index at which each is read.

    `count` is the number of loop variables. Stored nodes and those with rules of their own (gather,
    reductions) do not come here.
    """
    if isinstance(index, FlatIndex):
        return _flat_arguments(node, index, count)
    op = node.op
    if elementwise(op):
        return [(a, index) for a in node.args]
    zero = Affine((0,) * count)
    if op == "broadcast":
        (x,) = node.args
        return [(x, tuple(zero if d == 1 else i for d, i in zip(x.shape, index, strict=True)))]
    if op == "transpose":
        out = [zero] * len(index)
        for place, axis in enumerate(node["order"]):
            out[axis] = index[place]
        return [(node.args[0], tuple(out))]
    if op == "slice":
        moved = zip(index, node["starts"], node["steps"], strict=True)
        return [(node.args[0], tuple(i.times(step) + start for i, start, step in moved))]
    if op == "flip":
        (x,) = node.args
        turned = [
            i.times(-1) + (d - 1) if axis in node["axes"] and isinstance(d, int) else i
            for axis, (i, d) in enumerate(zip(index, x.shape, strict=True))
        ]
        return [(x, tuple(turned))]
    if op == "reshape":
        (x,) = node.args
        kept = iter([i for d, i in zip(node.shape, index, strict=True) if d != 1])
        return [(x, tuple(next(kept) if d != 1 else zero for d in x.shape))]
    if op == "one_hot":
        return [(node.args[0], index[:-1])]
    return [(a, ()) for a in node.args]


def flat(node: Node, index: Index, count: int) -> Affine:
    """The place of an index in the stored array."""
    if isinstance(index, FlatIndex):
        return index.place
    return linear(index, buffer_strides(node.shape), count)


@dataclass(frozen=True)
class Access:
    """A stored array that an expression reads, and where; `place` is None behind a gather."""

    node: Node
    place: Affine | None


def accesses(
    roots: list[tuple[Node, Index]], count: int, stored: Collection[Node]
) -> Iterator[Access]:
    """What expressions read, down to stored nodes; a root that is stored is itself an access."""
    seen: set[tuple[Node, Index]] = set()
    stack = list(roots)
    while stack:
        node, index = stack.pop()
        if (node, index) in seen:
            continue
        seen.add((node, index))
        if node in stored:
            yield Access(node, flat(node, index, count))
        elif node.op == "reshape" and base(node) in stored:
            yield Access(base(node), flat(node, index, count))
        elif node.op == "gather":
            if isinstance(index, FlatIndex):
                raise NotFlatError("gather is not read in one order")
            table, indices = node.args
            yield Access(table, None)
            stack.append((indices, index[: len(indices.shape)]))
        else:
            stack.extend(arguments(node, index, count))
