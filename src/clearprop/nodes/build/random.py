"""Random numbers: of the seed, the step, a stream's name and the element's place alone."""

from collections.abc import Sequence

from clearprop.nodes.build.elementwise import cast
from clearprop.nodes.node import Node, node
from clearprop.nodes.shapes import Dim

__all__ = ["random_bits", "random_uniform"]


def random_bits(seed: Node, step: Node, shape: Sequence[Dim], stream: str) -> Node:
    """32 random bits an element, from seed, step, stream name and the element's place."""
    return node("random_bits", [seed, step], shape=tuple(shape), stream=stream)


def random_uniform(
    seed: Node, step: Node, shape: Sequence[Dim], stream: str, dtype: str = "float32"
) -> Node:
    """Uniform numbers in [0, 1]: the bits times 2 to the -32."""
    return cast(random_bits(seed, step, shape, stream), dtype) * 2.0**-32
