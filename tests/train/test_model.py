import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from clearprop.errors import ArgumentError, DataError, ShapeError
from clearprop.nn.layers import BatchNorm, Dense, Dropout
from clearprop.nodes import build
from clearprop.nodes.node import Node
from clearprop.optim import SGD, Adam, ReduceOnPlateau, StepDecay
from clearprop.train.callbacks import EarlyStopping
from clearprop.train.model import Sequential
from clearprop.train.programs import BLOCK, Program, compile_step
from clearprop.train.step import Step
from tests.train.problems import classifier, line, same_bits, three_classes


def regressor(**arguments: Any) -> Sequential:
    return Sequential([Dense(1)], **{"optimizer": SGD(0.1), "dtype": "float64", **arguments})


# --- learning ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("engine")
def test_a_linear_layer_finds_a_line() -> None:
    x, y = line()
    model = regressor()
    history = model.fit(x, y, epochs=300, batch_size=8)
    assert history.history["loss"][-1] < 1e-12
    np.testing.assert_allclose(model.weights["0.weight"], [[2.0], [-1.0]], atol=1e-6)
    np.testing.assert_allclose(model.weights["0.bias"], [0.5], atol=1e-6)


@pytest.mark.usefixtures("engine")
def test_a_classifier_learns_classes_it_did_not_see() -> None:
    x, y = three_classes(300)
    model = classifier(optimizer=Adam(1e-2))
    model.fit(x, y, epochs=20)
    fresh, truth = three_classes(300, seed=1)
    assert model.evaluate(fresh, truth)["accuracy"] > 0.95
    assert (model.predict(fresh).argmax(1) == truth).mean() > 0.95


@pytest.mark.usefixtures("engine")
def test_one_hot_targets_train_like_labels() -> None:
    x, y = three_classes()
    labels, rows = classifier(dtype="float64"), classifier(dtype="float64")
    a = labels.fit(x, y, epochs=3)
    b = rows.fit(x, np.eye(3)[y], epochs=3)
    np.testing.assert_allclose(a.history["loss"], b.history["loss"], rtol=1e-9)
    assert a.history["accuracy"] == b.history["accuracy"]


@pytest.mark.usefixtures("engine")
def test_yes_or_no_is_one_output() -> None:
    x, y = three_classes(90)
    model = Sequential(
        [Dense(8, activation="tanh"), Dense(1)],
        loss="binary_cross_entropy",
        optimizer=Adam(0.05),
        metrics=["accuracy"],
    )
    model.fit(x, y == 0, epochs=20)
    assert model.evaluate(x, y == 0)["accuracy"] > 0.95
    probabilities = model.predict_proba(x)
    assert probabilities.shape == (90, 1)
    assert ((probabilities[:, 0] > 0.5) == (y == 0)).mean() > 0.95


@pytest.mark.usefixtures("engine")
def test_a_loss_and_a_metric_may_be_functions_of_nodes() -> None:
    def fourth_power(prediction: Node, target: Node) -> Node:
        return build.mean(build.square(build.square(prediction - target)), axis=-1)

    x, y = line()
    model = regressor(loss=fourth_power, metrics=[fourth_power], optimizer=SGD(0.01))
    history = model.fit(x, y, epochs=30).history
    assert history["loss"][-1] < history["loss"][0] / 3
    assert history["fourth_power"] == history["loss"]


# --- history and measures ----------------------------------------------------------------------


@pytest.mark.usefixtures("engine")
def test_the_loss_of_an_epoch_is_the_weighted_mean_over_its_batches() -> None:
    x, y = line(10)
    weights = np.arange(10.0)
    model = regressor(optimizer=SGD(0.0), metrics=["mean_absolute_error"])
    model.build(2)
    error = (model.predict(x)[:, 0] - y) ** 2
    history = model.fit(x, y, epochs=2, batch_size=3, sample_weight=weights).history
    expected = (error * weights).sum() / weights.sum()
    np.testing.assert_allclose(history["loss"], [expected] * 2, rtol=1e-12)
    absolute = (np.sqrt(error) * weights).sum() / weights.sum()
    np.testing.assert_allclose(history["mean_absolute_error"], [absolute] * 2, rtol=1e-12)
    measured = model.evaluate(x, y, sample_weight=weights)
    np.testing.assert_allclose(measured["loss"], expected, rtol=1e-12)


