"""Which node of a step was first not finite: the step is read once more, by the reference."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clearprop.nodes.graph import Graph
from clearprop.nodes.node import Node
from clearprop.readings.reference import evaluate_all

__all__ = ["first_not_finite", "story"]

Array = NDArray[Any]

_LARGE = 1e4  # inputs beyond it are hardly standardised


def _finite(array: Array) -> bool:
    return array.dtype.kind != "f" or bool(np.isfinite(array).all())


def first_not_finite(graph: Graph, values: Mapping[str, Any]) -> tuple[Node, Array] | None:
    """The first node that is not finite and from which a logged or new value is not, and its value.

    Only what leads to such an output counts: a branch that `where` does not take may overflow.
    """
    found = evaluate_all(graph, values)
    bad: set[Node] = set()
    stack = [o for o in graph.outputs if not _finite(found[o])]
    while stack:
        here = stack.pop()
        if here not in bad:
            bad.add(here)
            stack += [a for a in here.args if not _finite(found[a])]
    first = next((here for here in graph.order() if here in bad), None)
    return None if first is None else (first, found[first])


def story(graph: Graph, values: Mapping[str, Any], updates: int, rate: float | None) -> str:
    """What went wrong and what to do, in one line; `updates` were made before this step."""
    found = first_not_finite(graph, values)
    largest = float(np.max(np.abs(values["x"]))) if values["x"].size else 0.0
    if found is None:
        return (
            "the loss or a weight came out as NaN or infinity in the compiled step, though not in "
            f"its reference; {_cure('', largest, updates, rate)}"
        )
    here, value = found
    origin = graph.origins.get(here, "")
    name = graph.names.get(here, here.op)
    what = "NaN" if np.isnan(value).any() else "infinity"
    return f"{what} first in {_place(origin, name)}; {_cure(origin, largest, updates, rate)}"


def _place(origin: str, name: str) -> str:
    return f"{origin} ({name})" if origin else name


def _cure(origin: str, largest: float, updates: int, rate: float | None) -> str:
    """The likely cause, judged by where it happened and when."""
    said = "" if rate is None else f" (it is {rate:g})"
    if largest > _LARGE and (updates == 0 or largest > 1e15):
        return f"the inputs are as large as {largest:.3g}: standardise them"
    if updates == 0 and not origin.startswith(("gradient", "update", "mean", "clip")):
        return "no update was made yet: the targets or the first weights are too large"
    if origin.startswith("gradient"):
        return f"the gradients explode: lower the learning rate{said}, or give clip_norm=1.0"
    return f"most likely the learning rate is too high{said}: lower it, or give clip_norm=1.0"
