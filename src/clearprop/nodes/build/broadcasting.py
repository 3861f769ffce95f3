"""Broadcasting: NumPy's rule, written out as explicit nodes. The only place that broadcasts.

No operation, derivative or reading knows of the rule: what is stretched is a `broadcast` node,
whose derivative is a sum.
"""

from collections.abc import Sequence

from clearprop.errors import GraphError, ShapeError, TypeMismatch
from clearprop.nodes.build.leaves import constant
from clearprop.nodes.build.movement import reshape
from clearprop.nodes.node import Node, node
from clearprop.nodes.ops import FLOATS
from clearprop.nodes.shapes import Dim, Shape, show

__all__ = ["Operand", "broadcast_shapes", "broadcast_to", "full", "lift", "zeros_like"]

Operand = Node | float | int | bool


def broadcast_shapes(*shapes: Shape) -> Shape:
    """NumPy's rule: aligned at the right, a 1 stretches.

    >>> broadcast_shapes((4, 1), (3,))
    (4, 3)
    """
    out: list[Dim] = []
    for places in range(-max(len(s) for s in shapes), 0):
        dims = {s[places] for s in shapes if len(s) >= -places} - {1}
        if len(dims) > 1:
            raise ShapeError(f"shapes {' and '.join(show(s) for s in shapes)} do not broadcast")
        out.append(dims.pop() if dims else 1)
    return tuple(out)


def broadcast_to(x: Node, shape: Sequence[Dim]) -> Node:
    """x stretched to shape by NumPy's rule, as explicit reshape and broadcast nodes."""
    target = tuple(shape)
    if x.shape == target:
        return x
    if broadcast_shapes(x.shape, target) != target:
        raise ShapeError(f"{show(x.shape)} does not broadcast to {show(target)}")
    x = reshape(x, (1,) * (len(target) - len(x.shape)) + x.shape)
    return x if x.shape == target else node("broadcast", [x], shape=target)


def lift(operands: Sequence[Operand]) -> list[Node]:
    """Numbers as constants, all of one shape; the dtype is the nodes'."""
    nodes = [o for o in operands if isinstance(o, Node)]
    if not nodes:
        raise TypeMismatch("at least one operand must be a node; use constant() for a number")
    dtype = nodes[0].dtype
    lifted = [o if isinstance(o, Node) else _number(o, dtype) for o in operands]
    shape = broadcast_shapes(*[x.shape for x in lifted])
    return [broadcast_to(x, shape) for x in lifted]


def _number(value: float, dtype: str) -> Node:
    if not isinstance(value, (bool, int, float)):
        # a NumPy number is a float or has item(); an array is neither
        if getattr(value, "ndim", None) != 0:
            raise GraphError(
                f"an operand is a node or a number, given was {type(value).__name__}; make an "
                "array an input of the graph"
            )
        value = value.item()
    if dtype not in FLOATS and dtype != "bool" and value != int(value):
        raise TypeMismatch(f"{value} with a node of {dtype}; use cast")
    return constant(value, dtype)


def full(shape: Sequence[Dim], value: float, dtype: str = "float32") -> Node:
    """An array of one number."""
    return broadcast_to(constant(value, dtype), shape)


def zeros_like(x: Node) -> Node:
    """Zeros of x's shape and dtype."""
    return full(x.shape, 0, x.dtype)
