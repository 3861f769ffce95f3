"""Turning a matrix round: the transposed copy that a small product reads with stride 1.

Square blocks of one vector by one vector go through registers (see `packing.transposed`); edges go
element by element. Done by loads from far apart instead, the same copy took four times as long.
"""

from collections.abc import Collection

from clearprop.nodes.node import Node
from clearprop.readings.llvm.ir import Scope, Value
from clearprop.readings.llvm.packing import transposed
from clearprop.readings.llvm.places import memory_kind
from clearprop.readings.llvm.writer import KernelWriter, open_loop

__all__ = ["turns", "write_turn"]


def turns(node: Node, known: Collection[Node]) -> bool:
    """Whether a stored node is a whole matrix, of whole dimensions, turned round."""
    return (
        node.op == "transpose"
        and node["order"] == (1, 0)
        and node.args[0] in known
        and node.dtype != "bool"
        and all(isinstance(d, int) and d > 1 for d in node.shape)
    )


def write_turn(writer: KernelWriter, node: Node) -> None:
    """Rows of the result in blocks of one vector."""
    rows, columns = node.shape
    assert isinstance(rows, int)
    assert isinstance(columns, int)
    kind, lanes = memory_kind(node), writer.target.lanes(node.dtype)
    source, to = writer.pointer(node.args[0]), writer.pointer(node)
    low, high = writer.span(rows, lanes)
    code = writer.code
    whole = writer.minimum(code, high, code.integer(rows // lanes * lanes))
    outer = open_loop(code, low, whole, lanes)
    body = outer.body
    if columns >= lanes:
        block = open_loop(body, body.integer(0), body.integer(columns // lanes * lanes), lanes)
        _block(block.body, kind, lanes, (rows, columns), source, to, outer.variable, block.variable)
        block.close()
    _edge(body, kind, (rows, columns), source, to, outer.variable,
          body.binary("add", outer.variable, body.integer(lanes)),
          columns // lanes * lanes)  # fmt: skip
    outer.close()
    first = code.select(code.icmp("slt", whole, low), low, whole)
    _edge(code, kind, (rows, columns), source, to, first, high, 0)


def _block(
    s: Scope, kind: str, lanes: int, shape: tuple[int, int], source: Value, to: Value, i: Value,
    j: Value,
) -> None:  # fmt: skip
    rows, columns = shape
    at = s.binary("add", s.binary("mul", j, s.integer(rows)), i)
    here = s.offset(source, at, kind)
    taken = [s.load(s.offset(here, r * rows, kind), kind, lanes) for r in range(lanes)]
    at = s.binary("add", s.binary("mul", i, s.integer(columns)), j)
    there = s.offset(to, at, kind)
    for r, row in enumerate(transposed(s, taken)):
        s.store(row, s.offset(there, r * columns, kind))


def _edge(
    s: Scope, kind: str, shape: tuple[int, int], source: Value, to: Value, low: Value, high: Value,
    first: int,
) -> None:  # fmt: skip
    """Rows low to high of the result, from column `first` on, one element at a time."""
    rows, columns = shape
    if first == columns:
        return
    outer = open_loop(s, low, high)
    inner = open_loop(outer.body, s.integer(first), s.integer(columns))
    body = inner.body
    at = body.binary("mul", inner.variable, body.integer(rows))
    at = body.binary("add", at, outer.variable)
    value = body.load(body.offset(source, at, kind), kind)
    at = body.binary("mul", outer.variable, body.integer(columns))
    at = body.binary("add", at, inner.variable)
    body.store(value, body.offset(to, at, kind))
    inner.close()
    outer.close()
