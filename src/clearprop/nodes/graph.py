"""Graph: inputs, outputs and, for each node, its name and origin in this graph.

Names and origins never live on a node: equal expressions of two layers, or of two models, are one
node. A transform builds a new graph and carries both on with `Graph.carry`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from clearprop.errors import GraphError
from clearprop.nodes.node import Node
from clearprop.nodes.walk import order

__all__ = ["Graph", "tag"]


@dataclass(frozen=True, eq=False)
class Graph:
    """A computation from inputs to outputs.

    `names` says what a node is called here (``loss``, ``0.weight``), `origins` where it came from
    (``layer 0 dense``, ``gradient of 0.z``). Two graphs are equal where inputs and outputs are.
    """

    inputs: tuple[Node, ...]
    outputs: tuple[Node, ...]
    names: Mapping[Node, str] = field(default_factory=dict)
    origins: Mapping[Node, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", tuple(self.inputs))
        object.__setattr__(self, "outputs", tuple(self.outputs))
        given = set(self.inputs)
        for here in self.order():
            if here.op == "input" and here not in given:
                raise GraphError(
                    f"input {here['name']!r} is used but not among the graph's inputs "
                    f"({', '.join(repr(i['name']) for i in self.inputs) or 'none'}); list it"
                )

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Graph):
            return NotImplemented
        return (self.inputs, self.outputs) == (other.inputs, other.outputs)

    def __hash__(self) -> int:
        return hash((self.inputs, self.outputs))

    def order(self) -> list[Node]:
        """Every node that the outputs need, arguments first."""
        return order(self.outputs)

    def carry(self, image: Mapping[Node, Node]) -> "Graph":
        """The graph of the images of the outputs, with the names and origins of their sources."""
        outputs = tuple(image.get(o, o) for o in self.outputs)
        kept = set(order(outputs))
        names: dict[Node, str] = {}
        origins: dict[Node, str] = {}
        for table, out in ((self.names, names), (self.origins, origins)):
            for old, text in table.items():
                new = image.get(old, old)
                if new in kept:
                    out.setdefault(new, text)
        return Graph(self.inputs, outputs, names, origins)


def tag(origins: dict[Node, str], roots: Iterable[Node], origin: str) -> None:
    """Give every node below the roots that has no origin yet this one."""
    for here in order(roots):
        origins.setdefault(here, origin)
