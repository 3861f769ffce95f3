"""What people who know NumPy try on a node: it works, or says what to do."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from clearprop import graph as g
from clearprop.errors import ArgumentError, GraphError, ShapeError, TypeMismatch


@pytest.mark.parametrize(
    "key",
    [0, -1, slice(None), slice(1, 3), (slice(None), 2), (1, slice(0, 5, 2)), None, Ellipsis,
     (Ellipsis, -2), (slice(None, None, 2), None, slice(3))],
)  # fmt: skip
def test_indexing_gives_what_numpy_gives(key: Any) -> None:
    x = g.input("x", (4, 6))
    array = np.arange(24, dtype=np.float32).reshape(4, 6)
    found = g.compile(x[key], [x], reading="reference")(array)
    np.testing.assert_array_equal(found, array[key])


@pytest.mark.parametrize("key", [4, (0, 0, 0), slice(None, None, -1), np.array([0, 1]), "a" * 3])
def test_an_index_that_does_not_fit_is_told(key: Any) -> None:
    with pytest.raises((ShapeError, KeyError), match=r"axis|places|attribute"):
        g.input("x", (4, 6))[key]


def test_abs_is_an_operator() -> None:
    x = g.input("x", (2,))
    assert abs(x) is g.abs(x)


def test_an_array_beside_a_node_is_told_to_be_an_input() -> None:
    x: Any = g.input("x", (4, 3))
    array: Any = np.ones((4, 3), np.float32)
    uses: list[Callable[[], Any]] = [
        lambda: x * array,
        lambda: array * x,
        lambda: array @ x,
        lambda: np.exp(x),
        lambda: np.mean(x),
    ]
    for use in uses:
        with pytest.raises(GraphError, match="input"):
            use()


def test_a_numpy_number_is_a_number() -> None:
    x: Any = g.input("x", (2,))
    assert x * np.float32(2) is x * 2.0


def test_pad_takes_pairs_as_numpy_does() -> None:
    x = g.input("x", (4, 3))
    assert g.pad(x, ((1, 1), (0, 2))).shape == (6, 5)
    with pytest.raises(ShapeError, match="pair"):
        g.pad(x, (1, 2))


def test_take_wants_a_node_of_places() -> None:
    with pytest.raises(TypeMismatch, match="input of the graph"):
        g.take(g.input("x", (4, 3)), np.array([0, 2]), axis=1)  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", [(4, -3), (2.5,), ("a",)])
def test_a_shape_that_is_none_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeError, match="dimension"):
        g.input("x", shape)


def test_a_single_number_is_a_shape() -> None:
    assert g.input("x", 3).shape == (3,)


def test_compile_wants_outputs_and_different_names() -> None:
    x, other = g.input("x", (2,)), g.input("x", (3,))
    with pytest.raises(ArgumentError, match="different names"):
        g.compile([x, other], [x, other])
    with pytest.raises(ArgumentError, match="at least one output"):
        g.compile([], [x])
