"""Losses: values, weights, targets that do not fit, and that no number breaks them."""

from itertools import product

import numpy as np
import pytest

from clearprop.errors import ArgumentError, ShapeError
from clearprop.nn.losses import LOSSES, MAKERS, get_loss, huber, quantile
from clearprop.nn.losses.loss import Loss
from clearprop.nodes import ROWS, Graph, Node
from clearprop.nodes.build import input, square, sum
from clearprop.nodes.scalars import Scalars
from clearprop.readings.reference import evaluate
from clearprop.transform.differentiate import gradients

POINTS = [0.0, 1e-30, -1e-30, 50.0, -50.0, 1e4, -1e4]


def nodes(outputs: int = 3, dtype: str = "float64") -> tuple[Node, Node, Node]:
    shape = (ROWS, outputs)
    return input("p", shape, dtype), input("t", shape, dtype), input("w", (ROWS,), dtype)


def value(loss: Loss, p: list[list[float]], t: list[list[float]], w: list[float]) -> float:
    """The loss of these rows, numerator over denominator."""
    inputs = nodes(len(p[0]))
    numerator, denominator = loss.total(*inputs)
    arrays = dict(zip("ptw", map(np.array, (p, t, w)), strict=True))
    top, bottom = evaluate(Graph(inputs, (numerator, denominator)), arrays)
    return float(top / bottom)


