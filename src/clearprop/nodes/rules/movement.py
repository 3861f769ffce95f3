"""Movement: elements in another shape, order or place; rows are never cut, padded or turned."""

from collections.abc import Sequence
from typing import Any

from clearprop.errors import ShapeError, TypeMismatch
from clearprop.nodes.rules.checks import Attrs, Typed, Value, check_axes
from clearprop.nodes.shapes import Rows, show, size

__all__ = ["broadcast", "concatenate", "flip", "pad", "reshape", "slice", "transpose"]


def reshape(args: Sequence[Value], attrs: Attrs) -> Typed:
    """The attribute's shape, of as many elements."""
    (x,), shape = args, attrs["shape"]
    if size(x.shape) != size(shape):
        raise ShapeError(
            f"reshape: {show(x.shape)} has {size(x.shape)} elements, "
            f"{show(shape)} has {size(shape)}"
        )
    return shape, x.dtype


def transpose(args: Sequence[Value], attrs: Attrs) -> Typed:
    """Size i of the result is size order[i] of the argument."""
    (x,), order = args, attrs["order"]
    if sorted(order) != list(range(len(x.shape))):
        raise ShapeError(f"transpose: order {order} is no permutation of {show(x.shape)}'s axes")
    return tuple(x.shape[a] for a in order), x.dtype


def broadcast(args: Sequence[Value], attrs: Attrs) -> Typed:
    """The attribute's shape, of as many axes; only axes of size 1 change."""
    (x,), shape = args, attrs["shape"]
    pairs = zip(x.shape, shape, strict=False)
    if len(x.shape) != len(shape) or any(a not in (1, b) for a, b in pairs):
        raise ShapeError(f"broadcast: {show(x.shape)} does not stretch to {show(shape)}")
    return shape, x.dtype


def slice(args: Sequence[Value], attrs: Attrs) -> Typed:
    """By axis ceil((stop - start) / step)."""
    (x,), starts, stops, steps = args, attrs["starts"], attrs["stops"], attrs["steps"]
    if not len(x.shape) == len(starts) == len(stops) == len(steps):
        raise ShapeError(f"slice: one start, stop and step an axis of {show(x.shape)}")
    out: list[Any] = []
    for dim, start, stop, step in zip(x.shape, starts, stops, steps, strict=True):
        if isinstance(dim, Rows):
            if (start, stop, step) != (0, dim, 1):
                raise ShapeError(f"slice: rows of {show(x.shape)} cannot be cut")
            out.append(dim)
        elif not (0 <= start <= stop <= dim and step >= 1):
            raise ShapeError(f"slice: {start}:{stop}:{step} is not inside {dim}")
        else:
            out.append(-((start - stop) // step))
    return tuple(out), x.dtype


def pad(args: Sequence[Value], attrs: Attrs) -> Typed:
    """By axis low + size + high."""
    (x,), low, high = args, attrs["low"], attrs["high"]
    if not len(x.shape) == len(low) == len(high) or min((*low, *high), default=0) < 0:
        raise ShapeError(f"pad: one low and high, not negative, an axis of {show(x.shape)}")
    out: list[Any] = []
    for dim, below, above in zip(x.shape, low, high, strict=True):
        if isinstance(dim, Rows):
            if below or above:
                raise ShapeError(f"pad: rows of {show(x.shape)} cannot be padded")
            out.append(dim)
        else:
            out.append(dim + below + above)
    return tuple(out), x.dtype


def concatenate(args: Sequence[Value], attrs: Attrs) -> Typed:
    """Sizes along the axis are added, all others are equal."""
    axis = attrs["axis"]
    if not args:
        raise ShapeError("concatenate needs at least one argument")
    first = args[0]
    check_axes(first.shape, (axis,), "concatenate")
    total = 0
    for x in args:
        dim = x.shape[axis] if len(x.shape) == len(first.shape) else None
        rest = (*x.shape[:axis], *x.shape[axis + 1 :])
        if not isinstance(dim, int) or rest != (*first.shape[:axis], *first.shape[axis + 1 :]):
            raise ShapeError(
                f"concatenate along {axis}: {show(first.shape)} and {show(x.shape)} do not fit"
            )
        if x.dtype != first.dtype:
            raise TypeMismatch(f"concatenate: {first.dtype} and {x.dtype}; use cast")
        total += dim
    return (*first.shape[:axis], total, *first.shape[axis + 1 :]), first.dtype


def flip(args: Sequence[Value], attrs: Attrs) -> Typed:
    """The argument's shape."""
    (x,) = args
    check_axes(x.shape, attrs["axes"], "flip")
    if any(isinstance(x.shape[a], Rows) for a in attrs["axes"]):
        raise ShapeError(f"flip: rows of {show(x.shape)} cannot be turned round")
    return x.shape, x.dtype
