"""From a graph to kernels: who is computed together, in which loops.

Idea. Stored nodes are visited in order; each joins the first kernel in which all it needs is ready,
else it opens one. Kernels run in the order of their list and a node joins only at or after the
kernels it reads from, so no cycle can arise. The forms:

    flat     all arrays walked in one order by one index: elementwise work, whole sums
    rows     a loop over the leading dimension (the head); per row a list of passes (nests), each
             with its inner loops. Softmax, layer norm, losses: later passes find the row in L1. A
             reduction over the head rides along and is ready when the kernel ends.
    whole    one nest over all dimensions, in one block: what fits neither
    turn     a transposed copy

A product is a kernel of its own whose store carries an epilogue: elementwise nodes of its shape,
and sums over all of it.
"""

from collections.abc import Collection
from dataclasses import dataclass

from clearprop.nodes.graph import Graph
from clearprop.nodes.node import Node
from clearprop.nodes.shapes import size
from clearprop.readings.llvm.affine import natural, variables
from clearprop.readings.llvm.expression import Access, FlatIndex, Index, NotFlatError, accesses
from clearprop.readings.llvm.joining import Candidate, State, join
from clearprop.readings.llvm.stored import scalars_first, stored_nodes
from clearprop.readings.llvm.task import REDUCE, Kernel, Nest, Task, flat_task, tasks_of
from clearprop.readings.llvm.turn import turns

__all__ = ["Plan", "plan"]


@dataclass(eq=False)
class Plan:
    """Kernels in order, which kernel makes a node, what each node's making reads."""

    graph: Graph
    stored: set[Node]
    kernels: list[Kernel]
    maker: dict[Node, int]
    reads: dict[Node, list[Access]]
    nest_of: dict[Node, int]


def plan(graph: Graph) -> Plan:
    """The kernels that compute a graph's outputs."""
    order = graph.order()
    stored = stored_nodes(order, graph.outputs)
    state = State(stored | set(graph.inputs))
    turn = scalars_first([node for node in order if node in stored], order)
    for node in turn:
        if node.op == "contract":
            _product(state, node)
        elif turns(node, state.known):
            _turn(state, node)
        else:
            _computed(state, node)
    _silence(state, turn, set(graph.outputs))
    return Plan(graph, stored, state.kernels, state.maker, state.reads, state.nest_of)


def _product(state: State, node: Node) -> None:
    rank = len(node.shape)
    *batch, i, j, p = variables(rank + 1)
    roots: list[tuple[Node, Index]] = [
        (node.args[0], (*batch, i, p)),
        (node.args[1], (*batch, p, j)),
    ]
    kernel = Kernel("product", node.shape[-2], [Nest(node.shape)], product=node)
    state.add(kernel, node, list(accesses(roots, rank + 1, state.known)), 0)


def _turn(state: State, node: Node) -> None:
    (task,) = tasks_of(node)
    kernel = Kernel("turn", node.shape[0], [Nest(node.shape, [task])])
    state.add(kernel, node, _accesses(state, task), 0)


def _computed(state: State, node: Node) -> None:
    """Join the first kernel that fits, else open one."""
    tasks = tasks_of(node)
    found = [access for task in tasks for access in _accesses(state, task)]
    flat = None
    if len(tasks) == 1:
        flat = _in_one_order(state, tasks[0])
        candidate = Candidate(tasks[0], found, flat)
        for place in range(_ready(state, found), len(state.kernels)):
            if join(state, place, candidate):
                return
    if flat is not None:
        _open_flat(state, *flat)
    else:
        _open(state, node, tasks, found)


def _accesses(state: State, task: Task) -> list[Access]:
    """What a task reads; a stored root is computed here, so it is looked below, not at."""
    count = 1 if isinstance(task.index, FlatIndex) else len(task.domain)
    below = state.known - {task.node}
    roots: list[tuple[Node, Index]] = []
    if task.source is not None:
        roots.append((task.source, task.index))
    if task.kind == "scatter":
        indices = task.node.args[1]
        assert not isinstance(task.index, FlatIndex)
        roots.append((indices, task.index[: len(indices.shape)]))
    return list(accesses(roots, count, below))


def _ready(state: State, found: Collection[Access]) -> int:
    """The first kernel at which everything read is made or being made."""
    return max((state.maker[a.node] for a in found if a.node in state.maker), default=0)


def _in_one_order(state: State, task: Task) -> tuple[Task, list[Access]] | None:
    """The task over one flat index, where all it reads is walked in that order."""
    partial = task.kind == "reduce" and len(task.axes) != len(task.domain)
    if partial or task.node.op == "argmax":
        return None
    made = flat_task(task)
    try:
        return made, _accesses(state, made)
    except NotFlatError:
        return None


def _open_flat(state: State, task: Task, found: list[Access]) -> None:
    if task.late:
        state.late.add(task.node)
    state.add(Kernel("flat", size(task.domain), [Nest((), [task])]), task.node, found, 0)


def _open(state: State, node: Node, tasks: list[Task], found: list[Access]) -> None:
    """A kernel by rows where every task has the same head, else one over whole arrays."""
    heads = {task.domain[0] if task.domain else 1 for task in tasks}
    by_rows = (
        len(heads) == 1
        and all(len(task.domain) > 1 and task.kind != "scatter" for task in tasks)
        and not (node.op == "argmax" and node["axis"] == 0)
    )
    kernel = Kernel("rows" if by_rows else "whole", heads.pop() if by_rows else 1)
    for task in tasks:
        kernel.nests.append(Nest(task.domain[1:] if by_rows else task.domain, [task]))
        if task.late or not by_rows:
            state.late.add(node)
    state.add(kernel, node, found, len(kernel.nests) - 1)


def _silence(state: State, order: list[Node], outputs: set[Node]) -> None:
    """Find what stays in registers: what only its own loop, or its own row, reads."""
    readers: dict[Node, list[tuple[Node, Access]]] = {}
    for node, found in state.reads.items():
        for access in found:
            readers.setdefault(access.node, []).append((node, access))
    for node in order:
        if node in outputs or node in state.late or node.op in ("pad", "concatenate"):
            continue
        kernel, users = state.kernels[state.maker[node]], readers.get(node, [])
        if all(_in_register(state, node, user) for user, _ in users):
            kernel.silent.add(node)
        elif kernel.form == "rows" and all(_aligned(state, node, *user) for user in users):
            kernel.aligned.add(node)


def _aligned(state: State, node: Node, user: Node, access: Access) -> bool:
    """Whether a user in the same kernel has the same loops and reads the same element."""
    made = state.maker[node]
    if state.maker[user] != made or node.op in REDUCE or access.place != natural(node.shape):
        return False
    nests = state.kernels[made].nests
    return nests[state.nest_of[user]].inner == nests[state.nest_of[node]].inner == node.shape[1:]


def _in_register(state: State, node: Node, user: Node) -> bool:
    if state.maker[user] != state.maker[node]:
        return False
    if state.nest_of[user] == state.nest_of[node]:
        return True
    per_row = bool(node.shape) and size(node.shape[1:]) == 1
    by_rows = state.kernels[state.maker[node]].form == "rows"
    return by_rows and per_row and node.op != "argmax"
