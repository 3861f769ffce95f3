"""One name a value, the same in every reading: W1, b1, z1, a1, and d before it for a gradient.

`W1` is the weight of the first layer that has weights, whatever its index in the model; the table
`W1 = 0.weight` is printed once by every reading. What has no name in the graph is t1, t2 ... in the
order of the lines. A name depends on the graph alone, so it is the same in each run.
"""

import keyword
import re
from collections.abc import Iterable

from clearprop.nodes.graph import Graph
from clearprop.nodes.node import Node
from clearprop.readings.lines import lines

__all__ = ["identifier", "names", "ordinals", "table"]

_LAYER = re.compile(r"(\d+)\.(.+)")
_LETTERS = {"weight": "W", "bias": "b"}
_PREFIXES = {"gradient.": "d{}", "updated.": "{}_new", "delta.": "delta_{}", "optimizer.": "{}"}
# in the printed source `step` is the function itself
_WORDS = {"step": "step_number"}
_TAKEN = {*keyword.kwlist, "np", "math", "sigmoid", "softplus", "erf"}
_TAKEN |= {"random_bits", "scatter_add"}


def path(graph: Graph, here: Node) -> str | None:
    """What the node is called in this graph; an input has at least its own name."""
    found = graph.names.get(here)
    return here["name"] if found is None and here.op == "input" else found


def ordinals(graph: Graph) -> dict[str, int]:
    """For the index of each layer that has weights, its number among them from 1."""
    found = {
        int(match[1])
        for here in graph.inputs
        if here.shape and (match := _LAYER.fullmatch(here["name"]))
    }
    return {str(index): place for place, index in enumerate(sorted(found), 1)}


def identifier(written: str, layers: dict[str, int]) -> str:
    """A Python name for a path.

    >>> layers = {"0": 1, "2": 2}
    >>> [identifier(p, layers) for p in ("0.weight", "2.bias", "2.z", "gradient.2.weight")]
    ['W1', 'b2', 'z2', 'dW2']
    >>> [identifier(p, layers) for p in ("2.query.weight", "1.rate", "optimizer.m.0.bias")]
    ['W2_query', 'layer1_rate', 'm_b1']
    """
    for prefix, form in _PREFIXES.items():
        if written.startswith(prefix):
            return form.format(identifier(written.removeprefix(prefix), layers))
    match = _LAYER.fullmatch(written)
    if match is None:
        slot, _, rest = written.partition(".")
        if _LAYER.fullmatch(rest):
            return f"{_word(slot)}_{identifier(rest, layers)}"
        return _WORDS.get(written) or _word(written)
    index, (*parts, last) = match[1], match[2].split(".")
    if index not in layers:
        return f"layer{index}_{_word(match[2])}"
    return "_".join([f"{_LETTERS.get(last, _word(last))}{layers[index]}", *map(_word, parts)])


def _word(written: str) -> str:
    word = re.sub(r"\W", "_", written, flags=re.ASCII)
    return f"_{word}" if not word or word[0].isdigit() else word


def names(graph: Graph) -> dict[Node, str]:
    """A name for each node: from the graph's names where it has one, else t1, t2 ...

    >>> from clearprop.nodes.build import exp, input
    >>> x = input("x", (3,))
    >>> list(names(Graph((x,), (exp(x), exp(-x)), {exp(x): "0.y"})).values())
    ['x', 'layer0_y', 't1', 't2']
    """
    layers = ordinals(graph)
    out: dict[Node, str] = {}
    taken = set(_TAKEN)
    rest: list[Node] = []
    for here in _in_reading_order(graph):
        written = path(graph, here)
        if written is None:
            rest.append(here)
        else:
            out[here] = _free(identifier(written, layers), taken)
    number = 0
    for here in rest:
        number += 1
        while f"t{number}" in taken:
            number += 1
        out[here] = f"t{number}"
    return out


def _in_reading_order(graph: Graph) -> Iterable[Node]:
    """Inputs, then what has a line, then all that is folded into lines."""
    return dict.fromkeys((*graph.inputs, *lines(graph), *graph.order()))


def _free(word: str, taken: set[str]) -> str:
    """The word, with the first free number behind it where two values have one name."""
    made, number = word, 1
    while made in taken:
        number += 1
        made = f"{word}_{number}"
    taken.add(made)
    return made


def table(graph: Graph) -> dict[str, str]:
    """Which path each name stands for, where they differ: {"W1": "0.weight"}."""
    known = names(graph)
    found = {known[n]: p for n in known if (p := path(graph, n)) is not None}
    return {name: written for name, written in found.items() if name != written}
