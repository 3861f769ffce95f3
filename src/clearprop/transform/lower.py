"""Lowering: what the engine wants rewritten. What is computed is the same at finite inputs.

Exact: a division by a power of two becomes a product; `stop_gradient` goes; nested moves merge; a
condition 0 < z is asked of relu(z) instead, where that is at hand, so that z need not be kept.
Powers by small numbers become products and roots, which differ from `power` by rounding (x to the
2 not at all) and where x is -inf: (-inf)^0.5 is +inf, its root NaN; likewise (-inf)^1.5. For
-0.0 only the sign of the zero differs.
"""

import math
from collections.abc import Callable, Mapping

from clearprop.nodes.build import abs, div, less, mul, sqrt, zeros_like
from clearprop.nodes.graph import Graph
from clearprop.nodes.node import Node, node
from clearprop.transform.laws.movement import LAWS_MOVEMENT
from clearprop.transform.match import is_number, number
from clearprop.transform.rewrite import Law, carry, rewrite

__all__ = ["LAWS", "lower"]


def _square(x: Node) -> Node:
    return mul(x, x)


_POWERS: Mapping[float, Callable[[Node], Node]] = {
    -2.0: lambda x: div(1, _square(x)),
    -1.0: lambda x: div(1, x),
    -0.5: lambda x: div(1, abs(sqrt(x))),  # abs: of -0.0 it is +inf, as power gives
    0.5: sqrt,
    1.0: lambda x: x,
    1.5: lambda x: mul(x, sqrt(x)),
    2.0: _square,
    3.0: lambda x: mul(_square(x), x),
    4.0: lambda x: _square(_square(x)),
}


def _power(x: Node) -> Node | None:
    base, exponent = x.args
    rule = _POWERS.get(value) if (value := number(exponent)) is not None else None
    return rule(base) if rule else None


def _division(x: Node) -> Node | None:
    """x / 2^k: x * 2^-k, the same bits while 2^k and 2^-k are normal numbers."""
    a, b = x.args
    value = number(b)
    if value is None or not math.isfinite(value) or number(a) is not None:
        return None
    mantissa, exponent = math.frexp(value)
    if math.fabs(mantissa) != 0.5 or math.fabs(exponent) > 120:
        return None
    return mul(a, 1 / value)


LAWS: tuple[Law, ...] = (
    *LAWS_MOVEMENT,
    Law("stop_gradient removed", ("stop_gradient",), lambda x: x.args[0]),
    Law("power by a small number", ("power",), _power),
    Law("division by a power of two", ("div",), _division),
)


def lower(graph: Graph) -> Graph:
    """The graph as the engine wants it.

    >>> from clearprop.nodes.build import input
    >>> x = input("x", (3,))
    >>> lower(Graph((x,), (x**2 / 2,))).outputs
    (<mul (3,) float32>,)
    """
    return _ask_relu(rewrite(graph, LAWS))


# --- 0 < z asked of relu(z) --------------------------------------------------------------------


def _condition(x: Node) -> Node | None:
    """0 < z, where x is where(0 < z, z, z * k) with a number k >= 0: then 0 < x is the same."""
    if x.op != "where":
        return None
    c, z, below = x.args
    asked = c.op == "less" and is_number(c.args[0], 0) and c.args[1] is z
    if not asked or below.op != "mul" or below.args[0] is not z:
        return None
    slope = number(below.args[1])
    return c if slope is not None and 0 <= slope < math.inf else None


def _ask_relu(graph: Graph) -> Graph:
    """Every user of 0 < z but relu(z) itself asks 0 < relu(z)."""
    relu = {c: x for x in reversed(graph.order()) if (c := _condition(x)) is not None}
    if not relu:
        return graph
    image: dict[Node, Node] = {}
    for root in graph.outputs:
        stack = [root]
        while stack:
            here = stack[-1]
            swap = {c: relu[c] for c in here.args if c in relu and relu[c] is not here}
            waiting = [a for a in (*here.args, *swap.values()) if a not in image]
            if here in image or not waiting:
                stack.pop()
                if here not in image:
                    args = [_ask(image[swap[a]]) if a in swap else image[a] for a in here.args]
                    image[here] = node(here.op, args, **dict(here.attrs))
            else:
                stack.extend(reversed(waiting))
    return carry(graph, image)


def _ask(x: Node) -> Node:
    return less(zeros_like(x), x)