@pytest.mark.usefixtures("engine")
def test_a_sum_of_squares_is_summed_over_all_blocks() -> None:
    x, y = line(BLOCK + 44)
    model = regressor(loss="sum_squared_error")
    model.build(2)
    expected = ((model.predict(x)[:, 0] - y) ** 2).sum()
    assert model.evaluate(x, y)["loss"] == pytest.approx(expected, rel=1e-12)


@pytest.mark.usefixtures("engine")
def test_validation_is_measured_after_each_epoch() -> None:
    x, y = three_classes()
    fresh, truth = three_classes(30, seed=1)
    model = classifier()
    history = model.fit(x, y, epochs=3, validation_data=(fresh, truth)).history
    assert list(history) == ["loss", "accuracy", "val_loss", "val_accuracy"]
    assert all(len(values) == 3 for values in history.values())
    assert model.evaluate(fresh, truth)["loss"] == history["val_loss"][-1]


@pytest.mark.usefixtures("engine")
def test_validation_changes_no_weight() -> None:
    x, y = three_classes()
    seen, blind = classifier(), classifier()
    seen.fit(x, y, epochs=2, validation_data=(x, y, np.ones(60)))
    blind.fit(x, y, epochs=2)
    assert same_bits(seen.weights, blind.weights)


@pytest.mark.usefixtures("engine")
def test_class_weights_move_the_decision() -> None:
    x, y = three_classes(90)
    plain, heavy = classifier(optimizer=Adam(1e-2)), classifier(optimizer=Adam(1e-2))
    plain.fit(x, y, epochs=5)
    heavy.fit(x, y, epochs=5, class_weight={2: 50.0})
    assert (heavy.predict(x).argmax(1) == 2).sum() > (plain.predict(x).argmax(1) == 2).sum()


@pytest.mark.usefixtures("engine")
def test_rows_of_weight_zero_train_nothing() -> None:
    x, y = line(20)
    used = np.arange(20) < 10
    weighed, cut = regressor(), regressor()
    bad = np.where(used, y, 1e6)
    weighed.fit(x, bad, epochs=4, batch_size=20, sample_weight=used)
    cut.fit(x[:10], y[:10], epochs=4, batch_size=10)
    np.testing.assert_allclose(weighed.weights["0.weight"], cut.weights["0.weight"], rtol=1e-12)


