"""Simplification: the laws, in the order in which they are tried, applied to a fixed point.

What is promised, at finite inputs: no law makes a NaN or hides one that exact arithmetic would not
hide; values move by rounding only, where a law is not exact; the sign of a zero may change. An
index given to `one_hot` is in range. Overflow of a form that has a stable one (exp of 1e4 in a
softmax) is removed: that is what the laws of logarithm and probability are for.
"""

from clearprop.nodes.graph import Graph
from clearprop.transform.laws.arithmetic import LAWS_ARITHMETIC
from clearprop.transform.laws.logarithm import LAWS_LOGARITHM
from clearprop.transform.laws.movement import LAWS_MOVEMENT, LAWS_STRETCHING
from clearprop.transform.laws.probability import LAWS_PROBABILITY
from clearprop.transform.laws.products import LAWS_PRODUCTS
from clearprop.transform.rewrite import Law, rewrite

__all__ = ["LAWS", "simplify"]

LAWS: tuple[Law, ...] = (
    *LAWS_MOVEMENT,
    *LAWS_ARITHMETIC,
    *LAWS_STRETCHING,
    *LAWS_LOGARITHM,
    *LAWS_PROBABILITY,
    *LAWS_PRODUCTS,
)


def simplify(graph: Graph) -> Graph:
    """The graph in normal form; what it computes is the same.

    >>> from clearprop.nodes.build import input, log, sigmoid
    >>> x = input("x", (3,))
    >>> simplify(Graph((x,), (log(sigmoid(x)) * 1,))).outputs
    (<neg (3,) float32>,)
    """
    return rewrite(graph, LAWS)
