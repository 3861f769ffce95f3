"""What there is to do for a stored node: tasks, the nests of loops they stand in, the kernels."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from clearprop.nodes.node import Node
from clearprop.nodes.shapes import Dim, Shape
from clearprop.readings.llvm.affine import Affine, buffer_strides, linear, points, variables
from clearprop.readings.llvm.expression import FlatIndex, Index

__all__ = ["REDUCE", "Kernel", "Nest", "Task", "flat_task", "tasks_of"]

REDUCE = frozenset({"sum", "max", "argmax"})


@dataclass(frozen=True)
class Task:
    """One thing a nest does at each point of its domain.

    `store`: the value of `source` goes to `place` of the node's array; `reduce`: it is accumulated
    over `axes`; `scatter`: it is added where an index says. A source of None is zero.
    """

    node: Node
    source: Node | None
    kind: str
    domain: Shape
    index: Index
    place: Affine | None = None
    axes: tuple[int, ...] = ()

    @property
    def late(self) -> bool:
        """Whether the result is ready only when the kernel has ended."""
        return self.kind == "scatter" or (self.kind == "reduce" and 0 in self.axes)


@dataclass(eq=False)
class Nest:
    """Loops over one inner domain (the head excluded), and what is done inside."""

    inner: Shape
    tasks: list[Task] = field(default_factory=list)


@dataclass(eq=False)
class Kernel:
    """One loop over a head, or one product.

    `silent` nodes stay in registers. `aligned` ones would, if their row were one vector: only later
    nests with the same loops read them, at the same element. `touched` is all it reads or makes.
    """

    form: str
    head: Dim
    nests: list[Nest] = field(default_factory=list)
    product: Node | None = None
    silent: set[Node] = field(default_factory=set)
    aligned: set[Node] = field(default_factory=set)
    touched: set[Node] = field(default_factory=set)

    def tasks(self) -> list[Task]:
        """All tasks, in order."""
        return [t for nest in self.nests for t in nest.tasks]


def tasks_of(node: Node) -> list[Task]:
    """What must be done to make a stored node, over which domains, with natural indices."""
    if node.op == "argmax":
        return [_argmax(node)]
    if node.op in REDUCE:
        (x,) = node.args
        return [Task(node, x, "reduce", x.shape, points(x.shape), axes=node["axes"])]
    if node.op == "concatenate":
        return _joined(node)
    nowhere = (0,) * len(node.shape)
    if node.op == "pad":
        (x,) = node.args
        return [_piece(node, None, node.shape, nowhere), _piece(node, x, x.shape, node["low"])]
    if node.op == "scatter_add":
        updates, _ = node.args
        adding = Task(node, updates, "scatter", updates.shape, points(updates.shape))
        return [_piece(node, None, node.shape, nowhere), adding]
    return [_piece(node, node, node.shape, nowhere)]


def _argmax(node: Node) -> Task:
    """The domain has the searched axis last, so that it is the innermost loop."""
    (x,), axis, rank = node.args, node["axis"], len(node.args[0].shape)
    order = [*(i for i in range(rank) if i != axis), axis]
    domain = tuple(x.shape[i] for i in order)
    names = points(domain)
    index = tuple(names[order.index(i)] for i in range(rank))
    return Task(node, x, "reduce", domain, index, axes=(rank - 1,))


def _joined(node: Node) -> list[Task]:
    """One piece an argument of concatenate, each behind the one before."""
    out, start, axis = [], 0, node["axis"]
    for x in node.args:
        offsets = tuple(start if i == axis else 0 for i in range(len(x.shape)))
        out.append(_piece(node, x, x.shape, offsets))
        width = x.shape[axis]
        assert isinstance(width, int)  # the shape rule of concatenate
        start += width
    return out


def _piece(node: Node, source: Node | None, domain: Shape, offsets: Sequence[int]) -> Task:
    rank = len(domain)
    names = points(domain)
    moved = [v + o for v, o in zip(names, offsets, strict=True)]
    place = linear(moved, buffer_strides(node.shape), rank)
    return Task(node, source, "store", domain, names, place)


def flat_task(task: Task) -> Task:
    """The same task over one flat index; its domain keeps the shape, for comparing."""
    (name,) = variables(1)
    axes = (0,) if task.kind == "reduce" else ()
    place = name if task.kind == "store" else None
    return Task(task.node, task.source, task.kind, task.domain, FlatIndex(name), place, axes)
