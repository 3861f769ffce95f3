"""Graphs as text, one line a node, and back: parse(text(g)) is g.

%0 = input name='x' shape=('rows', 3) dtype='float32'
%1 = exp %0
inputs %0
outputs %1
name %1 'y'
origin %1 'layer 0'
"""

import ast
import copyreg
import re
from collections.abc import Callable
from typing import Any

from clearprop.errors import GraphError
from clearprop.nodes.graph import Graph
from clearprop.nodes.node import Node, node
from clearprop.nodes.ops import OPS
from clearprop.nodes.shapes import Rows
from clearprop.nodes.walk import order

__all__ = ["node_text", "parse", "parse_node", "text"]

_LINE = re.compile(r"%(\d+) = (\w+)((?: %\d+)*)(.*)")
_ROWS = re.compile(r"(?:(\d+)\*)?rows")


def _write(value: Any) -> str:
    if isinstance(value, tuple):
        inner = ", ".join(_write(v) for v in value)
        return f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, Rows):
        return f"'{value}'"
    if isinstance(value, float) and not abs(value) < float("inf"):
        return f"'{value}'"
    return repr(value)


def _read(value: Any, key: str) -> Any:
    if isinstance(value, tuple):
        return tuple(_read(v, key) for v in value)
    if isinstance(value, str) and key == "value":
        return float(value)
    if isinstance(value, str) and key in ("shape", "stops", "size"):
        match = _ROWS.fullmatch(value)
        if match is None:
            raise GraphError(f"{value!r} is no dimension; expected a number, 'rows' or '4*rows'")
        return Rows(int(match[1] or 1))
    return value


def _line(number: int, here: Node, place: dict[Node, int]) -> str:
    args = "".join(f" %{place[a]}" for a in here.args)
    attrs = "".join(f" {name}={_write(value)}" for name, value in here.attrs)
    return f"%{number} = {here.op}{args}{attrs}"


def text(graph: Graph) -> str:
    """The graph as text.

    >>> from clearprop.nodes.build import exp, input
    >>> x = input("x", (3,))
    >>> g = Graph((x,), (exp(x),))
    >>> parse(text(g)) == g
    True
    """
    nodes = order((*graph.inputs, *graph.outputs))
    place = {here: number for number, here in enumerate(nodes)}
    lines = [_line(number, here, place) for here, number in place.items()]
    lines.append("inputs" + "".join(f" %{place[i]}" for i in graph.inputs))
    lines.append("outputs" + "".join(f" %{place[o]}" for o in graph.outputs))
    for word, table in (("name", graph.names), ("origin", graph.origins)):
        lines += [f"{word} %{place[n]} {t!r}" for n, t in table.items() if n in place]
    return "\n".join(lines) + "\n"


def _attributes(words: str, line: str) -> dict[str, Any]:
    try:
        call = ast.parse(f"f({re.sub(r' (?=[a-z_]+=)', ', ', words.strip())})", mode="eval").body
        if not isinstance(call, ast.Call):
            raise ValueError
        return {k.arg or "": _read(ast.literal_eval(k.value), k.arg or "") for k in call.keywords}
    except (SyntaxError, ValueError) as error:
        raise GraphError(f"not a line of a graph: {line!r}") from error


def parse(written: str) -> Graph:
    """The graph that `text` wrote; a line that is none raises GraphError."""
    made: list[Node] = []
    ends: dict[str, tuple[Node, ...]] = {"inputs": (), "outputs": ()}
    tables: dict[str, dict[Node, str]] = {"name": {}, "origin": {}}
    for line in written.splitlines():
        word, _, rest = line.partition(" ")
        try:
            if word in ends:
                ends[word] = tuple(made[int(p[1:])] for p in rest.split())
            elif word in tables:
                which, _, said = rest.partition(" ")
                tables[word][made[int(which[1:])]] = ast.literal_eval(said)
            elif line.strip():
                made.append(_parse_line(line, made))
        except (IndexError, ValueError, SyntaxError) as error:
            raise GraphError(f"not a line of a graph: {line!r}") from error
    return Graph(ends["inputs"], ends["outputs"], tables["name"], tables["origin"])


def _parse_line(line: str, made: list[Node]) -> Node:
    match = _LINE.fullmatch(line)
    if match is None or int(match[1]) != len(made) or match[2] not in OPS:
        raise GraphError(f"not a line of a graph: {line!r}")
    args = [made[int(p[1:])] for p in match[3].split()]
    return node(match[2], args, **_attributes(match[4], line))


def node_text(root: Node) -> str:
    """One node and all it needs, as text (what a pickle of a node holds)."""
    nodes = order([root])
    place = {here: number for number, here in enumerate(nodes)}
    return "\n".join(_line(number, here, place) for here, number in place.items())


def parse_node(written: str) -> Node:
    """The node that `node_text` wrote: interned again, the same object in the same process."""
    made: list[Node] = []
    for line in written.splitlines():
        made.append(_parse_line(line, made))
    return made[-1]


def _pickled(root: Node) -> tuple[Callable[[str], Node], tuple[str]]:
    return parse_node, (node_text(root),)


copyreg.pickle(Node, _pickled)  # a node that is unpickled interns itself again
