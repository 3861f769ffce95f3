import numpy as np
import pytest

from clearprop.errors import NotFiniteError
from clearprop.nn.layers import Dense
from clearprop.nodes.build import exp, input, log, sum, where
from clearprop.nodes.graph import Graph
from clearprop.optim import SGD
from clearprop.train.model import Sequential
from clearprop.train.notfinite import first_not_finite
from tests.train.problems import classifier, line, same_bits, three_classes


@pytest.mark.usefixtures("engine")
def test_a_huge_learning_rate_stops_at_its_step_and_keeps_the_weights_before() -> None:
    x, y = three_classes(64)
    model = classifier(optimizer=SGD(1e30))
    with pytest.raises(NotFiniteError) as caught:
        model.fit(x, y, epochs=5, batch_size=16)
    said = str(caught.value)
    assert "epoch 1, step 2 of 4" in said
    assert "layer 2 dense" in said
    assert "learning rate is too high (it is 1e+30)" in said
    assert model.step_count == 1
    once = classifier(optimizer=SGD(1e30))
    # the same first step: the same permutation, only its first 16 rows
    order = _first_rows(64, 16)
    once.fit(x[order], y[order], epochs=1, batch_size=16, shuffle=False)
    assert same_bits(model.weights, once.weights)


def _first_rows(rows: int, batch: int) -> "np.ndarray":
    from clearprop.train.loop import permutation

    return permutation(0, 0, rows)[:batch]


@pytest.mark.usefixtures("engine")
def test_whole_epochs_before_the_bad_step_stay_in_the_history() -> None:
    # the error grows by a constant factor each step, until float32 ends
    x, y = np.ones((8, 1)), np.full((8, 1), 2.0)
    model = Sequential([Dense(1, use_bias=False)], optimizer=SGD(4.0))
    with pytest.raises(NotFiniteError, match=r"training stopped in epoch \d+, step"):
        model.fit(x, y, epochs=1000, batch_size=4)
    losses = model.history.history["loss"]
    assert 5 < len(losses) < 100
    assert np.isfinite(losses).all()
    assert model.step_count // 2 == len(losses)
    assert all(np.isfinite(w).all() for w in model.weights.values())


@pytest.mark.usefixtures("engine")
def test_the_run_goes_on_after_a_smaller_learning_rate() -> None:
    x, y = np.ones((8, 1)), np.full((8, 1), 2.0)
    model = Sequential([Dense(1, use_bias=False)], optimizer=SGD(4.0), dtype="float64")
    with pytest.raises(NotFiniteError):
        model.fit(x, y, epochs=1000)
    model.set_weights({"0.weight": [[5.0]]})
    model.optimizer = SGD(0.1)
    assert model.fit(x, y, epochs=200).history["loss"][-1] < 1e-12


@pytest.mark.usefixtures("engine")
def test_huge_inputs_are_named_as_the_cause() -> None:
    x, y = line(16)
    x[3, 1] = 3e38
    with pytest.raises(NotFiniteError, match=r"inputs are as large as 3e\+38: standardise them"):
        Sequential([Dense(4), Dense(1)]).fit(x, y, epochs=1)


@pytest.mark.usefixtures("engine")
def test_huge_targets_are_the_cause_where_no_update_was_made() -> None:
    x, y = line(16)
    with pytest.raises(NotFiniteError, match="targets or the first weights are too large"):
        Sequential([Dense(1)]).fit(x, y * 1e30, epochs=1)


def test_the_first_bad_node_is_one_that_leads_to_a_bad_output() -> None:
    x = input("x", (2,), "float64")
    harmless = where(x > 0, x, exp(x * -1e6))  # overflows where it is not taken
    culprit = log(x - 1)
    graph = Graph((x,), (sum(harmless + culprit),), {culprit: "0.z"})
    found = first_not_finite(graph, {"x": np.array([1.0, 2.0])})
    assert found is not None
    assert found[0] is culprit
    assert first_not_finite(graph, {"x": np.array([2.0, 3.0])}) is None
