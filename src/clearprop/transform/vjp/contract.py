"""Derivative of the product: y = a b has da = g b', db = a' g."""

from clearprop.nodes.build import swapaxes
from clearprop.nodes.node import Node, node
from clearprop.transform.vjp.table import Row

__all__ = ["ROWS_CONTRACT"]


def _product(a: Node, b: Node) -> Node:
    return node("contract", [a, b])


ROWS_CONTRACT: dict[str, Row] = {
    "contract": (
        lambda g, y, a, b: _product(g, swapaxes(b, -2, -1)),
        lambda g, y, a, b: _product(swapaxes(a, -2, -1), g),
    ),
}
