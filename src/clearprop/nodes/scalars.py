"""Numbers that people vary (learning rate, decay, dropout rate), as scalar inputs of a graph.

Their values are given when the graph runs, so that a grid search compiles once. Only whether a
number is zero may shape the graph.
"""

from dataclasses import dataclass, field

from clearprop.errors import GraphError
from clearprop.nodes.build import input
from clearprop.nodes.node import Node

__all__ = ["Scalars"]


@dataclass
class Scalars:
    """The scalar inputs that a graph being built has asked for, with their values.

    >>> scalars = Scalars("float32")
    >>> rate = scalars("0.rate", 0.2)
    >>> rate.shape, scalars.values
    ((), {'0.rate': 0.2})
    """

    dtype: str
    values: dict[str, float] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)

    def __call__(self, name: str, value: float) -> Node:
        """The input of this name; asking twice with two values is an error."""
        if self.values.setdefault(name, float(value)) != float(value):
            raise GraphError(f"scalar {name!r} has the value {self.values[name]}, not {value}")
        return self.nodes.setdefault(name, input(name, (), self.dtype))