# --- prediction --------------------------------------------------------------------------------


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("rows", [1, 7, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_prediction_of_any_number_of_rows_is_row_by_row(rows: int) -> None:
    model = classifier(dtype="float64")
    model.build(2)
    x = np.random.default_rng(0).normal(size=(rows, 2))
    w = model.weights
    hidden = np.maximum(x @ w["0.weight"] + w["0.bias"], 0)
    expected = hidden @ w["2.weight"] + w["2.bias"]
    made = model.predict(x)
    np.testing.assert_allclose(made, expected, rtol=1e-12, atol=1e-14)
    assert made.dtype == np.float64
    odds = np.exp(expected)
    probabilities = odds / odds.sum(1, keepdims=True)
    np.testing.assert_allclose(model.predict_proba(x), probabilities, rtol=1e-12)


@pytest.mark.usefixtures("engine")
def test_probabilities_of_a_last_sigmoid_are_the_prediction() -> None:
    model = Sequential([Dense(1, activation="sigmoid")])
    model.build(2)
    x = np.ones((3, 2))
    assert (model.predict_proba(x) == model.predict(x)).all()


def test_a_regression_has_no_probabilities() -> None:
    model = regressor()
    model.build(2)
    with pytest.raises(ArgumentError, match="there are no probabilities; use predict"):
        model.predict_proba(np.ones((1, 2)))


@pytest.mark.usefixtures("engine")
def test_batch_norm_learns_its_statistics_and_predicts_with_them() -> None:
    x = np.random.default_rng(0).normal(5.0, 2.0, size=(64, 2))
    model = Sequential([BatchNorm(), Dense(1)], dtype="float64", optimizer=SGD(0.0))
    model.fit(x, x[:, 0], epochs=1, batch_size=64)
    found = model.weights
    np.testing.assert_allclose(found["0.running_mean"], 0.1 * x.mean(0), rtol=1e-12)
    np.testing.assert_allclose(
        found["0.running_variance"], 0.9 + 0.1 * x.var(0, ddof=1), rtol=1e-12
    )
    a, b = model.predict(x[:3]), model.predict(x)[:3]
    np.testing.assert_allclose(a, b, rtol=1e-12)


# --- gradients ---------------------------------------------------------------------------------


@pytest.mark.usefixtures("engine")
def test_gradients_are_the_slope_of_what_evaluate_gives() -> None:
    x, y = three_classes(20)
    weights = np.linspace(0, 1, 20)
    layers = [Dense(5, activation="tanh"), BatchNorm(), Dropout(0.5), Dense(3)]
    model = Sequential(layers, loss="cross_entropy", dtype="float64")
    model.build(2)
    found = model.gradients(x, y, sample_weight=weights)
    assert list(found) == [n for n in model.weights if "running" not in n]
    start, h = model.weights, 1e-5
    direction = {n: np.random.default_rng(1).normal(size=g.shape) for n, g in found.items()}

    def loss(step: float) -> float:
        model.set_weights({n: w + step * direction.get(n, 0.0) for n, w in start.items()})
        return model.evaluate(x, y, sample_weight=weights)["loss"]

    slope = (loss(h) - loss(-h)) / (2 * h)
    assert sum((found[n] * d).sum() for n, d in direction.items()) == pytest.approx(slope, rel=1e-6)


@pytest.mark.usefixtures("engine")
def test_gradients_change_nothing() -> None:
    x, y = three_classes(20)
    model, other = classifier(), classifier()
    model.build(2)
    model.gradients(x, y)
    model.fit(x, y)
    other.fit(x, y)
    assert same_bits(model.weights, other.weights)


# --- weights -----------------------------------------------------------------------------------


def test_weights_are_copies() -> None:
    model = classifier()
    model.build(2)
    model.weights["0.weight"][...] = 7
    assert not (model.weights["0.weight"] == 7).any()


def test_first_weights_are_of_seed_and_name_only() -> None:
    small, large = classifier(), classifier()
    large.layers.insert(2, Dense(8))
    small.build(2)
    large.build(2)
    assert (small.weights["0.weight"] == large.weights["0.weight"]).all()
    assert small.weights["2.weight"].shape != large.weights["2.weight"].shape


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"0.weigth": np.zeros((2, 8))}, ArgumentError, "unknown weight '0.weigth': did you mean"),
        ({"0.weight": np.zeros((3, 8))}, ShapeError, r"0\.weight has shape \(2, 8\).*\(3, 8\)"),
        ({"0.bias": None}, ArgumentError, r"set_weights lacks 0\.bias"),
        ({"0.bias": np.full(8, np.nan)}, DataError, r"weight 0\.bias holds NaN"),
        ({"0.bias": ["a"] * 8}, ArgumentError, r"weight 0\.bias cannot be read as numbers"),
    ],
)
def test_bad_weights_change_nothing(change: Any, error: Any, said: str) -> None:
    model = classifier()
    model.build(2)
    before = model.weights
    given = {n: np.zeros_like(w) for n, w in before.items()} | change
    with pytest.raises(error, match=said):
        model.set_weights({n: w for n, w in given.items() if w is not None})
    assert same_bits(before, model.weights)


@pytest.mark.usefixtures("engine")
def test_a_frozen_weight_stays() -> None:
    x, y = three_classes()
    model = Sequential(
        [Dense(4, train_weight=False), Dense(3, train_bias=False)], loss="cross_entropy"
    )
    model.build(2)
    before = model.weights
    model.fit(x, y, epochs=2)
    changed = {n for n, w in model.weights.items() if (w != before[n]).any()}
    assert changed == {"0.bias", "1.weight"}


# --- programs ----------------------------------------------------------------------------------


