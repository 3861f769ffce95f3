"""BatchNorm and LayerNorm against the plain formulas."""

import numpy as np
import pytest

from clearprop.errors import ArgumentError
from clearprop.nn.layers import BatchNorm, LayerNorm
from clearprop.nodes.build import input, sum
from clearprop.nodes.shapes import ROWS
from clearprop.transform.differentiate import gradients
from tests.nn.network import Array, Network, network

RANDOM = np.random.default_rng(5)


def with_drawn_values(net: Network) -> Network:
    """Every variable another number, so that a swapped pair shows; variances above 0."""
    random = np.random.default_rng(6)
    for name in net.variables:
        net.values[name] = np.asarray(random.uniform(0.5, 2, net.values[name].shape))
    return net


def by_formula(net: Network, x: Array, axes: tuple[int, ...] | int) -> Array:
    mean, variance = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
    scaled = (x - mean) / np.sqrt(variance + 1e-5)
    return np.asarray(scaled * net.values["0.weight"] + net.values["0.bias"])


@pytest.mark.parametrize("shape", [(3,), (4, 3), (2, 5, 3)])
def test_batch_norm_in_training_uses_the_minibatch(shape: tuple[int, ...]) -> None:
    net = with_drawn_values(network([BatchNorm()], shape))
    x = RANDOM.normal(3, 2, (6, *shape))
    (output,) = net.run([net.output], x)
    axes = tuple(range(x.ndim - 1))
    np.testing.assert_allclose(output, by_formula(net, x, axes), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("shape", [(3,), (4, 3)])
def test_batch_norm_moves_its_running_statistics(shape: tuple[int, ...]) -> None:
    net = with_drawn_values(network([BatchNorm(momentum=0.2)], shape))
    x = RANDOM.normal(3, 2, (6, *shape))
    axes = tuple(range(x.ndim - 1))
    mean, variance = net.run([net.updates[f"0.running_{n}"] for n in ("mean", "variance")], x)
    old_mean, old_variance = net.values["0.running_mean"], net.values["0.running_variance"]
    np.testing.assert_allclose(mean, 0.8 * old_mean + 0.2 * x.mean(axes), rtol=1e-13)
    unbiased = x.var(axes, ddof=1)
    np.testing.assert_allclose(variance, 0.8 * old_variance + 0.2 * unbiased, rtol=1e-13)


def test_batch_norm_in_prediction_uses_the_running_statistics() -> None:
    net = with_drawn_values(network([BatchNorm()], (3,), training=False))
    x = RANDOM.normal(size=(6, 3))
    (output,) = net.run([net.output], x)
    v = {name[2:]: array for name, array in net.values.items()}
    scaled = (x - v["running_mean"]) / np.sqrt(v["running_variance"] + 1e-5)
    np.testing.assert_allclose(output, scaled * v["weight"] + v["bias"], rtol=1e-13)
    assert net.updates == {}


def test_batch_norm_of_one_row_gives_the_bias_and_keeps_the_running_variance() -> None:
    net = with_drawn_values(network([BatchNorm()], (3,)))
    x = RANDOM.normal(size=(1, 3))
    updates = [net.updates[f"0.running_{n}"] for n in ("mean", "variance")]
    slopes = gradients(sum(net.output * net.output), [net.x, net.variables["0.weight"]])
    output, mean, variance, *found = net.run([net.output, *updates, *slopes], x)
    np.testing.assert_array_equal(output, net.values["0.bias"][None])
    np.testing.assert_allclose(mean, 0.9 * net.values["0.running_mean"] + 0.1 * x[0], rtol=1e-14)
    np.testing.assert_array_equal(variance, net.values["0.running_variance"])
    for slope in found:
        np.testing.assert_array_equal(slope, 0)


def test_batch_norm_declares_state_that_the_optimizer_does_not_get() -> None:
    declared = BatchNorm().declare((4, 3), "float32")
    assert {n: v.shape for n, v in declared.items()} == dict.fromkeys(declared, (3,))
    assert [n for n, v in declared.items() if v.trainable] == ["weight", "bias"]
    assert [n for n, v in declared.items() if v.state] == ["running_mean", "running_variance"]
    values = network([BatchNorm()], (3,)).values
    assert values["0.running_variance"].tolist() == values["0.weight"].tolist() == [1, 1, 1]


@pytest.mark.parametrize("shape", [(3,), (4, 3)])
def test_layer_norm_is_over_the_last_axis(shape: tuple[int, ...]) -> None:
    for training in (True, False):
        net = with_drawn_values(network([LayerNorm()], shape, training=training))
        x = RANDOM.normal(3, 2, (2, *shape))
        (output,) = net.run([net.output], x)
        np.testing.assert_allclose(output, by_formula(net, x, -1), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("layer", [BatchNorm(), LayerNorm()])
def test_gradients_of_a_norm_are_central_differences(layer: BatchNorm | LayerNorm) -> None:
    net = with_drawn_values(network([layer], (3,)))
    x, factors = RANDOM.normal(size=(5, 3)), RANDOM.normal(size=(5, 3))
    factor = input("factor", (ROWS, 3), "float64")
    loss = sum(net.output * net.output * factor)
    wrt = {"x": net.x, "0.weight": net.variables["0.weight"], "0.bias": net.variables["0.bias"]}
    slopes = net.run(gradients(loss, list(wrt.values())), x, factor=factors)
    for name, slope in zip(wrt, slopes, strict=True):
        here = {"x": x, **net.values}
        direction = RANDOM.normal(size=slope.shape)
        ends = []
        for step in (1e-5, -1e-5):
            moved = {**here, name: here[name] + step * direction}
            ends.append(net.run([loss], moved.pop("x"), factor=factors, **moved)[0])
        difference = (ends[0] - ends[1]) / 2e-5
        assert (slope * direction).sum() == pytest.approx(difference, rel=1e-7), name


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_constant_feature_has_no_nan(dtype: str) -> None:
    for layer in (BatchNorm(), LayerNorm()):
        net = network([layer], (3,), dtype=dtype)
        x = np.full((4, 3), 7.0, dtype)
        loss = sum(net.output * net.output)
        for array in net.run([net.output, *gradients(loss, [net.x])], x):
            assert array.dtype == dtype
            np.testing.assert_array_equal(array, 0)


def test_bad_arguments_are_named() -> None:
    with pytest.raises(ArgumentError, match="BatchNorm momentum must be at least 0 and at most 1"):
        BatchNorm(momentum=1.5)
    with pytest.raises(ArgumentError, match="LayerNorm epsilon must be at least"):
        LayerNorm(epsilon=0)
