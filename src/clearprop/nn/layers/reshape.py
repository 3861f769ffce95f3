"""Reshape: the numbers of a row in another shape."""

import math
from dataclasses import dataclass
from typing import ClassVar

from clearprop.errors import ArgumentError, ShapeError
from clearprop.nn.checks import sizes
from clearprop.nn.layer import Context, Layer, Variable
from clearprop.nodes import build
from clearprop.nodes.node import Node
from clearprop.nodes.shapes import ROWS

__all__ = ["Reshape"]


@dataclass(frozen=True)
class Reshape(Layer):
    """(rows, ...) as (rows, *shape), in row-major order; one size may be -1: what is left."""

    kind: ClassVar[str] = "reshape"

    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        shape = sizes("Reshape shape", self.shape, low=-1)
        if shape.count(-1) > 1 or 0 in shape:
            raise ArgumentError(f"Reshape takes sizes of at least 1 and one -1, not {shape}")
        object.__setattr__(self, "shape", shape)

    def declare(self, shape: tuple[int, ...], dtype: str) -> dict[str, Variable]:
        """No variables; ShapeError if the numbers of a row do not fit."""
        whole, known = math.prod(shape), math.prod(d for d in self.shape if d != -1)
        if whole % known if -1 in self.shape else whole != known:
            raise ShapeError(
                f"Reshape to {self.shape}: a row of shape {shape} has {whole} numbers, "
                f"which do not fit"
            )
        return {}

    def call(self, x: Node, context: Context) -> Node:
        return context.name(build.reshape(x, (ROWS, *self.shape)), "a")
