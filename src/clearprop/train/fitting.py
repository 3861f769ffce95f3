"""fit: data and arguments checked, the loop run, each epoch recorded and told to callbacks."""

import contextlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clearprop.errors import ArgumentError
from clearprop.train.data import Data
from clearprop.train.history import History
from clearprop.train.interrupt import Interrupt
from clearprop.train.loop import run_epochs
from clearprop.train.objective import Objective
from clearprop.train.plan import Plan
from clearprop.train.progress import Progress, progress

if TYPE_CHECKING:
    from clearprop.train.model import Sequential

__all__ = ["Schedule", "fit"]

Array = NDArray[Any]


@dataclass(frozen=True)
class Schedule:
    """The arguments of fit that say how, not on what."""

    epochs: int = 1
    batch_size: int = 32
    shuffle: bool = True
    callbacks: Sequence[Any] = ()
    verbose: object = "auto"
    threads: int | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size"):
            value = getattr(self, name)
            whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
            if not whole or value < 1:
                raise ArgumentError(f"{name} is {value!r}; expected a whole number of at least 1")
        if not isinstance(self.shuffle, bool | np.bool_):
            raise ArgumentError(f"shuffle is {self.shuffle!r}; expected True or False")


@dataclass
class _Run:
    """One fit under way: what is told and recorded at the ends of epochs."""

    model: "Sequential"
    history: History
    shown: Progress
    schedule: Schedule
    validation: tuple[Data, Objective] | None

    @property
    def watched(self) -> bool:
        """Whether somebody wants to hear of each epoch's end."""
        told = bool(self.schedule.callbacks) or self.model.state.plateau is not None
        return told or self.validation is not None or self.shown.each

    def begin(self) -> None:
        """Tell that training begins, and callbacks of which model."""
        self.model.stop_training = False
        for callback in self.schedule.callbacks:
            with contextlib.suppress(AttributeError):  # an object with fixed attributes
                callback.model = self.model
        self.tell("on_train_begin")
        self.shown.begin()

    def train(self, plan: Plan) -> None:
        """Run the epochs; whether Ctrl-C ended them is in the history."""
        try:
            with Interrupt() as interrupt:
                run_epochs(
                    plan,
                    self.model.state.position,
                    int(self.schedule.epochs),
                    interrupt=interrupt,
                    after_epochs=self.after_epochs,
                    after_slice=self.after_slice,
                )
        finally:
            self.shown.end()
        self.history.interrupted = interrupt.pending

    def tell(self, event: str, *arguments: object) -> None:
        """Call the callbacks that listen to the event."""
        for callback in self.schedule.callbacks:
            listener = getattr(callback, event, None)
            if listener is not None:
                listener(*arguments)

    def after_epochs(self, first: int, sums: Array) -> bool:
        """Record and tell; True where a callback asked to stop. Only one epoch is ever watched."""
        logs = self._means(sums)
        if self.validation is not None:
            data, objective = self.validation
            found = self.model.measure(data, objective)
            logs |= {f"val_{name}": [value] for name, value in found.items()}
        self.history.add(first, logs)
        epoch = first + len(sums) - 1
        last = {name: values[-1] for name, values in logs.items()}
        self._lower(last)
        self.shown.epoch(epoch, last)
        self.tell("on_epoch_end", epoch, last)
        return self.model.stop_training

    def _lower(self, logs: Mapping[str, float]) -> None:
        """Give a plateau schedule the epoch's loss, or first metric where that is to grow."""
        plateau = self.model.state.plateau
        if plateau is None:
            return
        names = self.model.measured
        if plateau.rule.mode == "max" and len(names) == 1:
            raise ArgumentError("ReduceOnPlateau(mode='max') needs a metric; give metrics=[...]")
        name = names[plateau.rule.mode == "max"]
        value = logs.get(f"val_{name}", logs[name])
        self.model.learning_rate_scale = plateau.observe(value)

    def _means(self, sums: Array) -> dict[str, list[float]]:
        """Name -> one mean an epoch; NaN where no row of the epoch counts for it."""
        pairs = sums[:, :-1].reshape(len(sums), -1, 2)
        with np.errstate(invalid="ignore", divide="ignore"):
            means = pairs[:, :, 0] / pairs[:, :, 1]
        return dict(zip(self.model.measured, means.T.tolist(), strict=True))

    def after_slice(self, epoch: int, done: int, log: Array) -> None:
        """Tell the screen."""
        top, bottom = log[:, :2].sum(axis=0)
        self.shown.step(epoch, done, float(top) / float(bottom) if bottom else float("nan"))


def fit(
    model: "Sequential",
    data: Data,
    objective: Objective,
    schedule: Schedule,
    validation: tuple[Data, Objective] | None,
) -> History:
    """Train a built model; the history is the model's too, so that it outlives an error."""
    state = model.state
    state.use(model.optimizer)
    program = state.training(objective, model.optimizer)
    epochs, batch = int(schedule.epochs), min(int(schedule.batch_size), data.rows)
    history = model.history = History()
    shown = progress(schedule.verbose, epochs, -(-data.rows // batch), state.position.epoch)
    run = _Run(model, history, shown, schedule, validation)
    values, shuffle = state.values(program), bool(schedule.shuffle)
    looked_at, threads = run.watched, schedule.threads
    plan = Plan(
        program, values, state.buffers, data, batch, shuffle, model.seed, looked_at, threads
    )
    run.begin()
    run.train(plan)
    run.tell("on_train_end")
    if history.interrupted:
        warnings.warn(
            f"interrupted: {len(history.epoch)} whole epochs are recorded, the weights are those "
            "of the last step; fit again goes on from there",
            stacklevel=3,
        )
    return history
