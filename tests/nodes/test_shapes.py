"""Shape arithmetic with a symbolic number of rows."""

import pytest

from clearprop.errors import ShapeError
from clearprop.nodes import ROWS, Dim, Rows, build
from clearprop.nodes.shapes import bind, has_rows, show, size, strides


@pytest.mark.parametrize(
    ("shape", "count"),
    [((), 1), ((3, 4), 12), ((0, 4), 0), ((ROWS,), ROWS), ((3, Rows(2), 5), Rows(30))],
)
def test_size_is_the_product_of_the_dimensions(shape: tuple[Dim, ...], count: Dim) -> None:
    assert size(shape) == count


def test_rows_twice_are_an_error_that_shows_the_shape() -> None:
    with pytest.raises(ShapeError, match=r"\(rows, 2\*rows\) has rows twice"):
        size((ROWS, Rows(2)))


def test_bind_puts_the_number_of_rows_in() -> None:
    assert bind((ROWS, 3, Rows(4)), 5) == (5, 3, 20)
    assert bind((), 5) == ()


def test_strides_are_row_major() -> None:
    assert strides((2, 3, 4)) == (12, 4, 1)
    assert strides((ROWS, 3)) == (3, 1)
    assert strides((1, ROWS, 3)) == (3, 3, 1)
    with pytest.raises(ShapeError, match="rows must be the first dimension"):
        strides((2, ROWS))


def test_shapes_are_shown_as_people_write_them() -> None:
    assert [show(s) for s in ((), (3,), (ROWS, 784), (Rows(2),))] == [
        "()", "(3,)", "(rows, 784)", "(2*rows,)",
    ]  # fmt: skip
    assert has_rows((3, ROWS))
    assert not has_rows((3, 4))


@pytest.mark.parametrize(
    ("shapes", "together"),
    [
        ([(3,), (4, 3)], (4, 3)),
        ([(4, 1), (1, 3)], (4, 3)),
        ([(), (ROWS, 3)], (ROWS, 3)),
        ([(1,), (ROWS, 1), (5,)], (ROWS, 5)),
        ([(0,), (1,)], (0,)),
    ],
)
def test_broadcasting_is_numpys(shapes: list[tuple[Dim, ...]], together: tuple[Dim, ...]) -> None:
    assert build.broadcast_shapes(*shapes) == together


def test_rows_do_not_broadcast_with_a_whole_number() -> None:
    with pytest.raises(ShapeError, match=r"\(rows,\) and \(3,\) do not broadcast"):
        build.input("r", (ROWS,)) + build.input("x", (3,))
