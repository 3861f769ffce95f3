"""Every reading of every graph gives what the reference gives, as close as ENGINE.md 15 says."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from numpy.typing import NDArray

from clearprop.graph import READINGS
from clearprop.nodes import Graph
from clearprop.nodes.shapes import bind
from clearprop.readings.arrays import bind_rows
from clearprop.readings.reference import evaluate, evaluate_all
from clearprop.transform.lower import lower
from clearprop.transform.simplify import simplify
from tests.closeness import assert_close
from tests.corpus import CASES, Case
from tests.strategies import graphs

RANDOM = settings(
    deadline=None,
    max_examples=150,
    derandomize=True,  # the same graphs on every machine: a failure is a fact, not weather
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def run(reading: str, case: Case) -> Sequence[NDArray[Any]]:
    return READINGS[reading](case.graph)(*case.values.values())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_reference_gives_the_dtypes_and_shapes_of_the_nodes(case: Case) -> None:
    rows = bind_rows(dict(zip(case.graph.inputs, case.values.values(), strict=True)))
    for here, value in evaluate_all(case.graph, case.values).items():
        assert value.dtype == here.dtype, here
        assert value.shape == bind(here.shape, rows or 0), here


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_written_program_gives_what_the_reference_gives(case: Case) -> None:
    assert_close(case.graph, case.values, run("source", case), factor=10)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_machine_code_gives_what_the_reference_gives(case: Case) -> None:
    assert_close(case.graph, case.values, run("llvm", case))


@pytest.mark.parametrize("transform", [simplify, lower], ids=["simplify", "lower"])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_transform_keeps_what_the_graph_computes(
    case: Case, transform: Callable[[Graph], Graph]
) -> None:
    assert_close(case.graph, case.values, evaluate(transform(case.graph), case.values))


def ordinary(case: Case) -> bool:
    """Whether all values are finite and moderate, where closeness means something."""
    known = evaluate_all(case.graph, case.values).values()
    return all(bool(np.all(np.abs(v.astype("f8")) < 1e6)) for v in known)


@RANDOM
@given(graphs())
def test_random_graphs_written_out_give_what_the_reference_gives(case: Case) -> None:
    assume(ordinary(case))
    assert_close(case.graph, case.values, run("source", case), factor=10)


@RANDOM
@given(graphs())
def test_random_graphs_simplified_give_what_the_reference_gives(case: Case) -> None:
    assume(ordinary(case))
    got = evaluate(lower(simplify(case.graph)), case.values)
    assert_close(case.graph, case.values, got)


@RANDOM
@given(graphs())
def test_random_graphs_as_machine_code_give_what_the_reference_gives(case: Case) -> None:
    assume(ordinary(case))
    assert_close(case.graph, case.values, run("llvm", case))
