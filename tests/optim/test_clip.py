"""Clipping: PyTorch's formula, finite everywhere, with its derivatives; NaN is kept."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clearprop.nodes import build
from clearprop.nodes.build import input
from clearprop.nodes.graph import Graph
from clearprop.nodes.node import Node
from clearprop.nodes.scalars import Scalars
from clearprop.optim import clip_gradients
from clearprop.readings.reference import evaluate
from clearprop.transform.differentiate import gradients

Array = NDArray[Any]
SIZES = [0.0, 1e-30, -1e-30, 1.0, 50.0, -50.0, 1e4, -1e4]


def _clip(
    arrays: list[Array], norm: float | None, value: float | None, order: int = 0
) -> list[Array]:
    """The clipped gradients, or derivatives of that order of the sum of their squares and them."""
    dtype = str(arrays[0].dtype)
    scalars = Scalars(dtype)
    inputs = [input(f"g{i}", a.shape, dtype) for i, a in enumerate(arrays)]
    outputs = clip_gradients(inputs, norm, value, scalars)
    for _ in range(order):
        total: Node = build.sum(outputs[0])
        for i, out in enumerate(outputs):
            total = total + build.sum(out * (i + 1.5))
        outputs = gradients(total, inputs)
    graph = Graph((*inputs, *scalars.nodes.values()), tuple(outputs))
    values = {f"g{i}": a for i, a in enumerate(arrays)}
    values.update({k: np.array(v, dtype) for k, v in scalars.values.items()})
    with np.errstate(under="ignore"):
        return list(evaluate(graph, values))


def test_norm_clipping_by_hand() -> None:
    # the norm of 3, 4 and 12 is 13
    a, b = _clip([np.array([3.0, 4.0]), np.array([[12.0]])], 6.5, None)
    assert a == pytest.approx(np.array([3.0, 4.0]) * 6.5 / (13 + 1e-6), rel=1e-15)
    assert b.item() == pytest.approx(12 * 6.5 / (13 + 1e-6), rel=1e-15)


def test_gradients_inside_the_norm_keep_their_bits() -> None:
    g = np.array([3.0, 4.0], "float32") / np.float32(7)
    (out,) = _clip([g], 0.75, None)
    assert out.tobytes() == g.tobytes()


def test_value_clipping_cuts_each_element() -> None:
    (out,) = _clip([np.array([-2.0, -0.5, 0.0, 0.5, 2.0])], None, 0.5)
    assert out.tolist() == [-0.5, -0.5, 0.0, 0.5, 0.5]


def test_values_are_cut_before_the_norm_is_taken() -> None:
    (out,) = _clip([np.array([30.0, 40.0])], 1.0, 4.0)
    assert out == pytest.approx(np.array([4.0, 4.0]) / (np.sqrt(32) + 1e-6), rel=1e-14)


def test_no_clipping_gives_the_same_nodes() -> None:
    g = input("g", (3,))
    assert clip_gradients([g], None, None, Scalars("float32")) == [g]


@pytest.mark.parametrize("size", [1e-30, 1e-12, 1.0, 1e12, 1e25, 1e30, 1e37])
def test_norm_clipping_in_float32_neither_overflows_nor_vanishes(size: float) -> None:
    g = np.array([3, 4], "float32") * np.float32(size)
    (out,) = _clip([g], 1.0, None)
    norm = 5 * float(np.float32(size))
    expected = g.astype("float64") * min(1.0, 1 / (norm + 1e-6))
    np.testing.assert_allclose(out.astype("float64"), expected, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(("norm", "value"), [(1.0, None), (None, 1.0), (0.5, 2.0), (1e-7, None)])
@pytest.mark.parametrize("order", [0, 1, 2])
def test_clipping_and_its_derivatives_are_finite(
    size: float, dtype: str, norm: float | None, value: float | None, order: int
) -> None:
    arrays: list[Array] = [
        np.full((2,), size, dtype),
        np.array([[size, 0, -size / 2]], dtype),
    ]
    for out in _clip(arrays, norm, value, order):
        assert np.isfinite(out).all()


@pytest.mark.parametrize("order", [1, 2])
def test_derivatives_of_norm_clipping_are_right(order: int) -> None:
    rng = np.random.default_rng(0)
    arrays: list[Array] = [rng.normal(size=3), rng.normal(size=(2, 2))]
    direction = [rng.normal(size=a.shape) for a in arrays]
    step = 1e-6

    def total(shift: float) -> float:
        moved: list[Array] = [a + shift * d for a, d in zip(arrays, direction, strict=True)]
        outs = _clip(moved, 0.7, None, order - 1)
        weighted = [np.sum(out) * (i + 1.5) for i, out in enumerate(outs)]
        return float(np.sum(outs[0]) + sum(weighted))

    numeric = (total(step) - total(-step)) / (2 * step)
    slopes = _clip(arrays, 0.7, None, order)
    exact = sum(float(np.sum(g * d)) for g, d in zip(slopes, direction, strict=True))
    assert exact == pytest.approx(numeric, rel=1e-6)


@pytest.mark.parametrize(("norm", "value"), [(1.0, None), (None, 1.0), (1.0, 1.0)])
def test_nan_in_gives_nan_out(norm: float | None, value: float | None) -> None:
    a, b = _clip([np.array([np.nan, 1.0]), np.array([1.0])], norm, value)
    assert np.isnan(a[0])
    if norm is not None:
        assert np.isnan(a).all()
        assert np.isnan(b).all()
