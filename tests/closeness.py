"""How close a reading must come to the reference (ENGINE.md 15).

Within 100 times what moving each input by one unit in the last place changes in the reference, plus
100 eps of the largest magnitude in the graph; the smallest normal number is the floor. Integers and
truth values are equal, NaN and infinities stand at the same places.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clearprop.nodes import Graph
from clearprop.nodes.ops import FLOATS
from clearprop.readings.reference import evaluate, evaluate_all

__all__ = ["assert_close", "tolerances"]

Array = NDArray[Any]


def _finite(x: Array) -> Array:
    return np.where(np.isfinite(x), x, 0)


def _moved(value: Array, signs: Array) -> Array:
    """Each finite number moved by one unit in the last place, up or down."""
    moved = np.nextafter(value, (signs * np.inf).astype(value.dtype))
    return np.where(np.isfinite(value), moved, value)


def _changes(graph: Graph, values: Mapping[str, Array], want: Sequence[Array]) -> list[Array]:
    """What moving the inputs, one after another and each in three ways, changes in the outputs."""
    rng = np.random.default_rng(0)
    total = [np.zeros(w.shape) for w in want]
    for name, value in values.items():
        if value.dtype.name not in FLOATS:
            continue
        worst = [np.zeros(w.shape) for w in want]
        ways = (np.ones(value.shape), -np.ones(value.shape), rng.choice((-1.0, 1.0), value.shape))
        for signs in ways:
            got = evaluate(graph, {**values, name: _moved(value, signs)})
            for place, (g, w) in enumerate(zip(got, want, strict=True)):
                change = np.abs(_finite(g.astype("f8")) - _finite(w.astype("f8")))
                worst[place] = np.maximum(worst[place], change)
        total = [t + w for t, w in zip(total, worst, strict=True)]
    return total


def tolerances(graph: Graph, values: Mapping[str, Array], factor: float = 100) -> list[Array]:
    """For each output the largest allowed difference, element by element."""
    known = evaluate_all(graph, values)
    floats = {here: v for here, v in known.items() if here.dtype in FLOATS}
    coarsest = "float32" if any(n.dtype == "float32" for n in floats) else "float64"
    largest = max(
        (float(np.max(np.abs(_finite(v)), initial=0)) for v in floats.values()), default=0
    )
    finfo = np.finfo(coarsest)
    changes = _changes(graph, values, [known[o] for o in graph.outputs])
    base = factor * float(finfo.eps) * largest + float(finfo.tiny)
    return [factor * change + base for change in changes]


def assert_close(
    graph: Graph, values: Mapping[str, Array], got: Sequence[Array], factor: float = 100
) -> None:
    """Compare what a reading gave with the reference of the same graph."""
    want = evaluate(graph, values)
    allowed = tolerances(graph, values, factor)
    assert len(got) == len(want)
    for place, (g, w, limit) in enumerate(zip(got, want, allowed, strict=True)):
        what = f"output {place}, {graph.outputs[place]!r}"
        assert g.dtype == w.dtype, f"{what}: dtype {g.dtype}, expected {w.dtype}"
        assert g.shape == w.shape, f"{what}: shape {g.shape}, expected {w.shape}"
        if w.dtype.name not in FLOATS:
            np.testing.assert_array_equal(g, w, err_msg=what)
            continue
        finite = np.isfinite(w)
        np.testing.assert_array_equal(g[~finite], w[~finite], err_msg=f"{what}: where not finite")
        difference = np.abs(np.where(finite, g, 0).astype("f8") - _finite(w).astype("f8"))
        assert np.all(difference <= limit), (
            f"{what}: differs by {difference.max():.3g}, allowed is "
            f"{limit.ravel()[np.argmax(difference - limit)]:.3g}"
        )
