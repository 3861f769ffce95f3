"""A graph as a NumPy program that people read and that runs, each line with where it came from."""

import inspect
import linecache
import zlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clearprop.errors import ArgumentError, ShapeError
from clearprop.nodes.graph import Graph
from clearprop.nodes.node import Node
from clearprop.nodes.shapes import Rows, has_rows, show
from clearprop.readings.lines import lines, sections
from clearprop.readings.names import names, path
from clearprop.readings.source.arrays import ARRAYS
from clearprop.readings.source.elementwise import ELEMENTWISE
from clearprop.readings.source.helpers import HELPERS
from clearprop.readings.source.piece import ATOM, Page, Piece, Writer

__all__ = ["WRITERS", "compile_source", "source"]

WRITERS: Mapping[str, Writer] = {**ELEMENTWISE, **ARRAYS}

_WIDTH = 96
_COMMENT_COLUMN = 64  # a longer line has its comment after it, out of the column


def source(graph: Graph, name: str = "step") -> str:
    """The graph as the text of a Python module with one function; it needs NumPy alone.

    The function takes the inputs in their order and returns the outputs in theirs.

    >>> from clearprop.nodes.build import input, sigmoid, sum
    >>> x, w = input("x", (4, 3)), input("w", (3, 2))
    >>> print(source(Graph((x, w), (sum(1 - (x @ w) * 0.5),), {x @ w: "z"}, {x @ w: "layer 0"})))
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def step(x, w):
        # x: (4, 3) float32
        # w: (3, 2) float32
        z = x @ w                   # from: layer 0
        t1 = np.sum(1.0 - z * 0.5)
        return t1
    <BLANKLINE>
    """
    if not name.isidentifier():
        raise ArgumentError(f"{name!r} is no name of a Python function")
    known = names(graph)
    body = [*_inputs(graph, known), *_body(graph, known), *_return(graph, known)]
    head = _wrapped(f"def {name}(", [known[i] for i in graph.inputs], "):", "")
    parts = [*_helpers(graph), "\n".join([*head, *(f"    {line}".rstrip() for line in body)])]
    imports = (
        "import math\n\nimport numpy as np"
        if any("math." in p for p in parts)
        else "import numpy as np"
    )
    return "\n\n\n".join([imports, *parts]) + "\n"


def _helpers(graph: Graph) -> list[str]:
    """The text of the functions that NumPy lacks and this graph uses."""
    used = {here.op for here in graph.order()}
    return [inspect.getsource(f).strip() for op, f in HELPERS.items() if op in used]


def _inputs(graph: Graph, known: Mapping[Node, str]) -> list[str]:
    """What each parameter is: the table W1 = 0.weight, printed once."""
    out = []
    for here in graph.inputs:
        written = path(graph, here)
        alias = f" = {written}" if written != known[here] else ""
        out.append(f"# {known[here]}{alias}: {show(here.shape)} {here.dtype}")
    return out


def _body(graph: Graph, known: Mapping[Node, str]) -> list[str]:
    """The lines, a blank one between sections, their comments in one column."""
    own = set(lines(graph))
    page = Page(_rows(graph, known), {i: Piece(known[i], ATOM, i.shape) for i in graph.inputs}, own)
    written: dict[Node, str] = {}
    for here in graph.order():
        if here.op == "input":
            continue
        page.pieces[here] = WRITERS[here.op](here, page)
        if here in own:
            written[here] = f"{known[here]} = {page.exact(here).text}"
            page.pieces[here] = Piece(known[here], ATOM, here.shape)
    return _laid_out(graph, {here: written[here] for here in lines(graph)})


def _laid_out(graph: Graph, written: Mapping[Node, str]) -> list[str]:
    place = sections(graph)
    column = max((len(t) for t in written.values() if len(t) <= _COMMENT_COLUMN), default=0)
    out: list[str] = []
    before = None
    for here, text in written.items():
        if before is not None and place[here] != place[before]:
            out.append("")
        origin = graph.origins.get(here)
        out.append(f"{text:<{column}}  # from: {origin}" if origin else text)
        before = here
    return out


def _rows(graph: Graph, known: Mapping[Node, str]) -> str:
    """The number of rows, as an input's shape tells it."""
    found = []
    for here in graph.inputs:
        for axis, dim in enumerate(here.shape):
            if isinstance(dim, Rows):
                text = f"{known[here]}.shape[{axis}]"
                found.append((dim.times, text if dim.times == 1 else f"({text} // {dim.times})"))
    for here in graph.order():
        if not found and has_rows(here.shape):
            raise ShapeError(
                f"{show(here.shape)} depends on the number of rows, which no input of the graph "
                f"tells"
            )
    return min(found, key=lambda pair: pair[0])[1] if found else ""


def _return(graph: Graph, known: Mapping[Node, str]) -> list[str]:
    words = [known[o] for o in graph.outputs]
    line = f"return {', '.join(words) or '()'}"
    return [line] if len(line) <= _WIDTH - 4 else _wrapped("return (", words, ")", "")


def _wrapped(opening: str, words: list[str], closing: str, indent: str) -> list[str]:
    """On one line where it fits, else one word a line."""
    line = f"{indent}{opening}{', '.join(words)}{closing}"
    if len(line) <= _WIDTH:
        return [line]
    rows, row = [], ""
    for word in words:
        if row and len(indent) + len(row) + len(word) > _WIDTH - 8:
            rows.append(row)
            row = ""
        row += f"{word}, "
    rows.append(row)
    return [
        f"{indent}{opening}",
        *(f"{indent}    {r.rstrip()}" for r in rows),
        f"{indent}{closing}",
    ]


def compile_source(graph: Graph) -> Callable[..., tuple[NDArray[Any], ...]]:
    """The written program as a function from arrays, in the inputs' order, to a tuple of outputs.

    The text is registered with `linecache`: `inspect.getsource`, tracebacks and debuggers show it.

    >>> from clearprop.nodes.build import exp, input
    >>> x = input("x", (3,))
    >>> compile_source(Graph((x,), (exp(x),)))(np.zeros(3, np.float32))
    (array([1., 1., 1.], dtype=float32),)
    """
    text = source(graph)
    filename = f"<clearprop source {zlib.crc32(text.encode()):08x}>"
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    space: dict[str, Any] = {"__name__": "clearprop.written"}
    exec(compile(text, filename, "exec"), space)  # our own text, from a graph, never from a file
    step = space["step"]

    def run(*arrays: Any) -> tuple[NDArray[Any], ...]:
        with np.errstate(all="ignore"):  # infinity and NaN are values like others
            result = step(*arrays)
        results = result if len(graph.outputs) != 1 else (result,)
        return tuple(np.asarray(value) for value in results)

    run.__wrapped__ = step  # type: ignore[attr-defined]  # so that inspect finds the written text
    return run
