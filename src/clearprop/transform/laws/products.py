"""Sums and products taken apart, looked at, and built again; and the law of numbers in them."""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from clearprop.nodes.build import div, full, mul, reshape
from clearprop.nodes.node import Node, node
from clearprop.transform.laws.softmax import is_softmax
from clearprop.transform.match import MOVES, is_number, number, source
from clearprop.transform.rewrite import Law

__all__ = ["LAWS_PRODUCTS", "Product", "factors", "of_exponentials", "terms", "total"]

_FACTORS = 16  # a larger product is not taken apart further
_TERMS = 8


@dataclass(frozen=True)
class Product:
    """sign * (product of `up`) / (product of `down`), of one shape."""

    sign: int
    up: tuple[Node, ...]
    down: tuple[Node, ...]

    def positive(self, like: Node) -> Node:
        """As a node, without the sign; stretched factors first, to be joined before stretching."""
        small, large = _parted(self.up)
        below, beside = _parted(self.down) if small else ((), self.down)
        if not small and not large:
            large = (full(like.shape, 1, like.dtype),)
        first = [functools.reduce(div, below, functools.reduce(mul, small))] if small else []
        return functools.reduce(div, beside, functools.reduce(mul, [*first, *large]))

    def build(self, like: Node) -> Node:
        """As a node."""
        return self.positive(like) if self.sign > 0 else -self.positive(like)


def _parted(nodes: tuple[Node, ...]) -> tuple[tuple[Node, ...], tuple[Node, ...]]:
    """Those that are stretched from something smaller, and the rest; numbers go with the first."""
    small = tuple(n for n in nodes if n.op == "broadcast")
    return small, tuple(n for n in nodes if n.op != "broadcast")


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


def of_exponentials(x: Node) -> bool:
    """Whether a factor of x is an exp, a probability or its kind: what most products lack.

    A quick look that builds nothing, so that most products need not be taken apart.
    """
    todo, left = [x], 4 * _FACTORS
    while todo and left:
        here, left = todo.pop(), left - 1
        if here.op in ("mul", "div", "neg", *MOVES):
            todo.extend(here.args)
        elif here.op in ("exp", "sigmoid", "one_hot") or (
            here.op in ("add", "sub", "sum") and any(a.op in ("exp", "sigmoid") for a in here.args)
        ):
            return True
    return False


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


# --- numbers -----------------------------------------------------------------------------------


def _power_of_two(value: float) -> bool:
    return math.isfinite(value) and math.fabs(math.frexp(value)[0]) == 0.5


def _numbers(x: Node) -> Node | None:
    """(a * 0.5) * 2: a; a * c * 2: a * 2c; a * w * 2: a * 2w for a stretched w.

    Scaling by a power of two moves no bit, so it may be done where it is cheapest.
    """
    a, b = x.args
    scale = number(b)
    if scale is None or not _power_of_two(scale) or number(a) is not None:
        return None
    inner = number(a.args[1]) if a.op == "mul" else None
    if inner is not None and 1e-30 < math.fabs(inner * scale) < 1e30:  # normal in float32 too
        return a.args[0] * (inner * scale)
    p = factors(a)
    for i, up in enumerate(p.up):
        if is_number(up, 1 / scale):
            return Product(p.sign, p.up[:i] + p.up[i + 1 :], p.down).build(x)
    for j, down in enumerate(p.down):
        if is_number(down, scale):
            return Product(p.sign, p.up, p.down[:j] + p.down[j + 1 :]).build(x)
    small = next((i for i, u in enumerate(p.up) if u.op == "broadcast"), None)
    if small is None or len(p.up) == 1:
        return None
    scaled = node("broadcast", [p.up[small].args[0] * scale], shape=x.shape)
    return Product(p.sign, (*p.up[:small], scaled, *p.up[small + 1 :]), p.down).build(x)


LAWS_PRODUCTS: tuple[Law, ...] = (Law("numbers of a product", ("mul",), _numbers),)
