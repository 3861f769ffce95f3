from collections.abc import Mapping
from typing import Any

import pytest

from clearprop.errors import ArgumentError
from clearprop.optim import SGD, Adam
from clearprop.train.callbacks import Callback, EarlyStopping
from tests.train.problems import classifier, same_bits, three_classes

pytestmark = pytest.mark.usefixtures("engine")


class Notes(Callback):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def on_train_begin(self) -> None:
        self.told.append("begin")

    def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
        self.told.append((epoch, list(logs)))

    def on_train_end(self) -> None:
        self.told.append("end")


def test_callbacks_are_told_of_begin_epochs_and_end() -> None:
    x, y = three_classes()
    notes = Notes()
    model = classifier()
    model.fit(x, y, epochs=2, callbacks=[notes])
    names = ["loss", "accuracy"]
    assert notes.told == ["begin", (0, names), (1, names), "end"]
    assert notes.model is model
    model.fit(x, y, epochs=1, callbacks=[notes])
    assert notes.told[-2] == (2, names)


def test_a_callback_may_stop_the_training() -> None:
    class Stops:
        model: Any

        def on_epoch_end(self, epoch: int, logs: Mapping[str, float]) -> None:
            self.model.stop_training = epoch == 3

    x, y = three_classes()
    model = classifier()
    assert len(model.fit(x, y, epochs=10, callbacks=[Stops()]).epoch) == 4
    assert len(model.fit(x, y, epochs=2).epoch) == 2


def test_early_stopping_waits_for_its_patience() -> None:
    x, y = three_classes()
    stop = EarlyStopping("loss", patience=3)
    history = classifier(optimizer=SGD(0.0)).fit(x, y, epochs=50, callbacks=[stop]).history
    # the loss differs between epochs by dropout alone
    losses = history["loss"]
    best = losses.index(min(losses))
    assert len(losses) == best + 4
    assert (stop.best_epoch, stop.stopped_epoch) == (best, best + 3)


def test_early_stopping_puts_the_best_weights_back() -> None:
    x, y = three_classes()
    model = classifier(optimizer=Adam(0.5))
    stop = EarlyStopping("val_loss", patience=4, restore_best_weights=True)
    fresh, truth = three_classes(30, seed=1)
    history = model.fit(x, y, epochs=60, validation_data=(fresh, truth), callbacks=[stop]).history
    assert len(history["val_loss"]) < 60
    assert model.evaluate(fresh, truth)["loss"] == min(history["val_loss"])
    other = classifier(optimizer=Adam(0.5))
    assert stop.best_epoch is not None
    other.fit(x, y, epochs=stop.best_epoch + 1)
    assert same_bits(model.weights, other.weights)


def test_accuracy_is_to_grow() -> None:
    stop = EarlyStopping("val_accuracy", patience=1)
    stop.model = classifier()
    for epoch, accuracy in enumerate((0.5, 0.6, 0.6)):
        assert not stop.model.stop_training
        stop.on_epoch_end(epoch, {"val_accuracy": accuracy})
    assert stop.model.stop_training
    assert stop.best_epoch == 1


def test_a_smaller_gain_than_min_delta_is_none() -> None:
    stop = EarlyStopping("loss", patience=1, min_delta=0.1)
    stop.model = classifier()
    stop.on_epoch_end(0, {"loss": 1.0})
    stop.on_epoch_end(1, {"loss": 0.95})
    assert stop.model.stop_training


def test_a_monitor_that_is_not_measured_is_named() -> None:
    x, y = three_classes()
    said = "monitors 'val_loss', but an epoch gives loss, accuracy; give fit validation_data"
    with pytest.raises(ArgumentError, match=said):
        classifier().fit(x, y, epochs=2, callbacks=[EarlyStopping(patience=2)])


@pytest.mark.parametrize("arguments", [{"patience": -1}, {"min_delta": -1}, {"mode": "up"}])
def test_bad_arguments_of_early_stopping_are_named(arguments: Any) -> None:
    with pytest.raises(ArgumentError, match=next(iter(arguments))):
        EarlyStopping(**arguments)
