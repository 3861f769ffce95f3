"""From a graph to kernels: who is computed together, in which loops.

Idea. Stored nodes are visited in order; each joins the first kernel in which all it needs is ready,
else it opens one. Kernels run in the order of their list and a node joins only at or after the
kernels it reads from, so no cycle can arise. Three forms:

    flat     all arrays walked in one order by one index: elementwise work, whole sums
    rows     a loop over the leading dimension (the head); per row a list of passes (nests), each
             with its inner loops. Softmax, layer norm, losses: later passes find the row in L1. A
             reduction over the head rides along and is ready when the kernel ends.
    whole    one nest over all dimensions, in one block: what fits neither
    turn     a transposed copy

A product is a kernel of its own whose store carries an epilogue: elementwise nodes of its shape,
and sums over all of it.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from clearprop.nodes.graph import Graph
from clearprop.nodes.node import Node
from clearprop.nodes.shapes import Dim, Shape, size
from clearprop.readings.llvm.affine import (
    Affine,
    buffer_strides,
    linear,
    natural,
    points,
    variables,
)
from clearprop.readings.llvm.expression import Access, FlatIndex, Index, NotFlatError, accesses
from clearprop.readings.llvm.stored import stored_nodes
from clearprop.readings.llvm.turn import turns

__all__ = ["Kernel", "Nest", "Plan", "Task", "plan"]

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
    """One loop over a head, or one product; `silent` nodes stay in registers."""

    form: str
    head: Dim
    nests: list[Nest] = field(default_factory=list)
    product: Node | None = None
    silent: set[Node] = field(default_factory=set)
    touched: set[Node] = field(default_factory=set)

    def tasks(self) -> list[Task]:
        """All tasks, in order."""
        return [t for nest in self.nests for t in nest.tasks]


@dataclass(eq=False)
class Plan:
    """Kernels in order, which kernel makes a node, what each node's making reads."""

    graph: Graph
    stored: set[Node]
    kernels: list[Kernel]
    maker: dict[Node, int]
    reads: dict[Node, list[Access]]
    nest_of: dict[Node, int]


def _tasks(node: Node) -> list[Task]:
    """What must be done to make a stored node, over which domains, with natural indices."""
    op = node.op
    if op in REDUCE:
        (x,) = node.args
        rank = len(x.shape)
        axes = node["axes"] if op != "argmax" else (node["axis"],)
        order = [i for i in range(rank) if i not in axes] + list(axes) if op == "argmax" else []
        if op == "argmax":
            domain = tuple(x.shape[i] for i in order)
            names = points(domain)
            index = tuple(names[order.index(i)] for i in range(rank))
            return [Task(node, x, "reduce", domain, index, axes=(rank - 1,))]
        return [Task(node, x, "reduce", x.shape, points(x.shape), axes=axes)]
    if op == "pad":
        (x,) = node.args
        return [_piece(node, None, node.shape, (0,) * len(x.shape)),
                _piece(node, x, x.shape, node["low"])]  # fmt: skip
    if op == "concatenate":
        out, start, axis = [], 0, node["axis"]
        for x in node.args:
            offsets = tuple(start if i == axis else 0 for i in range(len(x.shape)))
            out.append(_piece(node, x, x.shape, offsets))
            width = x.shape[axis]
            assert isinstance(width, int)  # the shape rule of concatenate
            start += width
        return out
    if op == "scatter_add":
        updates, _ = node.args
        return [_piece(node, None, node.shape, (0,) * len(node.shape)),
                Task(node, updates, "scatter", updates.shape, points(updates.shape))]  # fmt: skip
    return [_piece(node, node, node.shape, (0,) * len(node.shape))]


def _piece(node: Node, source: Node | None, domain: Shape, offsets: Sequence[int]) -> Task:
    rank = len(domain)
    names = points(domain)
    moved = [v + o for v, o in zip(names, offsets, strict=True)]
    place = linear(moved, buffer_strides(node.shape), rank)
    return Task(node, source, "store", domain, names, place)


def _flat_task(task: Task) -> Task:
    """The same task over one flat index; its domain keeps the shape, for comparing."""
    (name,) = variables(1)
    axes = (0,) if task.kind == "reduce" else ()
    place = name if task.kind == "store" else None
    return Task(task.node, task.source, task.kind, task.domain, FlatIndex(name), place, axes)


def _scalars_first(stored: list[Node], order: list[Node]) -> list[Node]:
    """Single numbers that follow from inputs alone (rates, corrections) come before all else.

    Else an update that needs one could not ride on a product that is planned before it.
    """
    early: set[Node] = set()
    for node in order:
        one = size(node.shape) == 1 and node.op not in ("scatter_add", "gather")
        if node.op == "input" or (one and all(a in early for a in node.args)):
            early.add(node)
    small = [n for n in stored if n in early]
    return small + [n for n in stored if n not in early]


