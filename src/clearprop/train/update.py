"""The update: from gradients to new values of parameters, optimizer slots and layer state.

The flag is the sum of (new values * 0) over all that is updated: 0 where all are finite, else NaN.
"""

import functools
from collections import Counter
from collections.abc import Mapping, Sequence

from clearprop.nodes.build import add, cast, constant, input, sum
from clearprop.nodes.graph import tag
from clearprop.nodes.node import Node
from clearprop.nodes.walk import order
from clearprop.optim.optimizer import Optimizer, StepContext
from clearprop.train.network import Forward, Network

__all__ = ["flag", "updates"]

Group = dict[Node, Node]


def updates(
    network: Network, walk: Forward, optimizer: Optimizer, found: Mapping[str, Node]
) -> list[Group]:
    """Old value -> new value of each parameter with its slots, and of each state."""
    t = cast(walk.step, network.dtype) + 1
    scale = walk.scalars("optimizer.scale", 1.0)
    groups: list[Group] = []
    roots: dict[str, list[Node]] = {}
    for name, variable in network.variables.items():
        old = walk.variables[name]
        if name in walk.updates:
            groups.append({old: walk.updates[name]})
        if name in found:
            slots = _slots(optimizer, name, variable.shape, network.dtype)
            context = StepContext(t, scale, walk.scalars, variable.decay)
            new, remembered = optimizer.update(old, found[name], slots, context)
            groups.append({old: new, **{slots[slot]: v for slot, v in remembered.items()}})
            roots[name] = list(groups[-1].values())
    _tag_updates(walk, roots)
    for group in groups:
        for old, new in group.items():
            walk.names.setdefault(old, old["name"])
            walk.names.setdefault(new, f"updated.{old['name']}")
    return groups


def _slots(optimizer: Optimizer, name: str, shape: tuple[int, ...], dtype: str) -> dict[str, Node]:
    """The inputs of what the optimizer remembers of one parameter: ``optimizer.m.0.weight``."""
    slots = optimizer.slots(shape).items()
    return {slot: input(f"optimizer.{slot}.{name}", s.shape, dtype) for slot, s in slots}


def _tag_updates(walk: Forward, roots: Mapping[str, list[Node]]) -> None:
    """Origins of the update: of one parameter, or of all where several share a node."""
    fresh = {n: [h for h in order(r) if h not in walk.origins] for n, r in roots.items()}
    uses = Counter(here for nodes in fresh.values() for here in nodes)
    for name, nodes in fresh.items():
        for here in nodes:
            shared = uses[here] > 1
            walk.origins[here] = "update" if shared else f"update of {name}"


def flag(walk: Forward, groups: Sequence[Mapping[Node, Node]], dtype: str) -> Node:
    """0 where every new value is finite, else NaN."""
    terms: list[Node] = []
    for group in groups:
        by_shape: dict[object, list[Node]] = {}
        for new in group.values():
            by_shape.setdefault(new.shape, []).append(new)
        # a parameter and its slots in one sum: one pass over all of them
        terms += [sum(functools.reduce(add, same) * 0) for same in by_shape.values()]
    made = functools.reduce(add, terms) if terms else constant(0, dtype)
    tag(walk.origins, [made], "finite or not")
    walk.names.setdefault(made, "flag")
    return made
