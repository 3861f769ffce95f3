"""The engine's loop against the stand-in's: the same numbers, whatever the layers and data."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import pytest
from numpy.typing import NDArray

from clearprop.errors import DataError
from clearprop.nn.init import INITIALIZERS
from clearprop.nn.layer import Context, Layer, Variable
from clearprop.nn.layers import BatchNorm, Dense, Dropout, Flatten, LayerNorm, Reshape
from clearprop.nodes.build import gather
from clearprop.nodes.node import Node
from clearprop.optim import SGD, Adam, AdamW, CosineDecay
from clearprop.train.model import Sequential
from tests.train import standin
from tests.train.problems import three_classes

Array = NDArray[Any]


@dataclass(frozen=True)
class Table(Layer):
    """A layer that takes ids: a row of numbers for each."""

    kind: ClassVar[str] = "table"
    takes: ClassVar[str] = "integer"
    vocabulary: int = 6

    def declare(self, shape: tuple[int, ...], dtype: str) -> dict[str, Variable]:
        return {"weight": Variable((self.vocabulary, 3), INITIALIZERS["normal"])}

    def call(self, x: Node, context: Context) -> Node:
        return gather(context.variable("weight"), x)


def _plain() -> tuple[Sequential, Array, Array]:
    x, y = three_classes(50)
    layers = [Dense(7, activation="gelu"), Dense(3)]
    return Sequential(layers, "cross_entropy", Adam(0.02), ["accuracy"], dtype="float64"), x, y


def _norms() -> tuple[Sequential, Array, Array]:
    x, y = three_classes(50)
    # a bias before batch norm has the gradient 0, and Adam makes whole steps of its rounding
    first = Dense(6, use_bias=False)
    layers: list[Layer] = [first, BatchNorm(), Dropout(0.3), LayerNorm(), Dense(1)]
    optimizer = AdamW(CosineDecay(0.05, steps=20), clip_norm=0.5)
    return Sequential(layers, "binary_cross_entropy", optimizer, dtype="float64"), x, y > 0


def _over_time() -> tuple[Sequential, Array, Array]:
    x = np.random.default_rng(0).normal(size=(30, 4, 2))
    layers = [Dense(5, activation="tanh"), Dense(3)]
    model = Sequential(
        layers, "cross_entropy", SGD(0.3, momentum=0.9), ["accuracy"], dtype="float64"
    )
    return model, x, (x[:, :, 0] > 0).astype(int) + (x[:, :, 1] > 0)


def _ids() -> tuple[Sequential, Array, Array]:
    x = np.random.default_rng(0).integers(0, 6, size=(30, 4))
    layers: list[Layer] = [Table(), Flatten(), Dense(2), Reshape((2, 1)), Flatten()]
    return Sequential(layers, "huber", Adam(0.05), dtype="float64"), x, x[:, :2] * 0.3


@pytest.mark.parametrize("problem", [_plain, _norms, _over_time, _ids])
@pytest.mark.parametrize("batch", [8, 50])
def test_the_engine_trains_as_the_stand_in_does(
    problem: Callable[[], tuple[Sequential, Array, Array]],
    batch: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled, x, y = problem()
    weights = np.linspace(0.0, 2.0, len(x))
    a = compiled.fit(x, y, epochs=4, batch_size=batch, sample_weight=weights).history
    found = compiled.weights
    monkeypatch.setattr("clearprop.readings.llvm.compile_loop", standin.compile_loop)
    monkeypatch.setattr("clearprop.readings.llvm.compile_function", standin.compile_function)
    judge, _, _ = problem()
    b = judge.fit(x, y, epochs=4, batch_size=batch, sample_weight=weights).history
    for name, values in b.items():
        np.testing.assert_allclose(a[name], values, rtol=1e-9, atol=1e-12)
    for name, value in judge.weights.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-8, atol=1e-10, err_msg=name)
    judge.set_weights(found)
    np.testing.assert_allclose(compiled.predict(x), judge.predict(x), rtol=1e-10, atol=1e-12)
    ours, theirs = compiled.gradients(x, y), judge.gradients(x, y)
    for name, value in theirs.items():
        np.testing.assert_allclose(ours[name], value, rtol=1e-8, atol=1e-12, err_msg=name)


@pytest.mark.usefixtures("engine")
def test_ids_beyond_the_vocabulary_are_refused_before_the_first_step() -> None:
    model, x, y = _ids()
    x[7, 2] = 6
    with pytest.raises(DataError, match=r"id 6 at \(7, 2\); layer 0 table takes ids from 0 to 5"):
        model.fit(x, y)
    over_time, numbers, labels = _over_time()
    labels[29, 1] = 4
    with pytest.raises(DataError, match=r"label 4 at row 29.*from 0 to 2"):
        over_time.fit(numbers, labels)
