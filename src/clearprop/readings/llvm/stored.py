"""Which nodes get an array of their own; everything else is computed where it is read.

A node must be stored if an emitter needs it in memory: outputs, products and what they multiply,
reductions, tables that are gathered from, what a true reshape reads. A node may be stored to save
work: where several kernels would compute it again, where a broadcast would repeat it, where
expressions grow too deep. The planner later drops an array that only its own loop would read.
"""

from collections.abc import Iterable

from clearprop.errors import EngineError
from clearprop.nodes.node import Node
from clearprop.nodes.shapes import Rows, show, size
from clearprop.readings.llvm.affine import variables
from clearprop.readings.llvm.expression import (
    Index,
    arguments,
    base,
    flat,
    rows_lead,
    squeezes,
)
from clearprop.readings.llvm.packing import packs

__all__ = ["MATERIAL", "VIEWS", "scalars_first", "stored_nodes", "view_base"]

MATERIAL = frozenset({"contract", "sum", "max", "argmax", "scatter_add", "pad", "concatenate"})
VIEWS = frozenset({"reshape", "transpose", "broadcast", "slice", "flip"})
FREE = frozenset({*VIEWS, "constant", "iota", "input", "cast", "stop_gradient", "neg", "one_hot"})
HEAVY = frozenset(
    {"exp", "expm1", "log", "log1p", "sin", "cos", "tanh", "sigmoid", "softplus", "erf", "power",
     "div", "sqrt", "random_bits"}
)  # fmt: skip
DEPTH = 80
"""How deep an expression may be: its code is written by functions that call themselves."""
CHEAP = 2


def view_base(node: Node) -> Node:
    """The node that a chain of views looks at."""
    while node.op in VIEWS:
        (node,) = node.args
    return node


def _operand(node: Node, stored: set[Node], unit: bool) -> None:
    """Store what a product must find in memory below the views of its operand.

    `unit`: the last axis must have stride 1, as the weight of a dense layer has; a transposed one
    (the input gradient's) is copied.
    """
    rank = len(node.shape)
    here: Node = node
    index: Index = variables(rank)
    while here.op in VIEWS and here not in stored:
        if here.op == "reshape" and (base(here) in stored or base(here).op == "input"):
            break
        ((here, index),) = arguments(here, index, rank)
    if here.op not in VIEWS:
        stored.add(here)
    if unit and node.shape[-1] != 1 and flat(here, index, rank).terms[-1] != 1:
        stored.add(node)


def _required(order: list[Node], outputs: Iterable[Node]) -> set[Node]:
    stored = {o for o in outputs if o.op != "input"}
    for node in order:
        if node.op in MATERIAL:
            stored.add(node)
        if node.op == "contract":
            _operand(node.args[0], stored, unit=False)
            _operand(node.args[1], stored, unit=not packs(node))
        elif node.op == "gather":
            stored.add(node.args[0])
        elif node.op == "reshape" and not squeezes(node):
            _rows_lead(node)
            stored.add(base(node))
    return {s for s in stored if s.op != "input"}


def _rows_lead(node: Node) -> None:
    """A true reshape reads its argument in memory order, which has the rows first."""
    for shape in (node.shape, node.args[0].shape):
        if not rows_lead(shape):
            raise EngineError(
                f"a reshape from {show(node.args[0].shape)} to {show(node.shape)} is compiled only "
                f"where rows are the first axis; transpose them to the front before it"
            )


def _repeats(node: Node) -> bool:
    """Whether a broadcast repeats its argument along an axis before one that varies."""
    (x,) = node.args
    varies = [i for i, d in enumerate(x.shape) if d != 1]
    stretched = [i for i, d in enumerate(x.shape) if d == 1 and node.shape[i] != 1]
    return bool(varies) and bool(stretched) and min(stretched) < max(varies)


def stored_nodes(order: list[Node], outputs: Iterable[Node]) -> set[Node]:
    """The computed nodes that get an array; `order` is every node, arguments first."""
    stored = _required(order, outputs)
    users: dict[Node, list[Node]] = {}
    for node in order:
        for argument in node.args:
            users.setdefault(argument, []).append(node)
    cost: dict[Node, int] = {}
    depth: dict[Node, int] = {}
    for node in order:
        kept = node in stored or node.op == "input"
        own = 0 if node.op in FREE else 8 if node.op in HEAVY else 1
        cost[node] = 0 if kept else own + sum(cost[a] for a in node.args)
        depth[node] = 0 if kept else 1 + max((depth[a] for a in node.args), default=0)
        scalar = all(d == 1 for d in node.shape)
        for_scalar = (
            cost[node] > 1 and scalar and any(u.shape != node.shape for u in users.get(node, []))
        )
        if depth[node] > DEPTH or for_scalar:
            stored.add(node)
            cost[node] = depth[node] = 0
        elif node.op == "broadcast" and _repeats(node):
            under = view_base(node)
            if cost[under] > 0:
                stored.add(under)
                cost[under] = cost[node] = depth[node] = 0
    _share(order, users, cost, stored)
    return stored


def _share(
    order: list[Node], users: dict[Node, list[Node]], cost: dict[Node, int], stored: set[Node]
) -> None:
    """Store what would be computed in several places, unless computing it is cheaper."""
    sinks: dict[Node, frozenset[Node]] = {}
    for node in reversed(order):
        places: set[Node] = set()
        for user in users.get(node, []):
            places |= {user} if user in stored else sinks[user]
        varies = any(isinstance(d, Rows) or d > 1 for d in node.shape)
        if node.op not in VIEWS and len(places) > 1 and cost[node] > CHEAP and varies:
            stored.add(node)
        sinks[node] = frozenset(places)


def scalars_first(stored: list[Node], order: list[Node]) -> list[Node]:
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
