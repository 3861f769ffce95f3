"""Laws of sigmoid and softmax in products: the gradient of cross-entropy comes out as p - y.

Backward passes multiply by E = exp(u) and divide by its sum, or divide by a probability p and
multiply by it again, in steps that overflow or give 0 / 0 where the result is harmless. Here a
product is taken apart, such pairs are joined (E / sum(E) is p, p / p is 1), and the rest is built
again. For one-hot labels made by `one_hot` the sum over classes is 1 (the label is in range, which
is checked where labels come in), and what is left is w * (p - y). For targets given as an array
nothing says that they sum to 1, and it stays sum(w * y) * p - w * y.
"""

from collections import Counter

from clearprop.nodes.build import full, reshape, sigmoid, sub, sum
from clearprop.nodes.node import Node, node
from clearprop.transform.laws.products import Product, factors, of_exponentials, terms, total
from clearprop.transform.laws.softmax import (
    as_sigmoid,
    complement,
    denominator,
    is_probability,
    is_softmax,
    opposite,
    softmax_of,
)
from clearprop.transform.match import is_number, source, stretched
from clearprop.transform.rewrite import Law

__all__ = ["LAWS_PROBABILITY"]

_DISTRIBUTED = 4  # a sum of more terms is not multiplied out


# --- quotients ---------------------------------------------------------------------------------


def _joined(up: Node, down: Node) -> list[Node] | None:
    """What up / down is, as factors, where the laws know it."""
    if is_probability(down) and as_sigmoid(up) is as_sigmoid(down):
        return []
    whole = source(down)
    if up.op == "exp" and whole.op == "sum" and whole.args[0] is up:
        return [softmax_of(up, whole["axes"])] if denominator(up, whole) is down else None
    return None


def _logistic(down: Node) -> Node | None:
    """1 / (exp(u) + 1) is sigmoid(-u)."""
    plus_one = down.op == "add" and is_number(down.args[1], 1) and down.args[0].op == "exp"
    return sigmoid(opposite(down.args[0].args[0])) if plus_one else None


def _tilted(a: Node, b: Node) -> Node | None:
    """sigmoid(v) exp(-v) is sigmoid(-v), as 1 - sigmoid(v) where that is shorter."""
    p = as_sigmoid(a)
    if p.op != "sigmoid" or b.op != "exp" or opposite(p.args[0]) is not b.args[0]:
        return None
    (w,) = b.args
    return sub(1, sigmoid(w.args[0])) if w.op == "neg" else sigmoid(w)


def _picked(p: Product, down: Node) -> Node | None:
    """The probability q in p.up, where y q / sum(y q) is y: a one-hot y picks one q of each row."""
    whole = source(down)
    if whole.op != "sum":
        return None
    (inner,) = whole.args
    if inner.op != "mul" or denominator(inner, whole) is not down:
        return None
    for y, q in (inner.args, inner.args[::-1]):
        if y.op == "one_hot" and is_probability(q) and y in p.up and q in p.up:
            return q
    return None


def _without(nodes: tuple[Node, ...], *places: int) -> tuple[Node, ...]:
    return tuple(n for i, n in enumerate(nodes) if i not in places)


def _join(p: Product) -> Product | None:
    """The product with one pair joined, or None where there is none."""
    for j, down in enumerate(p.down):
        one = _logistic(down)
        if one is not None:
            return Product(p.sign, (*p.up, one), _without(p.down, j))
        picked = _picked(p, down)
        if picked is not None:
            return Product(p.sign, _without(p.up, p.up.index(picked)), _without(p.down, j))
        for i, up in enumerate(p.up):
            found = _joined(up, down)
            if found is not None:
                joined = (*p.up[:i], *found, *p.up[i + 1 :])
                return Product(p.sign, joined, _without(p.down, j))
    for i, a in enumerate(p.up):
        for j, b in enumerate(p.up):
            both = _tilted(a, b)
            if both is not None:
                return Product(p.sign, (*_without(p.up, i, j), both), p.down)
    return None


def _reduced(p: Product) -> Product | None:
    """The product with every pair joined, or None where there was none."""
    found: Product | None = None
    while (next_one := _join(p)) is not None:
        found = p = next_one
    return found


def _quotient(x: Node) -> Node | None:
    if is_softmax(x):
        return softmax_of(x.args[0], source(x.args[1])["axes"])
    found = _reduced(factors(x)) if of_exponentials(x) else None
    return None if found is None else found.build(x)


def _in_place(p: Product, place: int, other: Product) -> Product:
    """p with the factor at a place replaced by a product."""
    up = (*p.up[:place], *other.up, *p.up[place + 1 :])
    return Product(p.sign * other.sign, up, p.down + other.down)


