"""Sums and products taken apart: what the laws of probabilities look at, and build again."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass

from clearprop.nodes.build import full, mul, reshape
from clearprop.nodes.node import Node, node
from clearprop.transform.laws.softmax import is_softmax
from clearprop.transform.match import MOVES, is_number, source

__all__ = ["Product", "factors", "terms", "total"]

_FACTORS = 16  # a larger product is not taken apart further
_TERMS = 8


@dataclass(frozen=True)
class Product:
    """sign * (product of `up`) / (product of `down`), of one shape."""

    sign: int
    up: tuple[Node, ...]
    down: tuple[Node, ...]

    def positive(self, like: Node) -> Node:
        """As a node, without the sign."""
        top = functools.reduce(mul, self.up) if self.up else full(like.shape, 1, like.dtype)
        return functools.reduce(lambda a, b: a / b, self.down, top)

    def build(self, like: Node) -> Node:
        """As a node."""
        return self.positive(like) if self.sign > 0 else -self.positive(like)


def _move(move: Node, x: Node) -> Node:
    """x moved as `move` moves its argument."""
    if move.op == "reshape":
        return reshape(x.args[0] if x.op == "reshape" else x, move.shape)
    return node(move.op, [x], **dict(move.attrs))


def factors(x: Node) -> Product:
    """x as a product, taken apart at mul, div and neg, also below a stretching."""
    sign, up, down = 1, list[Node](), list[Node]()
    todo: list[tuple[Node, bool, tuple[Node, ...]]] = [(x, True, ())]
    while todo:
        here, above, moves = todo.pop()
        room = len(todo) + len(up) + len(down) < _FACTORS and not is_softmax(here)
        if room and here.op == "neg":
            sign = -sign
            todo.append((here.args[0], above, moves))
        elif room and here.op in ("mul", "div"):
            a, b = here.args
            todo += [(b, above == (here.op == "mul"), moves), (a, above, moves)]
        elif room and here.op in MOVES and _product_below(here):
            todo.append((here.args[0], above, (here, *moves)))
        else:
            atom = functools.reduce(lambda inner, move: _move(move, inner), moves, here)
            if not is_number(atom, 1):
                (up if above else down).append(atom)
    return Product(sign, tuple(up), tuple(down))


def _product_below(x: Node) -> bool:
    below = source(x)
    return below.op in ("mul", "div", "neg") and not is_softmax(below)


def terms(x: Node) -> list[tuple[int, Node]]:
    """x as a sum of signed terms, taken apart at add, sub and neg."""
    out: list[tuple[int, Node]] = []
    todo = [(1, x)]
    while todo:
        sign, here = todo.pop()
        if here.op in ("add", "sub") and len(todo) + len(out) < _TERMS:
            todo += [(sign if here.op == "add" else -sign, here.args[1]), (sign, here.args[0])]
        elif here.op == "neg":
            todo.append((-sign, here.args[0]))
        else:
            out.append((sign, here))
    return out


def total(parts: Sequence[tuple[int, Node]]) -> Node:
    """The sum of signed terms, in their order, beginning with the first that is not negative."""
    first = next((i for i, (sign, _) in enumerate(parts) if sign > 0), 0)
    sign, out = parts[first]
    out = out if sign > 0 else -out
    for i, (sign, part) in enumerate(parts):
        if i != first:
            out = out + part if sign > 0 else out - part
    return out
