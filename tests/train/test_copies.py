"""A copy of a model, or one from a pickle, goes on as the model itself would."""

import copy
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from clearprop.nn.init import INITIALIZERS
from clearprop.nn.layers import BatchNorm, Dense, Dropout
from clearprop.nn.losses import LOSSES, Loss, huber
from clearprop.nn.metrics import METRICS
from clearprop.nodes import build
from clearprop.nodes.node import Node
from clearprop.optim import SGD, Adam, ReduceOnPlateau
from clearprop.train.buffers import Buffers
from clearprop.train.model import Sequential
from tests.train.problems import classifier, line, same_bits, three_classes

Copy = Callable[[Any], Any]


def _through_pickle(thing: Any) -> Any:
    return pickle.loads(pickle.dumps(thing))


COPIES = pytest.mark.parametrize("copied", [copy.deepcopy, _through_pickle])


@pytest.mark.usefixtures("engine")
@COPIES
def test_a_copy_trains_on_to_the_same_bits(copied: Copy) -> None:
    x, y = three_classes()
    model = classifier(optimizer=Adam(0.01))
    model.fit(x, y, epochs=2)
    model.predict(x)
    model.gradients(x, y)
    other = copied(model)
    model.fit(x, y, epochs=2)
    assert not same_bits(model.weights, other.weights)
    other.fit(x, y, epochs=2)
    assert same_bits(model.weights, other.weights)
    assert other.history == model.history
    assert other.step_count == model.step_count


@COPIES
def test_a_model_that_is_not_built_is_copied(copied: Copy) -> None:
    x, y = three_classes()
    model = classifier()
    other = copied(model)
    for each in (model, other):
        each.fit(x, y)
    assert same_bits(model.weights, other.weights)


@COPIES
def test_a_copy_keeps_what_a_plateau_has_seen(copied: Copy) -> None:
    x, y = line()
    rate = ReduceOnPlateau(1e-30, patience=2, factor=0.5)
    model = Sequential([BatchNorm(), Dense(1)], optimizer=SGD(rate), dtype="float64")
    model.fit(x, y, epochs=3)
    other = copied(model)
    other.fit(x, y, epochs=1)
    assert (model.learning_rate_scale, other.learning_rate_scale) == (1.0, 0.5)


@COPIES
def test_given_weights_and_dropout_are_copied(copied: Copy) -> None:
    model = Sequential([Dense(2, weight=np.eye(2)), Dropout(0.5), Dense(1)], loss=huber(2.0))
    model.build(2)
    other = copied(model)
    assert same_bits(model.weights, other.weights)
    assert other.loss.config() == model.loss.config()


@COPIES
def test_views_of_a_copy_lie_in_its_own_buffers(copied: Copy) -> None:
    buffers = Buffers("float32")
    buffers.allocate("decayed", {"a": (3, 2), "b": (2,)})
    other = copied(buffers)
    other.views["b"][...] = 5
    assert other.flat["decayed"].sum() == 10
    assert not buffers.flat["decayed"].any()
    assert other.flat["decayed"].ctypes.data % 64 == 0


def _cubic(prediction: Node, target: Node) -> Node:
    return build.sum(build.abs(prediction - target) ** 3, axis=-1)


@pytest.mark.parametrize("thing", [*INITIALIZERS.values(), *LOSSES.values(), *METRICS.values()])
def test_what_has_a_name_is_itself_after_a_pickle(thing: Any) -> None:
    assert _through_pickle(thing) == thing


def test_a_loss_that_is_a_function_is_pickled_by_its_name() -> None:
    made = Loss("cubic", _cubic, custom=True)
    assert _through_pickle(made) == made


def test_a_pickle_is_read_in_another_process() -> None:
    x, y = three_classes()
    model = classifier()
    model.fit(x, y)
    program = (
        "import pickle, sys\n"
        "model = pickle.load(sys.stdin.buffer)\n"
        "sys.stdout.buffer.write(pickle.dumps(model.predict([[1.0, 2.0]])))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], input=pickle.dumps(model), capture_output=True, check=True
    )
    assert pickle.loads(ran.stdout).tobytes() == model.predict([[1.0, 2.0]]).tobytes()
