"""A table of a network: layer, output shape, parameters."""

import math
from collections.abc import Sequence

from clearprop.train.network import Network

__all__ = ["summary"]


def summary(network: Network) -> str:
    """The table as text, with the number of parameters that are trained and that are not."""
    rows = [("layer", "output shape", "parameters")]
    for index, (layer, shape) in enumerate(zip(network.layers, network.shapes, strict=True)):
        own = [v for n, v in network.variables.items() if n.startswith(f"{index}.")]
        count = sum(math.prod(v.shape) for v in own)
        rows.append((f"{index} {layer.kind}", _shape(shape), f"{count:,}"))
    trained = sum(math.prod(v.shape) for v in network.trained().values())
    total = sum(math.prod(v.shape) for v in network.variables.values())
    ends = [f"input {_shape(network.input_shape)}, {network.dtype}"]
    ends.append(f"parameters: {total:,}, of these trained: {trained:,}")
    return "\n".join([*_table(rows), *ends])


def _shape(shape: tuple[int, ...]) -> str:
    return f"({', '.join(['rows', *map(str, shape)])})"


def _table(rows: Sequence[tuple[str, str, str]]) -> list[str]:
    widths = [max(len(row[i]) for row in rows) for i in range(3)]
    lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}".rstrip() for a, b, c in rows]
    return [lines[0], "-" * (sum(widths) + 4), *lines[1:], "-" * (sum(widths) + 4)]
