"""Walking a graph: order, users, substitution. Nothing recurses, so depth is no limit."""

from collections.abc import Callable, Collection, Iterable, Mapping

from clearprop.nodes.node import Node, node

__all__ = ["order", "rebuild", "substitute", "users"]


def order(outputs: Iterable[Node]) -> list[Node]:
    """Every node the outputs need, each once, arguments before users, outputs in their order."""
    seen: set[Node] = set()
    out: list[Node] = []
    for root in outputs:
        stack: list[tuple[Node, bool]] = [(root, False)]
        while stack:
            here, ready = stack.pop()
            if ready:
                out.append(here)
            elif here not in seen:
                seen.add(here)
                stack.append((here, True))
                stack.extend((a, False) for a in reversed(here.args) if a not in seen)
    return out


def users(nodes: Iterable[Node]) -> dict[Node, list[Node]]:
    """For each node, those that take it as an argument (once an argument place)."""
    out: dict[Node, list[Node]] = {}
    for here in nodes:
        out.setdefault(here, [])
        for argument in here.args:
            out.setdefault(argument, []).append(here)
    return out


def rebuild(
    outputs: Iterable[Node], change: Callable[[Node, tuple[Node, ...]], Node]
) -> dict[Node, Node]:
    """Each node's image: `change` gets the old node and the images of its arguments."""
    image: dict[Node, Node] = {}
    for here in order(outputs):
        image[here] = change(here, tuple(image[a] for a in here.args))
    return image


def substitute(outputs: Collection[Node], swap: Mapping[Node, Node]) -> list[Node]:
    """The outputs with some nodes replaced by others; what a replacement needs is left alone."""

    def change(old: Node, args: tuple[Node, ...]) -> Node:
        if old in swap:
            return swap[old]
        return old if args == old.args else node(old.op, args, **dict(old.attrs))

    image = rebuild(outputs, change)
    return [image[o] for o in outputs]