@pytest.mark.usefixtures("engine")
def test_nothing_is_compiled_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Step] = []

    def count(step: Step) -> Program:
        made.append(step)
        return compile_step(step)

    monkeypatch.setattr("clearprop.train.state.compile_step", count)
    x, y = three_classes()
    model = classifier()
    for rows in (60, 59, 8):
        model.fit(x[:rows], y[:rows], epochs=2, batch_size=rows, validation_data=(x, y))
        model.evaluate(x[:rows], y[:rows])
        model.predict(x[:rows])
    assert len(made) == 3


@pytest.mark.usefixtures("engine")
def test_a_new_learning_rate_keeps_what_the_optimizer_remembers() -> None:
    x, y = three_classes()
    once, twice = classifier(optimizer=Adam(1e-2)), classifier(optimizer=Adam(1e-2))
    once.fit(x, y, epochs=4)
    twice.fit(x, y, epochs=2)
    twice.optimizer = Adam(1e-2, eps=1e-8)
    twice.fit(x, y, epochs=2)
    assert same_bits(once.weights, twice.weights)
    twice.optimizer = SGD(0.1, momentum=0.9)
    assert np.isfinite(twice.fit(x, y).history["loss"]).all()


@pytest.mark.usefixtures("engine")
def test_a_schedule_counts_steps_over_fits() -> None:
    x, y = np.ones((4, 1)), np.zeros((4, 1))
    model = regressor(optimizer=SGD(StepDecay(0.1, every=2, factor=1e-30)))
    model.fit(x, y, epochs=1, batch_size=2)
    before = model.weights
    model.fit(
        x, y, epochs=1, batch_size=2
    )  # from the third step on the rate is too small to move a bit
    assert same_bits(before, model.weights)


@pytest.mark.usefixtures("engine")
def test_the_host_may_scale_the_learning_rate() -> None:
    x, y = line()
    model = regressor()
    model.build(2)
    before = model.weights
    model.learning_rate_scale = 0.0
    model.fit(x, y, epochs=2)
    assert same_bits(before, model.weights)
    model.learning_rate_scale = 1.0
    model.fit(x, y, epochs=1)
    assert not same_bits(before, model.weights)


@pytest.mark.usefixtures("engine")
def test_a_plateau_lowers_the_rate_over_fits() -> None:
    x, y = np.ones((4, 1)), np.zeros((4, 1))
    model = regressor(optimizer=SGD(ReduceOnPlateau(1e-30, patience=1, factor=0.5)))
    model.fit(x, y, epochs=2)  # nothing moves: the first epoch is the best, the second is bad
    assert model.learning_rate_scale == 1.0
    model.fit(x, y, epochs=1)
    assert model.learning_rate_scale == 0.5
    model.optimizer = SGD(0.1)
    model.fit(x, y)
    assert model.learning_rate_scale == 1.0


@pytest.mark.usefixtures("engine")
def test_a_fall_at_a_plateau_shrinks_the_steps_that_follow() -> None:
    x, y = line(8)
    # only a loss below a tenth of the best is a gain
    rule = ReduceOnPlateau(1.0, patience=0, factor=0.5, threshold=0.9)
    model = regressor(optimizer=SGD(rule))
    model.fit(x, y, epochs=1, batch_size=8)  # whatever it gives, it is the best so far
    for _ in range(6):
        before, scale = model.weights, model.learning_rate_scale
        slope = model.gradients(x, y)
        model.fit(x, y, epochs=1, batch_size=8)
        for name, weight in model.weights.items():
            np.testing.assert_allclose(weight, before[name] - scale * slope[name], rtol=1e-9)
    assert model.learning_rate_scale < 0.2


@pytest.mark.usefixtures("engine")
def test_a_plateau_is_seen_within_one_fit() -> None:
    class Scales:
        model: Any

        def on_epoch_end(self, epoch: int, logs: Any) -> None:
            scales.append(self.model.learning_rate_scale)

    scales: list[float] = []
    x, y = line()
    rule = ReduceOnPlateau(1e-30, patience=1, factor=0.5)
    regressor(optimizer=SGD(rule)).fit(x, y, epochs=5, callbacks=[Scales()])
    assert scales == [1.0, 1.0, 0.5, 0.5, 0.25]


