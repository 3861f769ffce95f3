"""Each operation has its row in every table; a missing one is named here with its table."""

import pytest

from clearprop.nodes.ops import OPS, elementwise
from clearprop.readings.llvm.operations import OPERATIONS
from clearprop.readings.reference import MEANING
from clearprop.readings.source.program import WRITERS
from clearprop.transform.vjp import NO_DERIVATIVE, VJPS
from tests.corpus import CASES

LOWERED_AWAY = {"stop_gradient"}
COMPUTED = sorted(set(OPS) - {"input"})


@pytest.mark.parametrize("op", COMPUTED)
def test_an_operation_has_a_meaning_in_the_reference(op: str) -> None:
    assert op in MEANING


@pytest.mark.parametrize("op", COMPUTED)
def test_an_operation_is_written_in_the_source(op: str) -> None:
    assert op in WRITERS


@pytest.mark.parametrize("op", [op for op in COMPUTED if elementwise(op)])
def test_an_elementwise_operation_is_an_instruction_or_is_lowered_away(op: str) -> None:
    assert op in OPERATIONS or op in LOWERED_AWAY


@pytest.mark.parametrize("op", sorted(OPS))
def test_an_operation_has_a_derivative_or_is_listed_as_having_none(op: str) -> None:
    assert (op in VJPS) != (op in NO_DERIVATIVE)


@pytest.mark.parametrize("op", COMPUTED)
def test_an_operation_is_in_the_corpus(op: str) -> None:
    assert any(here.op == op for case in CASES for here in case.graph.order())


@pytest.mark.parametrize(
    "table",
    [MEANING, WRITERS, VJPS, NO_DERIVATIVE],
    ids=["reference", "source", "vjp", "not differentiable"],
)
def test_no_table_has_a_row_of_an_unknown_operation(table: object) -> None:
    assert set(table) <= set(OPS)  # type: ignore[call-overload]
