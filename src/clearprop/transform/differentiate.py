"""Differentiation: the backward pass, built as more nodes of the same graph.

The gradient of y with respect to each node between y and `wrt` is the sum, over that node's users,
of what the user's rule (transform/vjp) makes of the user's own gradient. Users come before their
arguments in reverse order, so that a node's gradient is complete when it is needed. As the result
is nodes like any others, it can be differentiated again.
"""

import functools
from collections.abc import Mapping, Sequence

from clearprop.errors import ShapeError, TypeMismatch
from clearprop.nodes.build import add, constant, zeros_like
from clearprop.nodes.node import Node
from clearprop.nodes.ops import FLOATS
from clearprop.nodes.shapes import show
from clearprop.nodes.walk import order
from clearprop.transform.vjp import rule_of

__all__ = ["gradients"]


def gradients(
    y: Node,
    wrt: Sequence[Node],
    origins: dict[Node, str] | None = None,
    names: Mapping[Node, str] | None = None,
) -> list[Node]:
    """The derivative of the scalar y with respect to each node of `wrt`, of that node's shape.

    What y does not depend on has the gradient zero. New nodes are entered in `origins`, where it
    is given, as ``gradient of NAME``: the name, else the operation, of the node that was
    differentiated. A y that is not a scalar raises ShapeError; a y or a node of `wrt` that is not
    of a float dtype raises TypeMismatch.

    >>> from clearprop.nodes.build import input, sum
    >>> x = input("x", (3,))
    >>> gradients(sum(x * x), [x])
    [<add (3,) float32>]
    """
    _require(y, wrt)
    nodes = order([y])
    between = _between(nodes, wrt)
    seen = set(nodes)
    parts: dict[Node, list[Node]] = {y: [constant(1, y.dtype)]}
    whole: dict[Node, Node] = {}
    for here in reversed(nodes):
        if here not in between or here not in parts:
            continue
        whole[here] = total = functools.reduce(add, parts.pop(here))
        new = [total]
        for place, argument in enumerate(here.args):
            rule = rule_of(here.op, place) if argument in between else None
            if rule is not None:
                new.append(rule(total, here, *here.args))
                parts.setdefault(argument, []).append(new[-1])
        if origins is not None:
            _tag(new, seen, origins, f"gradient of {(names or {}).get(here, here.op)}")
    return [whole[x] if x in whole else zeros_like(x) for x in wrt]


def _require(y: Node, wrt: Sequence[Node]) -> None:
    if y.shape != ():
        raise ShapeError(f"gradients are of a scalar, given was {show(y.shape)}; sum it first")
    for x in (y, *wrt):
        if x.dtype not in FLOATS:
            raise TypeMismatch(f"gradients are of and for floats, {x!r} is {x.dtype}; use cast")


def _between(nodes: Sequence[Node], wrt: Sequence[Node]) -> set[Node]:
    """Those nodes that some node of `wrt` reaches by rules, themselves included."""
    out = set(wrt)
    for here in nodes:
        if here.dtype in FLOATS and any(
            argument in out and rule_of(here.op, place) is not None
            for place, argument in enumerate(here.args)
        ):
            out.add(here)
    return out


def _tag(roots: Sequence[Node], seen: set[Node], origins: dict[Node, str], origin: str) -> None:
    """Give what is new below the roots this origin; `seen` grows, so each node is met once."""
    stack = [r for r in roots if r not in seen]
    while stack:
        here = stack.pop()
        if here not in seen:
            seen.add(here)
            origins.setdefault(here, origin)
            stack.extend(a for a in here.args if a not in seen)
