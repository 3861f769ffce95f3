"""Flatten: all axes of a row as one."""

from dataclasses import dataclass
from typing import ClassVar

from clearprop.nn.layer import Context, Layer, Variable
from clearprop.nodes import build
from clearprop.nodes.node import Node
from clearprop.nodes.shapes import ROWS, size

__all__ = ["Flatten"]


@dataclass(frozen=True)
class Flatten(Layer):
    """(rows, ...) as (rows, numbers in a row), in row-major order."""

    kind: ClassVar[str] = "flatten"

    def declare(self, shape: tuple[int, ...], dtype: str) -> dict[str, Variable]:
        """No variables."""
        return {}

    def call(self, x: Node, context: Context) -> Node:
        return context.name(build.reshape(x, (ROWS, size(x.shape[1:]))), "a")
