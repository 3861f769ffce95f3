"""Whole training steps, with every layer, loss and optimizer, in all readings."""

import zlib
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clearprop.graph import READINGS
from clearprop.nn.activations import ACTIVATIONS
from clearprop.nn.layer import Layer
from clearprop.nn.layers import Activation, BatchNorm, Dense, Dropout, Flatten, LayerNorm, Reshape
from clearprop.nn.losses import LOSSES, get_loss
from clearprop.nn.metrics import METRICS
from clearprop.nodes.check import check
from clearprop.nodes.shapes import bind
from clearprop.optim import OPTIMIZERS, Optimizer, get_optimizer
from clearprop.train.network import describe
from clearprop.train.step import Objective, Step, training_step
from tests.closeness import assert_close

ROWS = 7
OUTPUTS = 3


def objective(loss: str, dtype: str) -> Objective:
    labels = loss == "cross_entropy"
    metrics = (METRICS["accuracy"],) if labels else ()
    return Objective(
        get_loss(loss), metrics, () if labels else (OUTPUTS,), "int32" if labels else dtype
    )


def values(step: Step) -> dict[str, NDArray[Any]]:
    """Plausible values of everything a step takes."""
    names = [here["name"] for here in step.graph.inputs]
    rng = np.random.default_rng(zlib.crc32(" ".join(names).encode()))
    out: dict[str, NDArray[Any]] = {}
    for here in step.graph.inputs:
        name, shape = here["name"], bind(here.shape, ROWS)
        if name in step.scalars:
            value: Any = step.scalars[name]
        elif here.dtype == "uint32":
            value = 5
        elif here.dtype == "int32":
            value = rng.integers(0, OUTPUTS, shape)
        elif name == "y":
            value = rng.uniform(0.1, 0.9, shape)
        elif name == "row_weights" or name.startswith("optimizer.") or "variance" in name:
            value = rng.uniform(0.5, 2.0, shape)  # what is remembered of squares is positive
        else:
            value = rng.normal(size=shape) * 0.5
        out[name] = np.asarray(value).astype(here.dtype)
    return out


def agree(layers: list[Layer], loss: str, optimizer: str | Optimizer, dtype: str) -> None:
    network = describe(layers, (6,), dtype)
    step = training_step(network, objective(loss, dtype), get_optimizer(optimizer))
    graph = check(step.graph)
    given = values(step)
    for reading in ("source", "llvm"):
        assert_close(graph, given, READINGS[reading](graph)(*given.values()))


DTYPES = ("float32", "float64")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("optimizer", sorted(OPTIMIZERS))
def test_a_step_of_every_optimizer(optimizer: str, dtype: str) -> None:
    agree([Dense(5, "tanh"), Dense(OUTPUTS)], "cross_entropy", optimizer, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("loss", sorted(LOSSES))
def test_a_step_of_every_loss(loss: str, dtype: str) -> None:
    agree([Dense(5, "sigmoid"), Dense(OUTPUTS)], loss, "sgd", dtype)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
def test_a_step_of_every_activation(activation: str, dtype: str) -> None:
    agree([Dense(8, activation), Dense(OUTPUTS)], "mean_squared_error", "sgd", dtype)


LAYERS: dict[str, list[Layer]] = {
    "activation": [Dense(5), Activation("relu"), Dense(OUTPUTS)],
    "dropout": [Dense(9, "relu"), Dropout(0.3), Dense(OUTPUTS)],
    "batch norm": [Dense(5), BatchNorm(), Activation("relu"), Dense(OUTPUTS)],
    "layer norm": [Dense(5), LayerNorm(), Dense(OUTPUTS)],
    "reshape and flatten": [Reshape((2, 3)), Flatten(), Dense(OUTPUTS)],
    "dense on the last of two axes": [Reshape((2, 3)), Dense(4), Flatten(), Dense(OUTPUTS)],
}


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", LAYERS)
def test_a_step_of_every_layer(name: str, dtype: str) -> None:
    agree(LAYERS[name], "cross_entropy", "adam", dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_step_that_clips(dtype: str) -> None:
    for limits in ({"clip_norm": 0.01}, {"clip_value": 0.001}):
        optimizer = OPTIMIZERS["adam"](**limits)
        agree([Dense(5, "relu"), Dense(OUTPUTS)], "cross_entropy", optimizer, dtype)