@pytest.mark.usefixtures("engine")
def test_a_plateau_of_what_is_to_grow_is_of_the_first_metric() -> None:
    x, y = three_classes()
    rule = ReduceOnPlateau(1e-30, mode="max", patience=0, factor=0.5)
    model = classifier(optimizer=SGD(rule))
    model.fit(x, y, epochs=3, validation_data=(x, y))
    assert model.learning_rate_scale == 0.25
    with pytest.raises(ArgumentError, match="needs a metric"):
        classifier(optimizer=SGD(rule), metrics=[]).fit(x, y)


# --- arguments ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"loss": "cross_entrpy"}, "unknown loss 'cross_entrpy': did you mean 'cross_entropy'"),
        ({"optimizer": "adma"}, "unknown optimizer 'adma': did you mean 'adam"),
        ({"metrics": ["acuracy"]}, "unknown metric 'acuracy': did you mean 'accuracy'"),
        ({"metrics": "acuracy"}, "unknown metric 'acuracy'"),
        ({"dtype": "float16"}, "dtype is 'float16'; expected 'float32' or 'float64'"),
        ({"dtype": "flaot32"}, "dtype is 'flaot32'"),
        ({"dtype": None}, "dtype is None; expected 'float32' or 'float64'"),
        ({"dtype": int}, "dtype is <class 'int'>"),
        ({"seed": -1}, "seed is -1"),
        ({"seed": 2**32}, "seed is 4294967296; expected a whole number from 0 to 4294967295"),
        ({"metrics": ["accuracy", "accuracy"]}, "metrics name 'accuracy' twice"),
        ({"metrics": 3}, "unknown metric 3"),
        ({"layers": Dense(3)}, r"layers is Dense.*; expected a list of layers, such as \[Dense"),
        ({"layers": None}, "layers is None; expected a list of layers"),
        ({"seed": "0"}, "seed is '0'"),
        ({"layers": []}, "at least one layer"),
        ({"layers": [Dense]}, r"layer 0 is the class Dense; call it: Dense\(3\)"),
        ({"layers": ["dense"]}, "layer 0 is 'dense'; expected a layer"),
    ],
)
def test_bad_arguments_of_a_model_are_named(arguments: Any, said: str) -> None:
    with pytest.raises(ArgumentError, match=said):
        Sequential(**{"layers": [Dense(1)], **arguments})


def test_softmax_under_cross_entropy_names_both_cures() -> None:
    with pytest.raises(ArgumentError, match=r"leave softmax out .*or keep it and use a loss"):
        Sequential([Dense(3, activation="softmax")], loss="cross_entropy")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"epochs": -1}, "epochs is -1"),
        ({"epochs": 1.5}, r"epochs is 1\.5"),
        ({"batch_size": 0}, "batch_size is 0; expected a whole number of at least 1"),
        ({"batch_size": True}, "batch_size is True"),
        ({"shuffle": "yes"}, "shuffle is 'yes'"),
        ({"verbose": 7}, "verbose is 7; expected 0, 1 or 'auto'"),
        ({"threads": 0}, "threads is 0"),
        ({"lengths": [1]}, "lengths= was given"),
        ({"validation_data": [1]}, "validation_data must be"),
    ],
)
def test_bad_arguments_of_fit_are_named(arguments: Any, said: str) -> None:
    x, y = line(4)
    with pytest.raises(ArgumentError, match=said):
        regressor().fit(x, y, **arguments)


@pytest.mark.usefixtures("engine")
def test_a_wrong_number_of_features_gives_both_shapes_and_the_layer() -> None:
    x, y = line()
    model = regressor()
    model.fit(x, y)
    said = r"\(40, 3\).*layer 0 dense was built for rows of \(2,\)"
    for call in (model.predict, lambda x: model.evaluate(x, y)):
        with pytest.raises(ShapeError, match=said):
            call(np.ones((40, 3)))
    with pytest.raises(ShapeError, match=r"built for rows of \(2,\), not \(3,\)"):
        model.fit(np.ones((40, 3)), y)


def test_a_model_that_is_not_built_says_so() -> None:
    model = regressor()
    assert model.input_shape is None
    for call in (
        lambda: model.predict([[1.0]]),
        lambda: model.weights,
        model.summary,
        model.source,
        lambda: model.set_weights({}),
    ):
        with pytest.raises(ArgumentError, match=r"not built: call fit, or build\(input_shape\)"):
            call()


