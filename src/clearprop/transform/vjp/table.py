"""What a row of the derivative table is."""

from collections.abc import Callable

from clearprop.nodes.node import Node

__all__ = ["Row", "Rule"]

# rule(g, y, *arguments): the gradient of one argument, given the gradient g of the result y
Rule = Callable[..., Node]

# one rule an argument (None: it has no derivative); or, for any number of them, place -> rule
Row = tuple[Rule | None, ...] | Callable[[int], Rule]
