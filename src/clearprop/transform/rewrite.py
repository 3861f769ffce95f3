"""The law engine: laws are matched and replaced from the arguments up, to a fixed point.

A law looks at one node, whose arguments are already in normal form, and gives an equal node or
None. What it gives is brought to normal form in turn. A law sees the node and what is below it,
never its users, so a node has one normal form, and rewriting twice changes nothing.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from clearprop.errors import GraphError
from clearprop.nodes.graph import Graph
from clearprop.nodes.node import Node, node

__all__ = ["Law", "apply", "carry", "normal_forms", "rewrite"]

_TRIES = (
    1000  # rewrites of one node, one after another, before the laws are said to run in a circle
)


@dataclass(frozen=True)
class Law:
    """An equation: its name, the operations it may begin with, and the replacement, if it holds."""

    name: str
    ops: tuple[str, ...]
    replace: Callable[[Node], Node | None]


Table = Mapping[str, Sequence[Law]]


def _by_operation(laws: Iterable[Law]) -> Table:
    table: dict[str, list[Law]] = {}
    for law in laws:
        for op in law.ops:
            table.setdefault(op, []).append(law)
    return table


def apply(here: Node, table: Table) -> tuple[Node, str]:
    """What the first law that changes the node makes of it, and its name; the node, if none."""
    for law in table.get(here.op, ()):
        found = law.replace(here)
        if found is not None and found is not here:
            if (found.shape, found.dtype) != (here.shape, here.dtype):
                raise GraphError(f"law {law.name!r} made {found!r} of {here!r}")
            return found, law.name
    return here, ""


def normal_forms(roots: Iterable[Node], laws: Iterable[Law]) -> dict[Node, Node]:
    """The normal form of every node the roots need; a stack takes the place of recursion."""
    table = _by_operation(laws)
    normal: dict[Node, Node] = {}
    tries: dict[Node, int] = {}
    for root in roots:
        stack = [root]
        while stack:
            here = stack[-1]
            if here in normal:
                stack.pop()
                continue
            waiting = [a for a in here.args if a not in normal]
            if waiting:
                stack.extend(reversed(waiting))
                continue
            args = tuple(normal[a] for a in here.args)
            law = ""
            found = here if args == here.args else node(here.op, args, **dict(here.attrs))
            if found is here:
                found, law = apply(here, table)
            if found is here or found in normal:
                normal[here] = normal.get(found, found)
                stack.pop()
                continue
            tries[found] = tries.get(here, 0) + 1
            if tries[found] > _TRIES:
                raise GraphError(f"the laws run in a circle at {here!r}, the last is {law!r}")
            stack.append(found)
    return normal


def rewrite(graph: Graph, laws: Iterable[Law]) -> Graph:
    """The graph in normal form, with names and origins."""
    return carry(graph, normal_forms(graph.outputs, laws))


def carry(graph: Graph, image: Mapping[Node, Node]) -> Graph:
    """The graph of the images; nodes that were put in take the origin of what they stand for."""
    out = graph.carry(image)
    origins = dict(out.origins)
    sources = graph.order()
    seen = {image[old] for old in sources}
    for old in sources:
        origin = graph.origins.get(old)
        stack = [a for a in image[old].args if a not in seen] if origin else []
        while origin and stack:
            here = stack.pop()
            if here not in seen:
                seen.add(here)
                origins.setdefault(here, origin)
                stack.extend(a for a in here.args if a not in seen)
    kept = {*out.order(), *out.inputs}
    origins = {here: said for here, said in origins.items() if here in kept}
    return Graph(out.inputs, out.outputs, out.names, origins)
