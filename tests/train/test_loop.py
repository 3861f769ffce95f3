import os
import signal
import threading
import time
from typing import Any

import numpy as np
import pytest

from clearprop.train import loop
from clearprop.train.callbacks import Callback
from clearprop.train.interrupt import Interrupt
from clearprop.train.loop import Pace, permutation
from tests.train.problems import classifier, line, same_bits, three_classes

pytestmark = pytest.mark.usefixtures("engine")


def test_a_permutation_is_of_seed_and_epoch() -> None:
    assert sorted(permutation(0, 0, 50)) == list(range(50))
    assert (permutation(3, 7, 50) == permutation(3, 7, 50)).all()
    assert (permutation(3, 7, 50) != permutation(3, 8, 50)).any()
    assert (permutation(3, 7, 50) != permutation(4, 7, 50)).any()
    assert permutation(0, 0, 5).dtype == np.int64


def test_the_pace_grows_slowly_and_shrinks_at_once() -> None:
    pace = Pace()
    assert pace.steps == 1
    pace.measure(1, 1e-6)
    assert pace.steps == 8
    pace.measure(8, 1.0)
    assert pace.steps == 1
    pace.measure(1, 30.0)
    assert pace.steps == 1


class _Steps(Pace):
    """A pace that never learns."""

    def __init__(self, steps: int) -> None:
        self.steps = steps

    def measure(self, steps: int, seconds: float) -> None: ...


@pytest.mark.parametrize("rows", [60, 61])
@pytest.mark.parametrize("batch", [12, 100])
def test_where_slices_and_chunks_end_changes_no_bit(
    monkeypatch: pytest.MonkeyPatch, rows: int, batch: int
) -> None:
    x, y = three_classes(rows)
    found = []
    for steps in (1, 3, 5, 1000):
        monkeypatch.setattr(loop, "Pace", lambda steps=steps: _Steps(steps))
        model = classifier()
        history = model.fit(x, y, epochs=6, batch_size=batch)
        found.append((model.weights, history.history))
    for weights, numbers in found[1:]:
        assert same_bits(weights, found[0][0])
        assert numbers == found[0][1]


def test_looking_at_each_epoch_changes_no_bit() -> None:
    x, y = three_classes(60)
    alone, watched = classifier(), classifier()
    a = alone.fit(x, y, epochs=5, batch_size=20)
    b = watched.fit(x, y, epochs=5, batch_size=20, callbacks=[Callback()])
    assert same_bits(alone.weights, watched.weights)
    assert a.history == b.history


def test_each_row_is_used_once_an_epoch() -> None:
    # the gradient of sum (w * 1 - y)^2 at rate 1/2 adds each y once where w stays small
    from clearprop.nn.layers import Dense
    from clearprop.optim import SGD
    from clearprop.train.model import Sequential

    y = 2.0 ** -np.arange(30, 41)
    rate = 2.0**-40
    layer = Dense(1, use_bias=False, weight=[[0.0]])
    model = Sequential([layer], loss="sum_squared_error", optimizer=SGD(rate / 2), dtype="float64")
    model.fit(np.ones((11, 1)), y, epochs=1, batch_size=3)
    assert float(model.weights["0.weight"][0, 0] / rate) == pytest.approx(y.sum(), rel=1e-9)


# --- interruption ------------------------------------------------------------------------------


class Presses:
    """Presses Ctrl-C at the end of an epoch."""

    def __init__(self, epoch: int) -> None:
        self.at = epoch

    def on_epoch_end(self, epoch: int, logs: Any) -> None:
        if epoch == self.at:
            signal.raise_signal(signal.SIGINT)


def test_an_interruption_keeps_whole_epochs_and_the_weights() -> None:
    x, y = three_classes()
    model, other = classifier(), classifier()
    with pytest.warns(UserWarning, match="interrupted: 3 whole epochs"):
        history = model.fit(x, y, epochs=10, callbacks=[Presses(2)])
    assert history.interrupted
    assert len(history.history["loss"]) == 3
    other.fit(x, y, epochs=3)
    assert same_bits(model.weights, other.weights)


def test_fit_after_an_interruption_goes_on() -> None:
    x, y = three_classes()
    model, other = classifier(), classifier()
    with pytest.warns(UserWarning, match="interrupted"):
        model.fit(x, y, epochs=10, callbacks=[Presses(2)])
    assert not model.fit(x, y, epochs=2).interrupted
    other.fit(x, y, epochs=5)
    assert same_bits(model.weights, other.weights)


def test_a_signal_within_an_epoch_ends_it_after_a_step() -> None:
    x, y = line(2000)
    model = classifier_of_lines()
    timer = threading.Timer(0.5, lambda: os.kill(os.getpid(), signal.SIGINT))
    began = time.perf_counter()
    timer.start()
    try:
        with pytest.warns(UserWarning, match="interrupted"):
            history = model.fit(x, y, epochs=10**7, batch_size=7)
    finally:
        timer.cancel()
    assert time.perf_counter() - began < 5
    steps = -(-2000 // 7)
    assert model.step_count > 0
    assert len(history.epoch) == model.step_count // steps


def classifier_of_lines() -> Any:
    from clearprop.nn.layers import Dense
    from clearprop.train.model import Sequential

    return Sequential([Dense(4, activation="tanh"), Dense(1)], optimizer="sgd")


def test_a_second_signal_raises_at_once_and_the_handler_is_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)

    def press_twice() -> None:
        with Interrupt() as interrupt:
            signal.raise_signal(signal.SIGINT)
            assert interrupt.pending
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        press_twice()
    assert signal.getsignal(signal.SIGINT) is before


def test_training_in_another_thread_installs_no_handler() -> None:
    x, y = three_classes()
    model, handlers = classifier(), []

    class Looks:
        def on_epoch_end(self, epoch: int, logs: Any) -> None:
            handlers.append(signal.getsignal(signal.SIGINT))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=lambda: model.fit(x, y, epochs=1, callbacks=[Looks()]))
    thread.start()
    thread.join()
    assert handlers == [before]
