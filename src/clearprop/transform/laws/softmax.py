"""Softmax and the sigmoid as the laws see them: recognised, shifted, complemented."""

from collections.abc import Sequence

from clearprop.nodes.build import (
    abs,
    broadcast_to,
    exp,
    less,
    log,
    max,
    neg,
    reshape,
    sigmoid,
    stop_gradient,
    sub,
    sum,
    where,
)
from clearprop.nodes.node import Node
from clearprop.transform.match import MOVES, is_number, source

__all__ = [
    "as_sigmoid",
    "complement",
    "denominator",
    "is_probability",
    "is_shifted",
    "is_softmax",
    "log_softmax_of",
    "logsumexp_of",
    "opposite",
    "softmax_of",
]

_LINEAR = (*MOVES, "add", "sub", "neg", "stop_gradient", "where")
_NEAR = 24  # nodes looked at below an exponent for the largest that is subtracted


def denominator(e: Node, total: Node) -> Node:
    """`total`, the sum of e over axes, stretched to e's shape."""
    axes = total["axes"]
    kept = tuple(1 if i in axes else d for i, d in enumerate(e.shape))
    return broadcast_to(reshape(total, kept), e.shape)


def is_softmax(x: Node) -> bool:
    """Whether x is exp(u) / sum(exp(u)) over some axes."""
    if x.op != "div" or x.args[0].op != "exp":
        return False
    e, total = x.args[0], source(x.args[1])
    return total.op == "sum" and total.args[0] is e and denominator(e, total) is x.args[1]


def is_shifted(u: Node, axes: Sequence[int]) -> bool:
    """Whether u has had its largest over the axes subtracted."""
    todo, left = [u], _NEAR
    while todo and left:
        here, left = todo.pop(), left - 1
        if here.op == "max" and here["axes"] == tuple(axes) and here.args[0].shape == u.shape:
            return True
        if here.op in _LINEAR:
            todo.extend(here.args)
    return False


def _shift(u: Node, axes: Sequence[int]) -> Node:
    """The largest over the axes, for subtraction; 0 where it is infinite."""
    top = max(u, axes, keepdims=True)
    return stop_gradient(where(less(abs(top), float("inf")), top, 0))


def softmax_of(e: Node, axes: Sequence[int]) -> Node:
    """exp(u) / sum(exp(u)) for e = exp(u); u is shifted unless it is already."""
    (u,) = e.args
    if not is_shifted(u, axes):
        e = exp(u - _shift(u, axes))
    return e / denominator(e, sum(e, axes))


def logsumexp_of(u: Node, axes: Sequence[int]) -> Node:
    """log(sum(exp(u))) over the axes, shifted; -inf where every u is."""
    shift = _shift(u, axes)
    out = log(sum(exp(u - shift), axes, keepdims=True)) + shift
    return reshape(out, sum(u, axes).shape)


def log_softmax_of(p: Node) -> Node:
    """log(p) of a softmax p, without underflow."""
    e, total = p.args[0], source(p.args[1])
    kept = reshape(total, tuple(1 if i in total["axes"] else d for i, d in enumerate(e.shape)))
    return e.args[0] - log(kept)


def opposite(x: Node) -> Node:
    """-x, where -(-x) is x."""
    return x.args[0] if x.op == "neg" else neg(x)


def as_sigmoid(x: Node) -> Node:
    """1 - sigmoid(v) as sigmoid(-v), to compare by; any other node as it is."""
    one_less = x.op == "sub" and is_number(x.args[0], 1) and x.args[1].op == "sigmoid"
    return sigmoid(opposite(x.args[1].args[0])) if one_less else x


def complement(x: Node) -> Node:
    """1 - x, where 1 - (1 - x) is x."""
    return x.args[1] if x.op == "sub" and is_number(x.args[0], 1) else sub(1, x)


def is_probability(x: Node) -> bool:
    """Whether x is a sigmoid, one less a sigmoid, or a softmax: in [0, 1], never 0 but by rounding.

    So x / x is 1, though it would be NaN where x is rounded to 0.
    """
    return as_sigmoid(x).op == "sigmoid" or is_softmax(x)
