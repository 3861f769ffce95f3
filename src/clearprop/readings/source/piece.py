"""A piece of the written program, and the page that knows how each node is written so far.

A piece has its text, how strongly its outermost operator binds, and the shape that NumPy gives it.
That shape may be smaller than the node's where it stretches to it: an explicit broadcast is then
not written, because NumPy does it itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from clearprop.nodes.build import broadcast_shapes
from clearprop.nodes.node import Node
from clearprop.nodes.shapes import Dim, Rows, Shape

__all__ = [
    "AND", "ATOM", "COMPARE", "OR", "POWER", "PRODUCT", "SUM", "UNARY", "Page", "Piece", "Writer",
    "dtype_text", "joined", "tuple_text",
]  # fmt: skip

# how strongly Python's operators bind, the weakest first
COMPARE, OR, AND, SUM, PRODUCT, UNARY, POWER, ATOM = range(8)


@dataclass(frozen=True)
class Piece:
    """A piece of the program; a `number` is a Python literal, which takes its neighbour's dtype."""

    text: str
    strength: int
    shape: Shape
    number: bool = False

    def at(self, strength: int) -> str:
        """The text, in parentheses where it binds less strongly than that.

        >>> Piece("a + b", SUM, ()).at(PRODUCT)
        '(a + b)'
        """
        return self.text if self.strength >= strength else f"({self.text})"


def tuple_text(items: Sequence[object]) -> str:
    """The items as a Python tuple."""
    return f"({items[0]},)" if len(items) == 1 else f"({', '.join(map(str, items))})"


def dtype_text(name: str) -> str:
    """The dtype as NumPy spells it."""
    return "np.bool_" if name == "bool" else f"np.{name}"


def joined(pieces: Sequence[Piece]) -> Shape:
    """The shape that NumPy gives pieces that meet in one operation."""
    return broadcast_shapes(*[p.shape for p in pieces])


@dataclass
class Page:
    """How each node is written so far; `rows` is the text of the number of rows."""

    rows: str
    pieces: dict[Node, Piece] = field(default_factory=dict)
    lines: set[Node] = field(default_factory=set)

    def arguments(self, here: Node) -> list[Piece]:
        """The arguments' pieces, some of them perhaps smaller than their nodes."""
        return [self.pieces[a] for a in here.args]

    def typed(self, arguments: Sequence[Node]) -> list[Piece]:
        """As `arguments`; where all are Python numbers, the first is given its dtype."""
        pieces = [self.pieces[a] for a in arguments]
        if not all(p.number for p in pieces):
            return pieces
        scalar = Piece(f"{dtype_text(arguments[0].dtype)}({pieces[0].text})", ATOM, ())
        return [scalar, *pieces[1:]]

    def exact(self, here: Node) -> Piece:
        """The node's piece with its own dtype and shape, for whoever does not broadcast."""
        piece = self.pieces[here]
        dtype = dtype_text(here.dtype)
        if piece.number and not here.shape:
            return Piece(f"{dtype}({piece.text})", ATOM, ())
        shape = self.shape(here.shape)
        if piece.number:
            return Piece(f"np.full({shape}, {piece.text}, {dtype})", ATOM, here.shape)
        if piece.shape != here.shape:
            return Piece(f"np.broadcast_to({piece.text}, {shape})", ATOM, here.shape)
        return piece

    def dim(self, dim: Dim) -> str:
        """A dimension as text."""
        if isinstance(dim, Rows):
            return self.rows if dim.times == 1 else f"{dim.times} * {self.rows}"
        return str(dim)

    def shape(self, shape: Sequence[Dim]) -> str:
        """A shape as text."""
        return tuple_text([self.dim(d) for d in shape])


Writer = Callable[[Node, Page], Piece]
"""Gives a node's piece; the page holds those of its arguments."""