def test_a_fit_has_at_least_one_epoch() -> None:
    x, y = line()
    with pytest.raises(ArgumentError, match="epochs is 0; expected a whole number of at least 1"):
        regressor().fit(x, y, epochs=0)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([3], "callback 0 is 3; expected an object with one of the methods on_train_begin"),
        (3, r"callbacks is 3; expected a list: callbacks=\[...\]"),
        (EarlyStopping("loss"), "callbacks is .*EarlyStopping.*expected a list"),
        ([EarlyStopping], "callback 0 is the class EarlyStopping; call it"),
    ],
)
def test_callbacks_are_a_list_of_what_listens(given: Any, said: str) -> None:
    x, y = line()
    with pytest.raises(ArgumentError, match=said):
        regressor().fit(x, y, callbacks=given)


@pytest.mark.parametrize("shape", [None, 2.5, "a", (3, 0)])
def test_bad_input_shapes_are_named(shape: Any) -> None:
    with pytest.raises(ArgumentError, match=r"input_shape is .*; expected whole numbers"):
        regressor().build(shape)


@pytest.mark.usefixtures("engine")
def test_the_largest_seed_trains_with_dropout() -> None:
    x, y = three_classes()
    classifier(seed=2**32 - 1).fit(x, y)


@pytest.mark.parametrize("dtype", ["float64", np.float64, np.dtype("float64")])
def test_a_dtype_is_a_name_or_numpys(dtype: Any) -> None:
    assert regressor(dtype=dtype).dtype == "float64"


# --- text and files ----------------------------------------------------------------------------


def test_the_summary_is_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    model = Sequential([Dense(128, activation="relu"), BatchNorm(), Dense(10)])
    model.build((784,))
    text = model.summary()
    assert text == capsys.readouterr().out.rstrip("\n")
    assert [line.split() for line in text.splitlines()[2:5]] == [
        ["0", "dense", "(rows,", "128)", "100,480"],
        ["1", "batch_norm", "(rows,", "128)", "512"],
        ["2", "dense", "(rows,", "10)", "1,290"],
    ]
    assert "parameters: 102,282, of these trained: 102,026" in text


def test_the_source_is_a_step_that_runs() -> None:
    model = Sequential([Dense(1, use_bias=False)], optimizer=SGD(0.5), dtype="float64")
    model.build(1)
    text = model.source()
    assert "# from: layer 0 dense" in text
    assert "# from: update of 0.weight" in text
    space: dict[str, Any] = {}
    exec(compile(text, "source", "exec"), space)
    values: dict[str, Any] = {"W1": np.array([[2.0]]), "x": np.array([[3.0]])}
    values["y"] = np.array([[0.0]])
    values |= {"row_weights": np.ones(1), "learning_rate": 0.01, "scale": 1.0}
    made = space["step"](**values)
    assert made[0] == 36.0
    np.testing.assert_allclose(made[-1], [[2.0 - 0.01 * 2 * 6 * 3]])


@pytest.mark.usefixtures("engine")
def test_a_saved_model_predicts_the_same_bits(tmp_path: Path) -> None:
    from clearprop.train.files import load_model

    x, y = three_classes()
    model = classifier()
    model.fit(x, y, epochs=2)
    model.save(tmp_path / "m.safetensors")
    again = load_model(tmp_path / "m.safetensors")
    assert same_bits(model.weights, again.weights)
    assert model.predict(x).tobytes() == again.predict(x).tobytes()


def test_preparing_a_table_needs_a_preparation() -> None:
    model = regressor()
    assert model.labels is None
    with pytest.raises(ArgumentError, match="no preparation of tables: give it numbers"):
        model.prepare([[1.0]])


@pytest.mark.usefixtures("engine")
def test_nothing_warns() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        x, y = three_classes()
        classifier().fit(x.astype(np.float32), y, epochs=2)


def test_the_printed_step_and_its_number_have_two_names() -> None:
    model = classifier()
    model.build(2)
    text = model.source()
    assert "# step_number = step: () uint32" in text
    assert "step" not in text.partition("def step(")[2].partition("):")[0].split(", ")
