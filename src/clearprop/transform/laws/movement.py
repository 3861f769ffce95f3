"""Laws of movement: nested moves merge, numbers need none, work is done before stretching."""

import math

from clearprop.nodes.build import broadcast_to, full, reshape, sum, transpose
from clearprop.nodes.node import Node, node
from clearprop.nodes.ops import OPS
from clearprop.nodes.shapes import Shape
from clearprop.transform.match import number, stretched
from clearprop.transform.rewrite import Law

__all__ = ["LAWS_MOVEMENT", "LAWS_STRETCHING"]

_ELEMENTWISE = tuple(name for name, op in OPS.items() if op.family == "elementwise")


def _move_of_number(x: Node) -> Node | None:
    """Any move of a stretched number is that number stretched to the new shape."""
    value = number(x.args[0])
    return None if value is None else full(x.shape, value, x.dtype)


def _pad_of_zeros(x: Node) -> Node | None:
    return full(x.shape, 0, x.dtype) if number(x.args[0]) == 0 else None


def _reshape(x: Node) -> Node | None:
    """To the shape it has; a reshape of a reshape."""
    (a,) = x.args
    if a.shape == x.shape:
        return a
    return reshape(a.args[0], x.shape) if a.op == "reshape" else None


def _reshape_of_broadcast(x: Node) -> Node | None:
    """Axes of size 1 put in or dropped: before stretching."""
    (a,) = x.args
    if a.op != "broadcast" or [d for d in a.shape if d != 1] != [d for d in x.shape if d != 1]:
        return None
    pairs = zip(a.args[0].shape, a.shape, strict=True)
    dims = iter([small for small, large in pairs if large != 1])
    small = reshape(a.args[0], tuple(1 if d == 1 else next(dims) for d in x.shape))
    return node("broadcast", [small], shape=x.shape)


def _transpose(x: Node) -> Node | None:
    """In the order it has; a transpose of a transpose."""
    (a,) = x.args
    if x["order"] == tuple(range(len(x.shape))):
        return a
    inner = a["order"] if a.op == "transpose" else None
    return transpose(a.args[0], [inner[i] for i in x["order"]]) if inner else None


def _broadcast(x: Node) -> Node | None:
    """To the shape it has; a broadcast of a broadcast."""
    (a,) = x.args
    if a.shape == x.shape:
        return a
    return node("broadcast", [a.args[0]], shape=x.shape) if a.op == "broadcast" else None


def _slice(x: Node) -> Node | None:
    """All of it; what was padded on."""
    (a,) = x.args
    if a.shape == x.shape:
        return a
    inside = a.op == "pad" and a.args[0].shape == x.shape and a["low"] == x["starts"]
    return a.args[0] if inside and set(x["steps"]) <= {1} else None


def _one(x: Node) -> Node | None:
    """A concatenation of one; a pad by nothing; a flip of axes with at most one element."""
    if x.op == "flip":
        return x.args[0] if all(x.shape[a] in (0, 1) for a in x["axes"]) else None
    return x.args[0] if len(x.args) == 1 and x.args[0].shape == x.shape else None


def _flip(x: Node) -> Node | None:
    (a,) = x.args
    return a.args[0] if a.op == "flip" and a["axes"] == x["axes"] else None


def _elementwise(x: Node) -> Node | None:
    """An operation on arrays stretched from one shape is done on that shape, then stretched."""
    smaller = {a.args[0].shape for a in x.args if number(a) is None and a.op == "broadcast"}
    whole = [a for a in x.args if number(a) is None and a.op != "broadcast"]
    if len(smaller) != 1 or whole:
        return None
    (shape,) = smaller
    return node("broadcast", [node(x.op, _shrunk(x, shape), **dict(x.attrs))], shape=x.shape)


def _shrunk(x: Node, shape: Shape) -> list[Node]:
    out: list[Node] = []
    for a in x.args:
        value = number(a)
        out.append(a.args[0] if value is None else full(shape, value, a.dtype))
    return out


def _sum_over_one(x: Node) -> Node | None:
    """A sum over axes of size 1 only drops them."""
    (a,) = x.args
    ones = [axis for axis in x["axes"] if a.shape[axis] == 1]
    if not ones:
        return None
    dropped = tuple(d for i, d in enumerate(a.shape) if i not in ones)
    left = [axis - len([o for o in ones if o < axis]) for axis in x["axes"] if axis not in ones]
    return sum(reshape(a, dropped), left)


def _sum_of_broadcast(x: Node) -> Node | None:
    """A sum along a stretched axis multiplies by its size (but rows are counted when it runs)."""
    (a,) = x.args
    if a.op != "broadcast":
        return None
    along = [i for i in x["axes"] if stretched(a, i) and _whole(a.shape[i])]
    if not along:
        return None
    shape = tuple(1 if i in along else d for i, d in enumerate(a.shape))
    count = math.prod(d for i, d in enumerate(a.shape) if i in along and isinstance(d, int))
    return sum(broadcast_to(a.args[0], shape), x["axes"]) * count


def _whole(dim: object) -> bool:
    return isinstance(dim, int) and dim > 1


def _sum_before_broadcast(x: Node) -> Node | None:
    """A sum along axes that are not stretched is done before stretching the others."""
    (a,) = x.args
    if a.op != "broadcast" or any(stretched(a, i) for i in x["axes"]):
        return None
    small = sum(a.args[0], x["axes"])
    return node("broadcast", [small], shape=x.shape)


def _sum_of_neg(x: Node) -> Node | None:
    (a,) = x.args
    return -sum(a.args[0], x["axes"]) if a.op == "neg" else None


_STRETCHING = tuple(op for op in _ELEMENTWISE if op != "stop_gradient")

LAWS_MOVEMENT: tuple[Law, ...] = (
    Law("move of a number", ("reshape", "broadcast", "transpose", "slice", "flip"),
        _move_of_number),
    Law("pad of zeros", ("pad",), _pad_of_zeros),
    Law("reshape of reshape", ("reshape",), _reshape),
    Law("reshape of broadcast", ("reshape",), _reshape_of_broadcast),
    Law("transpose of transpose", ("transpose",), _transpose),
    Law("broadcast of broadcast", ("broadcast",), _broadcast),
    Law("slice of all, or of a pad", ("slice",), _slice),
    Law("nothing moved", ("concatenate", "pad", "flip"), _one),
    Law("flip of flip", ("flip",), _flip),
)  # fmt: skip

LAWS_STRETCHING: tuple[Law, ...] = (
    Law("work before stretching", _STRETCHING, _elementwise),
    Law("sum over an axis of one", ("sum",), _sum_over_one),
    Law("sum of a broadcast", ("sum",), _sum_of_broadcast),
    Law("sum before a broadcast", ("sum",), _sum_before_broadcast),
    Law("sum of neg", ("sum",), _sum_of_neg),
)
