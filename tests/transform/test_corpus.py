"""simplify and lower over the corpus and over random graphs: the same values, fewer nodes."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings

from clearprop.nodes import Graph
from clearprop.nodes.check import check
from clearprop.readings.reference import evaluate
from clearprop.transform.lower import lower
from clearprop.transform.simplify import simplify
from tests.closeness import assert_close
from tests.corpus import CASES, Case
from tests.strategies import graphs

Transform = Callable[[Graph], Graph]
TRANSFORMS: dict[str, Transform] = {
    "simplify": simplify,
    "lower": lower,
    "both": lambda graph: lower(simplify(graph)),
}
RANDOM = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def _same_values(case: Case, transform: Transform) -> None:
    graph = check(transform(case.graph))
    assert graph.inputs == case.graph.inputs
    assert_close(case.graph, case.values, evaluate(graph, case.values))


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_values_stay(case: Case, transform: Transform) -> None:
    _same_values(case, transform)


@pytest.mark.parametrize("transform", TRANSFORMS.values(), ids=TRANSFORMS)
@RANDOM
@given(graphs())
def test_the_values_of_random_graphs_stay(transform: Transform, case: Case) -> None:
    _same_values(case, transform)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_simplify_and_lower_change_nothing_the_second_time(case: Case) -> None:
    simple = simplify(case.graph)
    assert simplify(simple) == simple
    low = lower(simple)
    assert lower(low) == low


@RANDOM
@given(graphs())
def test_simplify_changes_nothing_of_a_random_graph_the_second_time(case: Case) -> None:
    simple = simplify(case.graph)
    assert simplify(simple) == simple