def targets(name: str, random: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    if name == "cross_entropy":
        return np.eye(shape[1])[random.integers(0, shape[1], shape[0])]
    if name == "binary_cross_entropy":
        return random.integers(0, 2, shape).astype(float)
    return np.abs(random.normal(0, 2, shape))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", LOSSES)
def test_value_slope_and_curvature_are_finite_everywhere(name: str, dtype: str) -> None:
    p, t, w = nodes(2, dtype)
    numerator, _ = LOSSES[name].total(p, t, w)
    (first,) = gradients(numerator, [p])
    (curvature,) = gradients(sum(first), [p])
    pairs = list(product(POINTS, POINTS))
    random = np.random.default_rng(0)
    arrays = {
        "p": np.array(pairs, dtype),
        "t": targets(name, random, (len(pairs), 2)).astype(dtype),
        "w": np.ones(len(pairs), dtype),
    }
    places = LOSSES[name].places(p, t)
    for what, node in {"value": places, "slope": first, "curvature": curvature}.items():
        (array,) = evaluate(Graph((p, t, w), (node,)), arrays)
        assert np.isfinite(array).all(), what


@pytest.mark.parametrize("name", LOSSES)
def test_nan_in_the_prediction_gives_nan_out(name: str) -> None:
    p, t, w = nodes()
    numerator, _ = LOSSES[name].total(p, t, w)
    arrays = {"p": np.array([[0.0, np.nan, 1.0]]), "t": np.eye(3)[:1], "w": np.ones(1)}
    assert np.isnan(evaluate(Graph((p, t, w), (numerator,)), arrays)[0])


P, T, W = [[1.0, -2.0], [0.5, 3.0]], [[0.5, 0.0], [0.5, 1.0]], [1.0, 3.0]
BY_HAND = {
    # row by row, weighted by 1 and 3, over 4
    "mean_squared_error": ((0.25 + 4) / 2 + 3 * (0 + 4) / 2) / 4,
    "half_squared_error": ((0.25 + 4) / 2 + 3 * (0 + 4) / 2) / 4,
    "sum_squared_error": (0.25 + 4) + 3 * 4,
    "mean_absolute_error": ((0.5 + 2) / 2 + 3 * 2 / 2) / 4,
    "huber": ((0.125 + 1.5) / 2 + 3 * 1.5 / 2) / 4,
    "quantile": ((0.5 + 2) / 4 + 3 * 2 / 4) / 4,
    "poisson": (
        (np.e - 0.5 + np.exp(-2)) / 2 + 3 * (np.exp(0.5) - 0.25 + np.exp(3) - 3) / 2
    ) / 4,
    "binary_cross_entropy": (
        (np.log1p(np.e) - 0.5 + np.log1p(np.exp(-2))) / 2
        + 3 * (np.log1p(np.exp(0.5)) - 0.25 + np.log1p(np.exp(3)) - 3) / 2
    ) / 4,
}  # fmt: skip


@pytest.mark.parametrize("name", BY_HAND)
def test_two_weighted_rows_have_the_loss_worked_by_hand(name: str) -> None:
    assert value(LOSSES[name], P, T, W) == pytest.approx(BY_HAND[name], rel=1e-14)


def test_cross_entropy_takes_probabilities_as_targets() -> None:
    logits, target = [[1.0, 2.0, 4.0]], [[0.2, 0.3, 0.5]]
    logs = np.array(logits[0]) - np.log(np.exp(logits[0]).sum())
    found = value(LOSSES["cross_entropy"], logits, target, [1.0])
    assert found == pytest.approx(-(np.array(target[0]) * logs).sum(), rel=1e-14)


def test_the_slope_of_cross_entropy_is_probability_minus_target() -> None:
    p, t, w = nodes()
    (slope,) = gradients(LOSSES["cross_entropy"].total(p, t, w)[0], [p])
    logits, target = np.array([[1.0, -2.0, 0.3]]), np.array([[0.0, 1.0, 0.0]])
    arrays = {"p": logits, "t": target, "w": np.ones(1)}
    (found,) = evaluate(Graph((p, t, w), (slope,)), arrays)
    np.testing.assert_allclose(found, np.exp(logits) / np.exp(logits).sum() - target, rtol=1e-14)


SMOOTHED = {"type": "cross_entropy", "label_smoothing": 0.2}


def test_label_smoothing_is_a_share_of_the_mean_of_minus_log_p() -> None:
    logits = [[1.0, 2.0, 4.0], [0.0, -3.0, 0.5]]
    logs = np.array(logits) - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    plain = -np.array([logs[0, 2], logs[1, 0]])
    expected = 0.8 * plain + 0.2 * -logs.mean(axis=1)
    weighted = (expected[0] + 3 * expected[1]) / 4
    found = value(get_loss(SMOOTHED), logits, [[0.0, 0, 1], [1, 0, 0]], [1.0, 3.0])
    assert found == pytest.approx(weighted, rel=1e-14)


def test_label_smoothing_of_targets_that_are_no_distribution_spreads_a_share_of_one() -> None:
    logits, target = [[1.0, 2.0, 4.0]], [[0.2, 0.3, 0.1]]
    logs = np.array(logits[0]) - np.log(np.exp(logits[0]).sum())
    expected = -0.8 * (np.array(target[0]) * logs).sum() - 0.2 * logs.mean()
    found = value(get_loss(SMOOTHED), logits, target, [1.0])
    assert found == pytest.approx(expected, rel=1e-14)


def test_label_smoothing_leaves_integer_labels_integers() -> None:
    p, t, w = nodes()
    y = input("y", (ROWS,), "int32")
    one, two = (get_loss(SMOOTHED).total(p, target, w)[0] for target in (t, y))
    random = np.random.default_rng(0)
    arrays = {"p": random.normal(size=(4, 3)), "w": np.ones(4)}
    labels = np.array([2, 0, 1, 1], np.int32)
    (first,) = evaluate(Graph((p, t, w), (one,)), {**arrays, "t": np.eye(3)[labels]})
    (second,) = evaluate(Graph((p, y, w), (two,)), {**arrays, "y": labels})
    assert first == second


def test_label_smoothing_of_two_classes_is_that_of_one_output() -> None:
    logits, target = [[0.0, 1.5], [0.0, -0.5]], [[0.0, 1.0], [1.0, 0.0]]
    binary = get_loss({"type": "binary_cross_entropy", "label_smoothing": 0.2})
    one = value(binary, [[1.5], [-0.5]], [[1.0], [0.0]], [1.0, 2.0])
    assert one == pytest.approx(value(get_loss(SMOOTHED), logits, target, [1.0, 2.0]), rel=1e-14)


@pytest.mark.parametrize("name", ["cross_entropy", "binary_cross_entropy"])
def test_only_whether_label_smoothing_is_zero_shapes_the_graph(name: str) -> None:
    def total(share: float) -> tuple[Node, dict[str, float]]:
        scalars = Scalars("float64")
        loss = get_loss({"type": name, "label_smoothing": share})
        return loss.total(*nodes(), scalars)[0], scalars.values

    (none, without), (one, few), (two, many) = total(0.0), total(0.1), total(0.3)
    assert one is two
    assert one is not none
    assert none is LOSSES[name].total(*nodes())[0]
    assert (without, few, many) == (
        {},
        {"loss.label_smoothing": 0.1},
        {"loss.label_smoothing": 0.3},
    )


def test_huber_and_quantile_take_their_argument() -> None:
    assert value(huber(2.0), [[5.0]], [[0.0]], [1.0]) == 2.0 * (5 - 1)
    assert value(huber(2.0), [[1.0]], [[0.0]], [1.0]) == 0.5
    assert value(quantile(0.9), [[0.0]], [[2.0]], [1.0]) == pytest.approx(1.8)
    assert value(quantile(0.9), [[2.0]], [[0.0]], [1.0]) == pytest.approx(0.2)


def test_the_slope_at_an_exact_prediction_is_zero() -> None:
    for name in ("mean_absolute_error", "quantile", "huber"):
        p, t, w = nodes(1)
        (slope,) = gradients(LOSSES[name].total(p, t, w)[0], [p])
        arrays = {"p": np.ones((1, 1)), "t": np.ones((1, 1)), "w": np.ones(1)}
        assert evaluate(Graph((p, t, w), (slope,)), arrays)[0] == 0


@pytest.mark.parametrize("name", LOSSES)
def test_a_row_of_weight_zero_leaves_sum_count_and_gradient(name: str) -> None:
    p, t, w = nodes()
    numerator, denominator = LOSSES[name].total(p, t, w)
    outputs = (numerator, denominator, *gradients(numerator, [p]))
    random = np.random.default_rng(1)
    rows = {"p": random.normal(size=(4, 3)), "t": targets(name, random, (4, 3))}
    weights = np.array([1.0, 0.0, 2.0, 0.0])
    kept = weights > 0
    masked = evaluate(Graph((p, t, w), outputs), {**rows, "w": weights})
    alone = evaluate(
        Graph((p, t, w), outputs),
        {"p": rows["p"][kept], "t": rows["t"][kept], "w": weights[kept]},
    )
    np.testing.assert_allclose(masked[:2], alone[:2], rtol=1e-15)
    np.testing.assert_array_equal(masked[2][~kept], 0)
    np.testing.assert_allclose(masked[2][kept], alone[2], rtol=1e-15)


def test_nan_of_a_row_of_weight_zero_does_not_reach_the_loss() -> None:
    found = value(LOSSES["mean_squared_error"], [[np.nan], [1.0]], [[0.0], [0.0]], [0.0, 1.0])
    assert found == 1.0


def test_a_weight_for_each_time_masks_places() -> None:
    p, t = (input(n, (ROWS, 3, 2), "float64") for n in "pt")
    w = input("w", (ROWS, 3), "float64")
    random = np.random.default_rng(2)
    a, b = random.normal(size=(2, 2, 3, 2))
    weights = np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    top, bottom = evaluate(
        Graph((p, t, w), LOSSES["mean_squared_error"].total(p, t, w)),
        {"p": a, "t": b, "w": weights},
    )
    kept = weights > 0
    assert top / bottom == pytest.approx(((a - b) ** 2)[kept].mean(), rel=1e-14)


def test_a_weight_for_each_row_holds_for_all_its_times() -> None:
    p, t = (input(n, (ROWS, 3, 2), "float64") for n in "pt")
    w = input("w", (ROWS,), "float64")
    a = np.arange(12.0).reshape(2, 3, 2)
    top, bottom = evaluate(
        Graph((p, t, w), LOSSES["mean_absolute_error"].total(p, t, w)),
        {"p": a, "t": 0 * a, "w": np.array([1.0, 3.0])},
    )
    assert bottom == 3 * (1 + 3)
    assert top / bottom == (a[0].mean() + 3 * a[1].mean()) / 4


def test_integer_labels_of_sequences_are_one_a_place() -> None:
    p, y = input("p", (ROWS, 2, 3), "float64"), input("y", (ROWS, 2), "int32")
    logits = np.random.default_rng(3).normal(size=(1, 2, 3))
    (places,) = evaluate(
        Graph((p, y), (LOSSES["cross_entropy"].places(p, y),)),
        {"p": logits, "y": np.array([[2, 0]], np.int32)},
    )
    logs = logits - np.log(np.exp(logits).sum(-1, keepdims=True))
    np.testing.assert_allclose(places, -np.array([[logs[0, 0, 2], logs[0, 1, 0]]]), rtol=1e-14)


def test_a_column_of_integer_labels_is_a_row_of_them() -> None:
    p = input("p", (ROWS, 3))
    flat, column = input("y", (ROWS,), "int32"), input("y", (ROWS, 1), "int32")
    loss = LOSSES["cross_entropy"]
    assert loss.places(p, flat).shape == loss.places(p, column).shape == (ROWS,)


def test_cross_entropy_with_one_output_says_which_loss_to_use() -> None:
    p, y = input("p", (ROWS, 1)), input("y", (ROWS,), "int32")
    with pytest.raises(ArgumentError, match="use binary_cross_entropy"):
        LOSSES["cross_entropy"].places(p, y)


def test_a_target_of_another_shape_names_both_shapes() -> None:
    p, t = input("p", (ROWS, 3)), input("t", (ROWS, 2))
    with pytest.raises(ShapeError, match=r"target is \(rows, 2\), the prediction \(rows, 3\)"):
        LOSSES["mean_squared_error"].places(p, t)


def test_one_output_takes_a_target_without_a_column() -> None:
    p, t = input("p", (ROWS, 1)), input("t", (ROWS,))
    assert LOSSES["mean_squared_error"].places(p, t).shape == (ROWS,)


def test_a_function_of_two_nodes_is_a_loss() -> None:
    def cube(prediction: Node, target: Node) -> Node:
        return sum(square(prediction - target) * (prediction - target), axis=1)

    loss = get_loss(cube)
    assert loss.name == "cube"
    assert value(loss, [[3.0], [1.0]], [[1.0], [1.0]], [1.0, 1.0]) == 4.0
    with pytest.raises(ArgumentError, match="cube is a function and cannot be written to a file"):
        loss.config()


def test_a_function_that_sums_over_rows_is_no_loss() -> None:
    loss = get_loss(lambda p, t: sum(square(p - t)))
    with pytest.raises(ShapeError, match=r"must give a node of shape \(rows, \.\.\.\).*gave \(\)"):
        loss.total(*nodes())


@pytest.mark.parametrize("name", MAKERS)
def test_a_loss_comes_back_from_its_config(name: str) -> None:
    config = LOSSES[name].config()
    assert config == name
    assert get_loss(config) is LOSSES[name]


def test_a_loss_with_an_argument_comes_back_from_its_config() -> None:
    again = get_loss(quantile(0.9).config())
    assert again.arguments == (("q", 0.9),)
    assert value(again, [[0.0]], [[2.0]], [1.0]) == pytest.approx(1.8)
    assert get_loss(get_loss(SMOOTHED).config()).config() == SMOOTHED
    assert get_loss({"type": "cross_entropy", "label_smoothing": 0}).config() == "cross_entropy"


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("cross_entrpy", "unknown loss 'cross_entrpy': did you mean 'cross_entropy'"),
        ({"type": "hubre"}, "unknown loss 'hubre': did you mean 'huber'"),
        ({"type": "huber", "delt": 1}, "unknown argument of loss huber 'delt'"),
        ({"type": "poisson", "delta": 1}, "loss poisson takes no arguments, given was 'delta'"),
        ({"type": "huber", "delta": -1}, "huber's delta must be at least"),
        ({"type": "cross_entropy", "label_smoothing": 1.1}, "label_smoothing must be at least 0"),
        ({"type": "quantile", "q": "half"}, "quantile's q must be at least 0 and at most 1"),
        (3, "unknown loss 3"),
    ],
)
def test_what_is_no_loss_says_so(given: object, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        get_loss(given)  # type: ignore[arg-type]  # what users type is not checked by mypy


def test_probabilities_are_softmax_or_sigmoid_of_logits() -> None:
    x = input("x", (ROWS, 2), "float64")
    softmax = LOSSES["cross_entropy"].probabilities(x)
    sigmoid = LOSSES["binary_cross_entropy"].probabilities(x)
    assert softmax is not None
    assert sigmoid is not None
    one, two = evaluate(Graph((x,), (softmax, sigmoid)), {"x": np.array([[0.0, np.log(3)]])})
    np.testing.assert_allclose(one, [[0.25, 0.75]], rtol=1e-15)
    np.testing.assert_allclose(two, [[0.5, 0.75]], rtol=1e-15)
    assert LOSSES["mean_squared_error"].probabilities(x) is None


def test_poisson_goes_on_as_its_tangent_above_64() -> None:
    p, t, w = nodes(1)
    numerator, _ = LOSSES["poisson"].total(p, t, w)
    slope = gradients(numerator, [p])
    rates = np.array([[63.9], [70.0]])
    arrays = {"p": rates, "t": np.zeros((2, 1)), "w": np.ones(2)}
    places = LOSSES["poisson"].places(p, t)
    values, slopes = evaluate(Graph((p, t, w), (places, *slope)), arrays)
    np.testing.assert_allclose(values, [np.exp(63.9), np.exp(64) * (1 + 6)], rtol=1e-14)
    np.testing.assert_allclose(slopes[:, 0], [np.exp(63.9), np.exp(64)], rtol=1e-14)
