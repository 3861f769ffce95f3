"""Which new values take their old one's place, and where every array of a program lies.

A new value may be written over the old one only if every reader of the old value has run, or reads
exactly the element that is being written, in the same turn of the same loop (values are made before
they are stored). Otherwise it gets an array of its own and is copied when the step is done.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from clearprop.nodes.node import Node
from clearprop.nodes.shapes import bind
from clearprop.readings.llvm.affine import natural
from clearprop.readings.llvm.kernel import KernelCode
from clearprop.readings.llvm.memory import Arena, Life, last_phase, lives
from clearprop.readings.llvm.plan import Plan
from clearprop.readings.llvm.roles import Roles, bytes_of
from clearprop.readings.llvm.task import REDUCE
from clearprop.readings.llvm.writer import Argument

__all__ = ["in_place", "make_arena"]

PIECEWISE = frozenset({"pad", "concatenate", "scatter_add"})


def in_place(roles: Roles, plan: Plan) -> dict[Node, Node]:
    """{new value: the old one whose array it takes}."""
    taken = list(roles.carried.values())
    seen = {*roles.logged, *roles.collected}
    return {
        new: old
        for old, new in roles.carried.items()
        if new in plan.maker
        and taken.count(new) == 1
        and new not in seen
        and old not in seen
        and new.op not in PIECEWISE
        and not _read_later(plan, old, new)
    }


def _read_later(plan: Plan, old: Node, new: Node) -> bool:
    made = plan.maker[new]
    kernel = plan.kernels[made]
    for node, found in plan.reads.items():
        at = plan.maker[node]
        for access in found:
            if access.node is not old or at < made:
                continue
            same_nest = at == made and plan.nest_of[node] == plan.nest_of[new]
            same_element = kernel.form == "flat" or access.place == natural(new.shape)
            if (
                not (same_nest and same_element)
                or node is kernel.product
                or kernel.form in ("whole", "turn")
                or new.op in REDUCE
            ):
                return True
    return False


def make_arena(
    roles: Roles,
    plan: Plan,
    codes: Sequence[KernelCode],
    placed: Mapping[Node, Node],
    phases: Sequence[Life],
    rows: int,
) -> Arena:
    """Workspace for minibatches of this many rows."""
    kept = {*roles.logged, *roles.collected}
    kept |= {new for new in roles.carried.values() if new not in placed}
    parts = [part for code in codes for part in (code, code.finish) if part is not None]
    used = {argument for part in parts for argument in part.arguments}
    elsewhere = {*placed, *(roles.external or ())}
    life = {
        argument: span
        for argument, span in lives(plan, kept, phases).items()
        if argument.node not in elsewhere and (argument in used or argument.node in kept)
    }
    sizes = {argument: bytes_of(argument.node, rows) for argument in life}
    for place, code in enumerate(codes):
        for node, count in code.slots:
            argument = Argument(node, slots=True)
            whole = bind((count,), rows)[0] * code.blocks(rows)
            sizes[argument] = whole * np.dtype(node.dtype).itemsize
            life[argument] = phases[place]
    for node in roles.staged:
        sizes[Argument(node)] = bytes_of(node, rows)
        life[Argument(node)] = Life(0, last_phase(phases))
    return Arena(sizes, life)
