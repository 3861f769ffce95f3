"""Laws that write logarithms of probabilities in the form that neither overflows nor underflows."""

from clearprop.nodes.build import neg, reshape, softplus, sum
from clearprop.nodes.node import Node
from clearprop.transform.laws.softmax import (
    as_sigmoid,
    denominator,
    is_shifted,
    is_softmax,
    log_softmax_of,
    logsumexp_of,
    opposite,
)
from clearprop.transform.match import is_number, source
from clearprop.transform.rewrite import Law

__all__ = ["LAWS_LOGARITHM"]


def _log_of_sigmoid(x: Node) -> Node | None:
    """log(sigmoid(v)): -softplus(-v); log(1 - sigmoid(v)): -softplus(v)."""
    p = as_sigmoid(x.args[0])
    return neg(softplus(opposite(p.args[0]))) if p.op == "sigmoid" else None


def _log1p_of_sigmoid(x: Node) -> Node | None:
    """log1p(-sigmoid(v)): -softplus(v)."""
    (a,) = x.args
    inner = a.op == "neg" and a.args[0].op == "sigmoid"
    return neg(softplus(a.args[0].args[0])) if inner else None


def _softplus(x: Node) -> Node | None:
    """log(exp(u) + 1) and log1p(exp(u)): softplus(u)."""
    (a,) = x.args
    if x.op == "log":
        if a.op != "add" or not is_number(a.args[1], 1):
            return None
        a = a.args[0]
    return softplus(a.args[0]) if a.op == "exp" else None


def _log_of_softmax(x: Node) -> Node | None:
    (p,) = x.args
    return log_softmax_of(p) if is_softmax(p) else None


def _logsumexp(x: Node) -> Node | None:
    """log(sum(exp(u))) without a shift: the shifted one."""
    total = source(x.args[0])
    if total.op != "sum" or total.args[0].op != "exp":
        return None
    u, axes = total.args[0].args[0], total["axes"]
    if is_shifted(u, axes) or reshape(total, x.shape) is not x.args[0]:
        return None
    return reshape(logsumexp_of(u, axes), x.shape)


def _exp_of_log_softmax(x: Node) -> Node | None:
    """exp(s - log(sum(exp(s)))): exp(s) / sum(exp(s))."""
    (a,) = x.args
    below = source(a.args[1]) if a.op == "sub" else a
    total = source(below.args[0]) if below.op == "log" else below
    if total.op != "sum" or total.args[0].op != "exp" or total.args[0].args[0] is not a.args[0]:
        return None
    p = total.args[0] / denominator(total.args[0], total)
    return p if log_softmax_of(p) is a else None


def _log_of_picked(x: Node) -> Node | None:
    """log(sum(y p)) for a one-hot y and a softmax p: sum(y log(p))."""
    total = source(x.args[0])
    if total.op != "sum":
        return None
    (inner,) = total.args
    if inner.op != "mul" or total["axes"] != (len(inner.shape) - 1,):
        return None
    for y, p in (inner.args, inner.args[::-1]):
        if y.op == "one_hot" and is_softmax(p):
            return reshape(sum(y * log_softmax_of(p), total["axes"]), x.shape)
    return None


LAWS_LOGARITHM: tuple[Law, ...] = (
    Law("log of sigmoid", ("log",), _log_of_sigmoid),
    Law("log1p of minus sigmoid", ("log1p",), _log1p_of_sigmoid),
    Law("softplus", ("log", "log1p"), _softplus),
    Law("log of softmax", ("log",), _log_of_softmax),
    Law("log of a picked probability", ("log",), _log_of_picked),
    Law("log of a sum of exp", ("log",), _logsumexp),
    Law("exp of log softmax", ("exp",), _exp_of_log_softmax),
)