def _distribute(x: Node) -> Node | None:
    """(a / p + b) * p: a + b * p, where multiplying out joins some pair."""
    if not of_exponentials(x):
        return None
    p = factors(x)
    for i, factor in enumerate(p.up):
        if factor.op not in ("add", "sub"):
            continue
        parts = terms(factor)
        if len(parts) > _DISTRIBUTED:
            continue
        products = [_in_place(p, i, factors(t)) for _, t in parts]
        reduced = [_reduced(q) for q in products]
        if any(r is not None for r in reduced):
            chosen = [r or q for r, q in zip(reduced, products, strict=True)]
            pairs = zip(parts, chosen, strict=True)
            return total([(sign * c.sign, c.positive(x)) for (sign, _), c in pairs])
    return None


# --- sums over the classes ---------------------------------------------------------------------


def _sum_of_one_hot(x: Node) -> Node | None:
    """The sum over the classes is 1: a label is in range."""
    (a,) = x.args
    last = len(a.shape) - 1
    if a.op != "one_hot" or last not in x["axes"]:
        return None
    rest = tuple(axis for axis in x["axes"] if axis != last)
    return sum(full(a.shape[:-1], 1, a.dtype), rest)


def _bounded(x: Node) -> bool:
    return x.op == "one_hot" or is_probability(x)


def _is_total(x: Node) -> bool:
    """Whether x is the denominator of a softmax."""
    below = source(x)
    return below.op == "sum" and below.args[0].op == "exp"


def _unstretched(x: Node, axes: tuple[int, ...]) -> Node:
    """x, the same all along the axes, without them."""
    shape = tuple(1 if i in axes else d for i, d in enumerate(x.shape))
    small = x.args[0] if x.args[0].shape == shape else node("broadcast", x.args, shape=shape)
    return reshape(small, tuple(d for i, d in enumerate(x.shape) if i not in axes))


def _sum_of_product(x: Node) -> Node | None:
    """sum(w * p): w * sum(p), for a w that is the same along the axes and a p in [0, 1].

    For any other p the sum might overflow where the products do not. The denominator of a softmax
    leaves every sum.
    """
    (a,), axes = x.args, x["axes"]
    if a.op not in ("mul", "div") or is_softmax(a) or not of_exponentials(a):
        return None
    p = factors(a)
    loose = [u for u in p.up if not all(stretched(u, i) for i in axes)]
    small = len(loose) == 1 and _bounded(loose[0])
    up = [u for u in p.up if small and u not in loose]
    down = [d for d in p.down if all(stretched(d, i) for i in axes) and (small or _is_total(d))]
    if not (up or down):
        return None
    inside = Product(
        1, tuple(u for u in p.up if u not in up), tuple(d for d in p.down if d not in down)
    )
    out = [*(_unstretched(u, axes) for u in up), sum(inside.build(a), axes)]
    return Product(p.sign, tuple(out), tuple(_unstretched(d, axes) for d in down)).build(x)


# --- differences -------------------------------------------------------------------------------


def _difference(one: Product, other: Product) -> tuple[Product, Node] | None:
    """one - other as (common factor, p - y), for a probability p of `one`."""
    left, right = Counter(one.up), Counter(other.up)
    mine, theirs = list((left - right).elements()), list((right - left).elements())
    common = Product(one.sign, _kept(one.up, mine), one.down)
    if Counter(one.down) != Counter(other.down):
        return None
    if len(mine) == len(theirs) == 1 and is_probability(mine[0]) and common.up:
        return common, mine[0] - theirs[0]
    if len(mine) == len(theirs) == 2:
        for p, u in (mine, mine[::-1]):
            for q, y in (theirs, theirs[::-1]):
                opposed = is_probability(p) and as_sigmoid(q) is as_sigmoid(complement(p))
                if opposed and (complement(y) is u or complement(u) is y):
                    return common, p - y
    return None


def _kept(nodes: tuple[Node, ...], gone: list[Node]) -> tuple[Node, ...]:
    left = Counter(gone)
    out: list[Node] = []
    for n in nodes:
        if left[n]:
            left[n] -= 1
        else:
            out.append(n)
    return tuple(out)


def _p_minus_y(x: Node) -> Node | None:
    """w p - w y: w (p - y); w p (1 - y) - w (1 - p) y: w (p - y)."""
    signed = terms(x)
    if not any(of_exponentials(t) for _, t in signed):
        return None
    parts = [(sign * f.sign, f) for sign, f in ((s, factors(t)) for s, t in signed)]
    if not any(is_probability(u) for _, f in parts for u in f.up):
        return None
    for i, (sign, one) in enumerate(parts):
        for j, (against, other) in enumerate(parts):
            found = _difference(one, other) if sign == -against else None
            if found is None:
                continue
            common, difference = found
            whole = Product(1, (*common.up, difference), common.down).build(x)
            rest = [(s, f.positive(x)) for k, (s, f) in enumerate(parts) if k not in (i, j)]
            return total([(sign, whole), *rest])
    return None


LAWS_PROBABILITY: tuple[Law, ...] = (
    Law("quotient of probabilities", ("mul", "div"), _quotient),
    Law("multiplied out", ("mul",), _distribute),
    Law("sum of one-hot", ("sum",), _sum_of_one_hot),
    Law("sum of a product", ("sum",), _sum_of_product),
    Law("p - y", ("add", "sub"), _p_minus_y),
)