class _Planner:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        order = graph.order()
        self.stored = stored_nodes(order, graph.outputs)
        self.order = _scalars_first([n for n in order if n in self.stored], order)
        self.known = self.stored | set(graph.inputs)
        self.kernels: list[Kernel] = []
        self.maker: dict[Node, int] = {}
        self.nest_of: dict[Node, int] = {}
        self.late: set[Node] = set()
        self.reads: dict[Node, list[Access]] = {}

    def run(self) -> Plan:
        for node in self.order:
            if node.op == "contract":
                self._product(node)
            elif turns(node, self.known):
                self._turn(node)
            else:
                self._computed(node)
        self._silence()
        return Plan(self.graph, self.stored, self.kernels, self.maker, self.reads, self.nest_of)

    # --- what a task reads ---------------------------------------------------------------------

    def _accesses(self, task: Task) -> list[Access]:
        count = 1 if isinstance(task.index, FlatIndex) else len(task.domain)
        roots = self._roots(task)
        # a stored root is computed here, so it is looked below, not at
        below = self.known - {task.node}
        found = list(accesses(roots, count, below))
        if task.kind == "scatter":
            indices = task.node.args[1]
            assert not isinstance(task.index, FlatIndex)
            head = task.index[: len(indices.shape)]
            found += accesses([(indices, head)], count, below)
        return found

    def _roots(self, task: Task) -> list[tuple[Node, Index]]:
        return [] if task.source is None else [(task.source, task.index)]

    def _ready(self, found: Collection[Access]) -> int:
        return max((self.maker[a.node] for a in found if a.node in self.maker), default=0)

    # --- products ------------------------------------------------------------------------------

    def _product(self, node: Node) -> None:
        rank = len(node.shape)
        *batch, i, j, p = variables(rank + 1)
        roots: list[tuple[Node, Index]] = [
            (node.args[0], (*batch, i, p)),
            (node.args[1], (*batch, p, j)),
        ]
        found = list(accesses(roots, rank + 1, self.known))
        kernel = Kernel("product", node.shape[-2], product=node)
        kernel.nests.append(Nest(node.shape))
        kernel.touched = {a.node for a in found} | {node}
        self._add(kernel, node, found, 0)

    def _turn(self, node: Node) -> None:
        kernel = Kernel("turn", node.shape[0])
        (task,) = _tasks(node)
        kernel.nests.append(Nest(node.shape, [task]))
        self._add(kernel, node, self._accesses(task), 0)

    def _add(self, kernel: Kernel, node: Node, found: list[Access], nest: int) -> None:
        if kernel not in self.kernels:
            self.kernels.append(kernel)
        self.maker[node] = self.kernels.index(kernel)
        self.nest_of[node] = nest
        self.reads[node] = found
        kernel.touched |= {a.node for a in found} | {node}

    # --- everything else -----------------------------------------------------------------------

    def _computed(self, node: Node) -> None:
        tasks = _tasks(node)
        found = [a for t in tasks for a in self._accesses(t)]
        simple = len(tasks) == 1 and node.op != "argmax"
        flat = self._flat(tasks[0]) if simple else None
        for place in range(self._ready(found), len(self.kernels)):
            if self._join(self.kernels[place], place, tasks, found, flat):
                return
        self._open(node, tasks, found, flat)

    def _flat(self, task: Task) -> tuple[Task, list[Access]] | None:
        """The task over one flat index, where all it reads is walked in that order."""
        if task.kind == "reduce" and len(task.axes) != len(task.domain):
            return None
        made = _flat_task(task)
        try:
            return made, self._accesses(made)
        except NotFlatError:
            return None

    def _open(
        self,
        node: Node,
        tasks: list[Task],
        found: list[Access],
        flat: tuple[Task, list[Access]] | None,
    ) -> None:
        if flat is not None:
            made, seen = flat
            kernel = Kernel("flat", size(made.domain), [Nest((), [made])])
            self._note(made)
            return self._add(kernel, node, seen, 0)
        heads = {t.domain[0] if t.domain else 1 for t in tasks}
        by_rows = (
            len(heads) == 1
            and all(len(t.domain) > 1 and t.kind != "scatter" for t in tasks)
            and not (node.op == "argmax" and node["axis"] == 0)
        )
        kernel = Kernel("rows" if by_rows else "whole", heads.pop() if by_rows else 1)
        for task in tasks:
            inner = task.domain[1:] if by_rows else task.domain
            kernel.nests.append(Nest(inner, [task]))
            self._note(task, by_rows)
        return self._add(kernel, node, found, len(kernel.nests) - 1)

    def _note(self, task: Task, by_rows: bool = True) -> None:
        if task.late or not by_rows:
            self.late.add(task.node)

    def _join(
        self,
        kernel: Kernel,
        place: int,
        tasks: list[Task],
        found: list[Access],
        flat: tuple[Task, list[Access]] | None,
    ) -> bool:
        here = {a.node for a in found if self.maker.get(a.node) == place}
        if here & self.late or len(tasks) > 1 or kernel.form in ("whole", "turn"):
            return False
        task = tasks[0]
        scalar = kernel.form == "flat" and kernel.head == 1
        if not scalar and not kernel.touched & {a.node for a in found}:
            return False
        if kernel.form == "product":
            return self._join_product(kernel, place, task, found, here)
        if kernel.form == "flat":
            if flat is None or size(flat[0].domain) != kernel.head:
                return False
            same = all(a.place == flat[0].index.place or kernel.head == 1  # type: ignore[union-attr]
                       for a in flat[1] if a.node in here)  # fmt: skip
            if same:
                kernel.nests[0].tasks.append(flat[0])
                self._note(flat[0])
                self._add(kernel, task.node, flat[1], 0)
            return same
        return self._join_rows(kernel, task, found, here)

    def _join_product(
        self, kernel: Kernel, place: int, task: Task, found: list[Access], here: set[Node]
    ) -> bool:
        assert kernel.product is not None
        whole = task.kind == "store" or len(task.axes) == len(task.domain)
        if not whole or task.domain != kernel.product.shape or not here or task.node.op == "argmax":
            return False
        if any(a.place != natural(task.domain) for a in found if a.node in here):
            return False
        kernel.nests[0].tasks.append(task)
        if task.kind == "reduce":
            self.late.add(task.node)
        self._add(kernel, task.node, found, 0)
        return True

    def _join_rows(self, kernel: Kernel, task: Task, found: list[Access], here: set[Node]) -> bool:
        if not task.domain or task.domain[0] != kernel.head:
            return False
        if task.node.op == "argmax" and task.node["axis"] == 0:
            return False
        inner, least = task.domain[1:], 0
        for access in found:
            if access.node in here:
                if not self._row_local(access, task.domain):
                    return False
                own = self.nest_of[access.node]
                same = kernel.nests[own].inner == inner and self._identity(access, task)
                least = max(least, own if same else own + 1)
        for number in range(least, len(kernel.nests)):
            if (
                kernel.nests[number].inner == inner
                and task.node.op != "argmax"
                and not any(t.node.op == "argmax" for t in kernel.nests[number].tasks)
            ):
                break
        else:
            number = len(kernel.nests)
            kernel.nests.append(Nest(inner))
        kernel.nests[number].tasks.append(task)
        self._note(task)
        self._add(kernel, task.node, found, number)
        return True

    def _identity(self, access: Access, task: Task) -> bool:
        """Whether exactly the element at the same point of the domain is read."""
        made = access.node
        if made.op in REDUCE or made.shape != task.domain:
            return False
        return access.place == natural(task.domain)

    def _row_local(self, access: Access, domain: Shape) -> bool:
        """Whether only this head's part of the array is read."""
        if access.place is None or not access.node.shape or access.node.shape[0] != domain[0]:
            return False
        width = size(access.node.shape[1:])
        if not isinstance(width, int):  # the rows come later: no head's part is one stretch
            return False
        if access.place.terms[0] != (0 if domain[0] == 1 else width):
            return False
        rest = Affine((0, *access.place.terms[1:]), access.place.constant).range(domain)
        return rest is not None and rest[0] >= 0 and rest[1] < width

    # --- what need not be written --------------------------------------------------------------

    def _silence(self) -> None:
        readers: dict[Node, list[tuple[Node, Access]]] = {}
        for node, found in self.reads.items():
            for access in found:
                readers.setdefault(access.node, []).append((node, access))
        outputs = set(self.graph.outputs)
        for node in self.order:
            kernel = self.kernels[self.maker[node]]
            if node in outputs or node in self.late or node.op in ("pad", "concatenate"):
                continue
            if all(self._in_register(kernel, node, user) for user, _ in readers.get(node, [])):
                kernel.silent.add(node)

    def _in_register(self, kernel: Kernel, node: Node, user: Node) -> bool:
        if self.maker[user] != self.maker[node]:
            return False
        if self.nest_of[user] == self.nest_of[node]:
            return True
        per_row = size(node.shape[1:]) == 1 if node.shape else False
        return kernel.form == "rows" and per_row and node.op != "argmax"


def plan(graph: Graph) -> Plan:
    """The kernels that compute a graph's outputs."""
    return _Planner(graph).run()
