"""Dropout: what it drops, how the rest grows, and what its mask depends on."""

import numpy as np
import pytest

from clearprop.errors import ArgumentError
from clearprop.nn.layers import Dropout
from clearprop.nodes.build import sum
from clearprop.transform.differentiate import gradients
from tests.nn.network import Array, network

X = np.linspace(1, 2, 400).reshape(100, 4)


def dropped(step: int = 0, seed: int = 0, layers: int = 1, rows: int = 100) -> Array:
    net = network([Dropout(0.3)] * layers, (4,), step=step, seed=seed)
    (output,) = net.run([net.output], X[:rows])
    return output


def test_each_number_is_dropped_or_grows_by_one_over_what_is_kept() -> None:
    output = dropped()
    kept = output != 0
    np.testing.assert_allclose(output[kept], X[kept] / 0.7, rtol=1e-15)
    assert 0.2 < 1 - kept.mean() < 0.4


def test_the_mean_over_many_steps_is_the_input() -> None:
    mean = np.mean([dropped(step=s) for s in range(300)], axis=0)
    deviation = X * np.sqrt(0.3 / 0.7 / 300)
    assert (np.abs(mean - X) < 5 * deviation).all()


def test_the_mask_depends_on_seed_step_and_layer() -> None:
    masks = [dropped() != 0, dropped(step=1) != 0, dropped(seed=1) != 0]
    assert not (masks[0] == masks[1]).all()
    assert not (masks[0] == masks[2]).all()
    twice = dropped(layers=2) != 0
    assert 0.4 < twice.mean() < 0.58  # 0.49: two masks, not one


def test_a_rows_mask_does_not_depend_on_how_many_rows_follow() -> None:
    np.testing.assert_array_equal(dropped(rows=10), dropped()[:10])


def test_the_gradient_goes_through_what_was_kept() -> None:
    net = network([Dropout(0.3)], (4,))
    slope, output = net.run([*gradients(sum(net.output), [net.x]), net.output], X)
    np.testing.assert_allclose(slope, np.where(output != 0, 1 / 0.7, 0), rtol=1e-15)


def test_in_prediction_and_at_rate_zero_dropout_is_the_identity() -> None:
    for net in (network([Dropout(0.3)], (4,), training=False), network([Dropout(0)], (4,))):
        assert net.output is net.x
        assert net.context.shared.scalars.values == {}


def test_the_rate_is_a_scalar_input() -> None:
    net = network([Dropout(0.3)], (4,))
    assert net.context.shared.scalars.values == {"0.rate": 0.3}
    (output,) = net.run([net.output], X, **{"0.rate": np.array(0.0)})
    np.testing.assert_array_equal(output, X)
    assert network([Dropout(0.4)], (4,)).output is net.output


@pytest.mark.parametrize("rate", [1.0, -0.1, 2, float("nan"), "0.5", True])
def test_a_rate_outside_zero_to_one_is_refused(rate: float) -> None:
    with pytest.raises(ArgumentError, match="Dropout rate must be at least 0 and below 1"):
        Dropout(rate)
