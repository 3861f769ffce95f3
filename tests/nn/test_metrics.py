"""Metrics: what counts as right, weights, and integer and one-hot targets."""

import numpy as np
import pytest

from clearprop.errors import ArgumentError, ShapeError
from clearprop.nn.losses import get_loss
from clearprop.nn.metrics import METRICS, get_metric
from clearprop.nodes import Graph, Node
from clearprop.nodes.build import abs, input, sum
from clearprop.nodes.shapes import ROWS
from clearprop.readings.reference import evaluate
from tests.nn.network import Array

LOGITS = np.array([[2.0, 1.0, 0.0], [0.0, 5.0, 5.0], [-1.0, -2.0, -0.5], [0.0, 1.0, 9.0]])


def metric(name: str, loss: str, p: Array, t: Array, w: Array | None = None) -> float:
    prediction = input("p", (ROWS, *p.shape[1:]), "float64")
    target = input("t", (ROWS, *t.shape[1:]), str(t.dtype))
    weights = input("w", (ROWS,), "float64")
    outputs = get_metric(name).total(prediction, target, weights, get_loss(loss))
    graph = Graph((prediction, target, weights), outputs)
    top, bottom = evaluate(graph, {"p": p, "t": t, "w": np.ones(len(p)) if w is None else w})
    return float(top / bottom)


def test_accuracy_takes_the_largest_logit_and_of_ties_the_first() -> None:
    labels = np.array([0, 2, 2, 2], np.int32)
    assert metric("accuracy", "cross_entropy", LOGITS, labels) == 0.75
    labels[1] = 1
    assert metric("accuracy", "cross_entropy", LOGITS, labels) == 1


def test_accuracy_of_one_hot_targets_is_that_of_their_labels() -> None:
    one_hot = np.eye(3)[[0, 1, 2, 0]]
    assert metric("accuracy", "cross_entropy", LOGITS, one_hot) == 0.75


def test_accuracy_is_weighted_by_rows() -> None:
    labels, weights = np.array([0, 0, 2, 2], np.int32), np.array([1.0, 3.0, 0.0, 1.0])
    assert metric("accuracy", "cross_entropy", LOGITS, labels, weights) == 2 / 5


def test_accuracy_of_one_logit_asks_whether_it_is_above_zero() -> None:
    p, t = np.array([[0.3], [-0.3], [0.6], [-2.0]]), np.array([[1.0], [0.0], [0.0], [0.0]])
    assert metric("accuracy", "binary_cross_entropy", p, t) == 0.75
    assert metric("accuracy", "binary_cross_entropy", p, t[:, 0].astype(np.int32)) == 0.75


def test_accuracy_of_one_output_of_another_loss_asks_whether_it_is_above_a_half() -> None:
    p, t = np.array([[0.3], [0.7]]), np.array([[1.0], [1.0]])
    assert metric("accuracy", "mean_squared_error", p, t) == 0.5


def test_accuracy_of_several_yes_or_no_outputs_is_their_mean() -> None:
    p, t = np.array([[1.0, -1.0], [1.0, 1.0]]), np.array([[1.0, 1.0], [1.0, 1.0]])
    assert metric("accuracy", "binary_cross_entropy", p, t) == 0.75


def test_accuracy_of_sequences_counts_places() -> None:
    p = LOGITS.reshape(2, 2, 3)
    labels = np.array([[0, 1], [2, 0]], np.int32)
    assert metric("accuracy", "cross_entropy", p, labels) == 0.75


def test_errors_of_numbers_are_means() -> None:
    p, t = np.array([[1.0, 2.0], [3.0, 4.0]]), np.zeros((2, 2))
    assert metric("mean_squared_error", "huber", p, t) == 30 / 4
    assert metric("mean_absolute_error", "huber", p, t) == 10 / 4
    weights = np.array([3.0, 1.0])
    assert metric("mean_absolute_error", "huber", p, t, weights) == (3 * 1.5 + 3.5) / 4


def test_errors_of_classes_are_those_of_probabilities() -> None:
    labels = np.array([0, 2, 2, 2], np.int32)
    probabilities = np.exp(LOGITS) / np.exp(LOGITS).sum(1, keepdims=True)
    brier = ((probabilities - np.eye(3)[labels]) ** 2).mean()
    found = metric("mean_squared_error", "cross_entropy", LOGITS, labels)
    assert found == pytest.approx(brier, rel=1e-14)


def test_a_function_of_two_nodes_is_a_metric() -> None:
    def largest(prediction: Node, target: Node) -> Node:
        return sum(abs(prediction - target), axis=1)

    made = get_metric(largest)
    assert made.name == "largest"
    p, t, w = input("p", (ROWS, 2)), input("t", (ROWS, 2)), input("w", (ROWS,))
    total = made.total(p, t, w, get_loss("huber"))
    arrays = {"p": np.array([[1, 2], [3, 4]]), "t": np.zeros((2, 2)), "w": np.array([1, 2])}
    given = {name: array.astype(np.float32) for name, array in arrays.items()}
    assert evaluate(Graph((p, t, w), total), given) == [3 + 2 * 7, 3]


def test_a_metric_that_sums_over_rows_is_refused() -> None:
    p, w = input("p", (ROWS, 2)), input("w", (ROWS,))
    summed = get_metric(lambda p, t: sum(p - t))
    with pytest.raises(ShapeError, match=r"metric <lambda> must give a node of shape"):
        summed.total(p, p, w, get_loss("huber"))


def test_an_unknown_metric_names_the_nearest() -> None:
    with pytest.raises(ArgumentError, match="unknown metric 'acuracy': did you mean 'accuracy'"):
        get_metric("acuracy")
    assert get_metric(METRICS["accuracy"]) is METRICS["accuracy"]
