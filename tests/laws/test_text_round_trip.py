"""parse(text(g)) is g: the same nodes, names and origins."""

import pickle

import pytest
from hypothesis import given, settings

from clearprop.errors import GraphError
from clearprop.nodes import Graph
from clearprop.nodes.check import check
from clearprop.nodes.text import parse, text
from tests.corpus import CASES, Case
from tests.strategies import graphs


def same(graph: Graph) -> None:
    back = parse(text(graph))
    assert back == graph
    assert all(a is b for a, b in zip(back.inputs, graph.inputs, strict=True))
    assert all(a is b for a, b in zip(back.outputs, graph.outputs, strict=True))
    assert dict(back.names) == dict(graph.names)
    assert dict(back.origins) == dict(graph.origins)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_graph_reads_back_from_its_text(case: Case) -> None:
    same(case.graph)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_graph_of_the_corpus_is_well_formed(case: Case) -> None:
    assert check(case.graph) is case.graph


@settings(deadline=None, derandomize=True, max_examples=200)
@given(graphs())
def test_a_random_graph_reads_back_from_its_text(case: Case) -> None:
    same(check(case.graph))


def test_a_graph_reads_back_from_a_pickle() -> None:
    for case in CASES[::40]:
        assert pickle.loads(pickle.dumps(case.graph)) == case.graph


@pytest.mark.parametrize(
    "line",
    [
        "%0 = inputt name='x' shape=(3,) dtype='float32'",
        "%1 = input name='x' shape=(3,) dtype='float32'",
        "%0 = input name='x' shape=('columns',) dtype='float32'",
        "%0 = input name=__import__('os').getcwd() shape=(3,) dtype='float32'",
        "%0 = exp %7",
        "%0 = exp",
        "inputs %3",
        "name %0 'x'",
        "nonsense",
    ],
)
def test_a_line_that_is_none_is_refused(line: str) -> None:
    with pytest.raises(GraphError):
        parse(line)
