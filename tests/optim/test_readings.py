"""Updates mean the same after every law of simplification and lowering, and as written source."""

from typing import Any

import numpy as np
import pytest

from clearprop.nodes.graph import Graph
from clearprop.optim import OPTIMIZERS
from clearprop.readings.reference import evaluate
from clearprop.readings.source import compile_source
from clearprop.transform.lower import lower
from clearprop.transform.simplify import simplify
from tests.optim.run import Array, step_graph
from tests.optim.test_updates import DECAY, OPTIONS, START


def _step(name: str, options: dict[str, Any], dtype: str) -> tuple[Graph, dict[str, Array]]:
    """The seventh update, clipped by norm, with slots and gradients drawn at random."""
    optimizer = OPTIMIZERS[name](learning_rate=0.02, clip_norm=0.7, **options)
    graph, numbers, _ = step_graph(optimizer, [p.shape for p in START], dtype, DECAY)
    given = {**numbers, "t": 7.0, "scale": 0.5}
    values: dict[str, Array] = {k: np.array(v, dtype) for k, v in given.items()}
    rng = np.random.default_rng(0)
    for here in graph.inputs:
        shape = tuple(d for d in here.shape if isinstance(d, int))
        values.setdefault(here["name"], np.array(np.abs(rng.normal(size=shape)), dtype))
    return graph, values


@pytest.mark.parametrize(("dtype", "near"), [("float64", 1e-13), ("float32", 1e-5)])
@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_readings_agree_on_every_update(
    name: str, options: dict[str, Any], dtype: str, near: float
) -> None:
    graph, values = _step(name, options, dtype)
    expected = evaluate(graph, values)
    lowered = lower(simplify(graph))
    arrays = [values[here["name"]] for here in graph.inputs]
    for found in (
        evaluate(lowered, values),
        compile_source(graph)(*arrays),
        compile_source(lowered)(*arrays),
    ):
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=near, atol=near * 1e-3)
