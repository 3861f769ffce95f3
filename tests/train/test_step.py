from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clearprop.nn.layer import Layer
from clearprop.nn.layers import BatchNorm, Dense, Dropout
from clearprop.nn.losses import get_loss
from clearprop.nn.metrics import get_metric
from clearprop.nodes.check import check
from clearprop.optim import SGD, Adam, Optimizer
from clearprop.readings.reference import evaluate
from clearprop.train.network import Network, describe
from clearprop.train.step import Objective, Step, evaluation_step, gradient_graph, training_step

Array = NDArray[Any]

LABELS = Objective(get_loss("cross_entropy"), (get_metric("accuracy"),), (), "int32")
NUMBERS = Objective(get_loss("mean_squared_error"), (), (1,), "float64")


def linear() -> Network:
    return describe([Dense(1, use_bias=False)], (2,), "float64")


def run(step: Step, **values: Array) -> dict[str, Array]:
    """Logged numbers as ``log``, new values by the name of the input they replace."""
    numbers = {n: np.array(v) for n, v in step.scalars.items()}
    found = evaluate(step.graph, {**numbers, "step": np.uint32(0), "seed": np.uint32(0), **values})
    known = dict(zip(step.graph.outputs, found, strict=True))
    out = {old["name"]: known[new] for old, new in step.carried.items()}
    return {"log": np.array([known[n] for n in step.logged]), **out}


def one_step(optimizer: Optimizer, weights: list[float]) -> dict[str, Array]:
    return run(
        training_step(linear(), NUMBERS, optimizer),
        **{"0.weight": np.array([[1.0], [2.0]])},
        x=np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]),
        y=np.zeros((3, 1)),
        row_weights=np.array(weights),
    )


def test_one_step_of_sgd_is_the_formula() -> None:
    made = one_step(SGD(0.1), [1.0, 1.0, 1.0])
    # errors 1, 2, 3; mean of squares 14 / 3; gradient 2 / 3 * (1 + 3, 2 + 3)
    assert made["log"].tolist() == [14.0, 3.0, 0.0]
    np.testing.assert_allclose(made["0.weight"], [[1 - 0.8 / 3], [2 - 1 / 3]], rtol=1e-15)


def test_row_weights_weigh_loss_and_gradient() -> None:
    made = one_step(SGD(0.1), [2.0, 0.0, 1.0])
    assert made["log"].tolist() == [11.0, 3.0, 0.0]
    np.testing.assert_allclose(made["0.weight"], [[1 - 1.0 / 3], [2 - 0.6 / 3]], rtol=1e-15)


def test_a_minibatch_without_weight_changes_nothing() -> None:
    made = one_step(SGD(0.1), [0.0, 0.0, 0.0])
    assert made["0.weight"].tolist() == [[1.0], [2.0]]
    assert made["log"].tolist() == [0.0, 0.0, 0.0]


def test_the_mean_gradient_is_clipped_not_the_sum() -> None:
    free = one_step(SGD(1.0), [1.0, 1.0, 1.0])["0.weight"] - [[1.0], [2.0]]
    norm = float(np.linalg.norm(free))
    loose = one_step(SGD(1.0, clip_norm=norm * 1.01), [1.0, 1.0, 1.0])
    np.testing.assert_allclose(loose["0.weight"] - [[1.0], [2.0]], free, rtol=1e-12)
    tight = one_step(SGD(1.0, clip_norm=norm / 2), [1.0, 1.0, 1.0])
    np.testing.assert_allclose(tight["0.weight"] - [[1.0], [2.0]], free / 2, rtol=1e-5)


@pytest.mark.parametrize("poison", [np.nan, np.inf])
def test_the_flag_is_nan_where_a_new_value_is_not_finite(poison: float) -> None:
    step = training_step(linear(), NUMBERS, Adam(0.1))
    state = {n: np.zeros((2, 1)) for n in ("optimizer.m.0.weight", "optimizer.v.0.weight")}
    data = {"x": np.ones((1, 2)), "y": np.zeros((1, 1)), "row_weights": np.ones(1)}
    weight = {"0.weight": np.ones((2, 1))}
    assert run(step, **data, **weight, **state)["log"][-1] == 0
    state["optimizer.v.0.weight"][1] = poison  # the parameter itself would stay finite
    assert np.isnan(run(step, **data, **weight, **state)["log"][-1])


LAYERS: list[Layer] = [Dense(4, activation="relu"), BatchNorm(), Dropout(0.3), Dense(3)]


def network() -> Network:
    return describe(LAYERS, (5,), "float32")


def test_logged_comes_first_then_what_is_carried_in_the_order_of_layers() -> None:
    step = training_step(network(), LABELS, Adam())
    assert step.graph.outputs == (*step.logged, *step.carried.values())
    assert [old["name"] for old in step.carried] == [
        "0.weight", "optimizer.m.0.weight", "optimizer.v.0.weight",
        "0.bias", "optimizer.m.0.bias", "optimizer.v.0.bias",
        "1.weight", "optimizer.m.1.weight", "optimizer.v.1.weight",
        "1.bias", "optimizer.m.1.bias", "optimizer.v.1.bias",
        "1.running_mean", "1.running_variance",
        "3.weight", "optimizer.m.3.weight", "optimizer.v.3.weight",
        "3.bias", "optimizer.m.3.bias", "optimizer.v.3.bias",
    ]  # fmt: skip


def test_the_graphs_are_well_formed_before_and_after_lowering() -> None:
    for step in (training_step(network(), LABELS, Adam()), evaluation_step(network(), LABELS)):
        check(step.graph)
        check(step.lowered().graph)
    check(gradient_graph(network(), LABELS)[0])


def test_lowering_keeps_the_part_of_each_output() -> None:
    step = training_step(network(), LABELS, Adam())
    low = step.lowered()
    assert low.graph.outputs == (*low.logged, *low.carried.values())
    assert list(low.carried) == list(step.carried)


def test_every_node_has_an_origin() -> None:
    graph = training_step(network(), LABELS, Adam(clip_norm=1.0)).graph
    assert [here for here in graph.order() if here not in graph.origins] == []
    origins = set(graph.origins.values())
    assert {"layer 0 dense", "loss cross_entropy", "metric accuracy", "clip"} <= origins
    assert {"update of 0.weight", "update", "finite or not", "gradient of 0.z"} <= origins


def test_gradients_and_new_values_are_named() -> None:
    named = set(training_step(network(), LABELS, Adam()).graph.names.values())
    assert {"gradient.0.weight", "updated.0.weight", "updated.optimizer.m.3.bias"} <= named
    assert {"gradient.0.z", "gradient.3.z", "3.z", "loss.sum"} <= named


def test_evaluation_has_no_dropout_and_no_counter() -> None:
    step = evaluation_step(network(), LABELS)
    assert step.counter is None
    assert not any(here.op == "random_bits" for here in step.graph.order())
    assert training_step(network(), LABELS, SGD(0.1)).counter is not None  # dropout counts


def test_a_plain_sum_is_marked() -> None:
    objective = Objective(get_loss("sum_squared_error"), (), (1,), "float64")
    assert evaluation_step(linear(), objective).summed == (True,)
    assert evaluation_step(linear(), NUMBERS).summed == (False,)
