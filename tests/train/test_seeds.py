"""The same seed gives the same bytes; the seed text's trajectory is ours."""

import hashlib
import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from clearprop.nn.layers import Dense
from clearprop.optim import SGD
from clearprop.train.model import Sequential
from tests.train.problems import classifier, same_bits, three_classes

Array = NDArray[Any]


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_seed_gives_the_same_bytes(dtype: str) -> None:
    x, y = three_classes()
    made = [classifier(seed=s, dtype=dtype) for s in (4, 4, 5)]
    for model in made:
        model.fit(x, y, epochs=4, batch_size=7)
    assert same_bits(made[0].weights, made[1].weights)
    assert not same_bits(made[0].weights, made[2].weights)


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("threads", [1, 2])
def test_threads_change_no_bit(threads: int) -> None:
    x, y = three_classes()
    one, other = classifier(), classifier()
    one.fit(x, y, epochs=2)
    other.fit(x, y, epochs=2, threads=threads)
    assert same_bits(one.weights, other.weights)


@pytest.mark.usefixtures("engine")
def test_two_fits_are_one_long_fit() -> None:
    x, y = three_classes()
    once, twice = classifier(), classifier()
    once.fit(x, y, epochs=5)
    twice.fit(x, y, epochs=2)
    twice.fit(x, y, epochs=3)
    assert same_bits(once.weights, twice.weights)
    assert once.step_count == twice.step_count == 10


def _digest(dtype: str) -> str:
    x, y = three_classes()
    model = classifier(dtype=dtype)
    model.fit(x, y, epochs=3, batch_size=7)
    return hashlib.sha256(b"".join(w.tobytes() for w in model.weights.values())).hexdigest()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_two_processes_with_different_hash_seeds_give_the_same_bytes(
    engine: str, dtype: str
) -> None:
    program = (
        "from tests.train import standin, test_seeds\n"
        "import clearprop.readings.llvm as engine\n"
        f"if {engine == 'standin'}:\n"
        "    engine.compile_loop = standin.compile_loop\n"
        f"print(test_seeds._digest({dtype!r}))\n"
    )
    found = {_digest(dtype)}
    for hash_seed in ("1", "2"):
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        ran = subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        found.add(ran.stdout.strip())
    assert len(found) == 1


X = np.array([[0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]], np.float64)
Y = np.array([[0.0], [1.0], [1.0], [0.0]])


def _sigmoid(z: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-z)))


def by_hand(w1: Array, w2: Array, updates: int) -> tuple[Array, Array, list[float]]:
    """Gradient descent with step 1 on the sum of squares, derived and written by hand."""
    losses = []
    for _ in range(updates):
        hidden = _sigmoid(X @ w1)
        output = _sigmoid(hidden @ w2)
        losses.append(float(((output - Y) ** 2).sum()))
        delta2 = 2 * (output - Y) * output * (1 - output)
        delta1 = delta2 @ w2.T * hidden * (1 - hidden)
        w1, w2 = w1 - X.T @ delta1, w2 - hidden.T @ delta2
    return w1, w2, losses


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("k", [0, 1, 67, 500])
def test_the_trajectory_of_seed_001_is_ours(k: int) -> None:
    draw = np.random.RandomState(k)
    w1, w2 = draw.rand(3, 4), draw.rand(4, 1)
    model = Sequential(
        [
            Dense(4, activation="sigmoid", use_bias=False, weight=w1),
            Dense(1, activation="sigmoid", use_bias=False, weight=w2),
        ],
        loss="sum_squared_error",
        optimizer=SGD(1.0),
        dtype="float64",
    )
    history = model.fit(X, Y, epochs=1500, batch_size=4, shuffle=False)
    v1, v2, losses = by_hand(w1, w2, 1500)
    np.testing.assert_allclose(history.history["loss"], losses, rtol=0, atol=1e-10)
    np.testing.assert_allclose(model.weights["0.weight"], v1, rtol=0, atol=1e-10)
    np.testing.assert_allclose(model.weights["1.weight"], v2, rtol=0, atol=1e-10)
    worst = float(np.abs(model.predict(X) - Y).max())
    assert worst == pytest.approx(0.502, abs=1e-3) if k == 67 else 0.021 < worst < 0.040
