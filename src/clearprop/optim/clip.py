"""Clipping: each gradient by value, all of them by their global norm."""

from collections.abc import Callable, Sequence

from clearprop.nodes import build
from clearprop.nodes.node import Node

__all__ = ["clip_gradients"]

Scalar = Callable[[str, float], Node]

_EPSILON = 1e-6  # PyTorch's, in clip_grad_norm_


def clip_gradients(
    gradients: Sequence[Node],
    clip_norm: float | None,
    clip_value: float | None,
    scalars: Scalar,
) -> list[Node]:
    """The gradients, first cut to [-clip_value, clip_value], then scaled to a norm of clip_norm.

    The scale is min(1, clip_norm / (norm + 1e-6)) with the norm over all gradients. Where one
    gradient holds NaN, its NaN stays, and by norm all become NaN. The result and its first two
    derivatives are finite for finite gradients, also where all are zero.
    """
    clipped = list(gradients)
    if clip_value is not None:
        bound = scalars("optimizer.clip_value", clip_value)
        clipped = [build.clip(g, -bound, bound) for g in clipped]
    if clip_norm is not None and clipped:
        scale = _norm_scale(clipped, scalars("optimizer.clip_norm", clip_norm))
        clipped = [g * scale for g in clipped]
    return clipped


def _norm_scale(gradients: Sequence[Node], largest: Node) -> Node:
    """min(1, largest / (norm + 1e-6)), a scalar.

    Squares are summed in float64: in float32 they overflow from 1.8e19 and vanish below 1e-23, and
    a pass over all gradients for their largest would cost more. (In float64 they overflow from
    1e154; the scale is then 0.) The square root is taken only where it is needed, so that its
    derivative at 0 is never met; NaN fails the comparison and goes through the formula.
    """
    wide = build.cast(largest, "float64")
    total = _sum([build.sum(build.square(build.cast(g, "float64"))) for g in gradients])
    free = build.square(build.maximum(wide - _EPSILON, 0))
    inside = total <= free
    norm = build.sqrt(build.where(inside, 1, total))
    scale = build.where(inside, 1, wide / (norm + _EPSILON))
    return build.cast(scale, largest.dtype)


def _sum(terms: Sequence[Node]) -> Node:
    out = terms[0]
    for term in terms[1:]:
        out = out + term
    return out
