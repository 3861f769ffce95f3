"""The rules by which a node joins a kernel that is already there.

A node joins only where all it reads is ready, and reads what the same kernel makes only at the same
element (flat, product) or in the same row (rows). What is summed over the head is ready when the
kernel ends, so nobody in the same kernel may read it.
"""

from dataclasses import dataclass, field

from clearprop.nodes.node import Node
from clearprop.nodes.shapes import Shape, size
from clearprop.readings.llvm.affine import Affine, natural
from clearprop.readings.llvm.expression import Access, FlatIndex
from clearprop.readings.llvm.task import REDUCE, Kernel, Nest, Task

__all__ = ["Candidate", "State", "join"]


@dataclass
class State:
    """The kernels so far: who makes what, in which nest, reading what; what is ready late."""

    known: set[Node]
    kernels: list[Kernel] = field(default_factory=list)
    maker: dict[Node, int] = field(default_factory=dict)
    nest_of: dict[Node, int] = field(default_factory=dict)
    late: set[Node] = field(default_factory=set)
    reads: dict[Node, list[Access]] = field(default_factory=dict)

    def add(self, kernel: Kernel, node: Node, found: list[Access], nest: int) -> None:
        """Note that a kernel, new or not, makes a node in one of its nests."""
        if kernel not in self.kernels:
            self.kernels.append(kernel)
        self.maker[node] = self.kernels.index(kernel)
        self.nest_of[node] = nest
        self.reads[node] = found
        kernel.touched |= {access.node for access in found} | {node}


@dataclass(frozen=True)
class Candidate:
    """A node with its one task and what it reads; `flat` is the same in one flat order."""

    task: Task
    found: list[Access]
    flat: tuple[Task, list[Access]] | None

    @property
    def node(self) -> Node:
        """The node to be made."""
        return self.task.node


def join(state: State, place: int, candidate: Candidate) -> bool:
    """Let a node join the kernel at a place, if the rules allow; whether it did."""
    kernel = state.kernels[place]
    reads = {access.node for access in candidate.found}
    here = {node for node in reads if state.maker.get(node) == place}
    if here & state.late or kernel.form in ("whole", "turn"):
        return False
    if kernel.form == "product":
        return _join_product(state, kernel, candidate, here)
    if kernel.form == "flat":
        related = kernel.head == 1 or bool(kernel.touched & reads)
        return related and _join_flat(state, kernel, candidate, here)
    return bool(kernel.touched & reads) and _join_rows(state, kernel, candidate, here)


def _join_product(state: State, kernel: Kernel, candidate: Candidate, here: set[Node]) -> bool:
    """Elementwise nodes of the product's shape, and sums over all of it, ride on its store."""
    assert kernel.product is not None
    task = candidate.task
    whole = task.kind == "store" or len(task.axes) == len(task.domain)
    if not here or not whole or task.domain != kernel.product.shape or task.node.op == "argmax":
        return False
    if any(a.place != natural(task.domain) for a in candidate.found if a.node in here):
        return False
    kernel.nests[0].tasks.append(task)
    if task.kind == "reduce":
        state.late.add(task.node)
    state.add(kernel, task.node, candidate.found, 0)
    return True


def _join_flat(state: State, kernel: Kernel, candidate: Candidate, here: set[Node]) -> bool:
    """Nodes with as many elements, walked in the same order."""
    if candidate.flat is None:
        return False
    task, found = candidate.flat
    assert isinstance(task.index, FlatIndex)
    if size(task.domain) != kernel.head:
        return False
    if kernel.head != 1 and any(a.place != task.index.place for a in found if a.node in here):
        return False
    kernel.nests[0].tasks.append(task)
    if task.late:
        state.late.add(task.node)
    state.add(kernel, task.node, found, 0)
    return True


def _join_rows(state: State, kernel: Kernel, candidate: Candidate, here: set[Node]) -> bool:
    """Nodes with the same head that read only their own row of what the kernel makes."""
    task = candidate.task
    searched = task.node.op == "argmax"
    if not task.domain or task.domain[0] != kernel.head or (searched and task.node["axis"] == 0):
        return False
    inner, least = task.domain[1:], 0
    for access in candidate.found:
        if access.node in here:
            if not _row_local(access, task.domain):
                return False
            own = state.nest_of[access.node]
            same = kernel.nests[own].inner == inner and _same_element(access, task)
            least = max(least, own if same else own + 1)
    number = least if searched else _fitting(kernel, inner, least)
    if searched or number == len(kernel.nests):
        number = len(kernel.nests)
        kernel.nests.append(Nest(inner))
    kernel.nests[number].tasks.append(task)
    if task.late:
        state.late.add(task.node)
    state.add(kernel, task.node, candidate.found, number)
    return True


def _fitting(kernel: Kernel, inner: Shape, least: int) -> int:
    """The first nest from `least` on with these loops (argmax keeps its own to itself)."""
    for number in range(least, len(kernel.nests)):
        nest = kernel.nests[number]
        if nest.inner == inner and all(t.node.op != "argmax" for t in nest.tasks):
            return number
    return len(kernel.nests)


def _same_element(access: Access, task: Task) -> bool:
    """Whether exactly the element at the same point of the domain is read."""
    made = access.node
    if made.op in REDUCE or made.shape != task.domain:
        return False
    return access.place == natural(task.domain)


def _row_local(access: Access, domain: Shape) -> bool:
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
