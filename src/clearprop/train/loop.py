"""The loop of epochs: slice after slice of a chunk, and what is done between calls of the engine.

Where slices and chunks end never changes a bit: a step sees its number, its rows and the arrays,
and nothing else.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clearprop.errors import NotFiniteError
from clearprop.train.interrupt import Interrupt
from clearprop.train.notfinite import story
from clearprop.train.plan import Pace, Plan, Position, permutation

__all__ = ["Pace", "Plan", "Position", "permutation", "run_epochs"]

Array = NDArray[Any]


@dataclass
class _Chunk:
    """Some epochs under way: `done` of `total` steps, their log, and the buffers before them."""

    plan: Plan
    first_step: int
    epochs: int
    indices: Array | None
    snapshot: dict[str, Array]
    log: Array
    done: int = 0

    @property
    def total(self) -> int:
        return self.epochs * self.plan.steps

    def run(self, steps: int, *, watch: bool = True) -> bool:
        """Run more steps; False where the last of them gave NaN or infinity."""
        plan, log = self.plan, self.log[self.done : self.done + steps]
        made = plan.program.loop.run(
            plan.values,
            plan.data.arrays(),
            rows=plan.data.rows * self.epochs,
            batch=plan.batch,
            indices=self.indices,
            first_step=self.first_step + self.done,
            start=self.done,
            steps=steps,
            log=log,
            stop_on_nonfinite=watch,
            threads=plan.threads,
        )
        self.done += made
        return not watch or made == 0 or bool(np.isfinite(log[made - 1]).all())

    def back_up(self) -> dict[str, Array]:
        """Undo the last step by running again from the snapshot; the inputs of that step."""
        last = self.done - 1
        self.plan.buffers.restore(self.snapshot)
        self.done = 0
        if last:
            self.run(last, watch=False)
        return self._inputs()

    def _inputs(self) -> dict[str, Array]:
        """What the next step would read."""
        plan = self.plan
        places = np.arange(self.done * plan.batch, (self.done + 1) * plan.batch)
        places = places[places < plan.data.rows * self.epochs]
        rows = places if self.indices is None else self.indices[places]
        names = [here["name"] for here in plan.program.step.streamed]
        batch = {n: a[rows] for n, a in zip(names, plan.data.arrays(), strict=True)}
        return {**plan.values, **batch, "step": np.array(self.first_step + self.done, np.uint32)}


AfterEpochs = Callable[[int, Array], bool]
"""Called with the first epoch's number and the sums of each one's log; True ends the run."""
AfterSlice = Callable[[int, int, Array], None]
"""Called with the number of the epoch, the steps done in it, and its log so far."""


def run_epochs(
    plan: Plan,
    position: Position,
    epochs: int,
    *,
    interrupt: Interrupt,
    after_epochs: AfterEpochs,
    after_slice: AfterSlice,
) -> None:
    """Train; `position` counts on. NotFiniteError leaves the weights before the bad step."""
    pace = Pace()
    end = position.epoch + epochs
    while position.epoch < end and not interrupt.pending:
        first = position.epoch
        chunk = _begin(plan, position, plan.chunk(end - first, pace))
        finite = True
        while finite and chunk.done < chunk.total and not interrupt.pending:
            finite = _slice(chunk, pace)
            after_slice(first + (chunk.done - 1) // plan.steps, *_part(chunk))
        failed = None if finite else chunk.back_up()
        whole, rest = divmod(chunk.done, plan.steps)
        position.epoch = first + whole + (rest > 0 or not finite)
        position.step = chunk.first_step + chunk.done
        ended = whole > 0 and after_epochs(first, _sums(chunk, whole))
        if failed is not None:
            raise _not_finite(chunk, failed, first + whole, rest)
        if ended:
            return


def _sums(chunk: _Chunk, whole: int) -> Array:
    """What each of the whole epochs logged, summed over its steps: (epochs, logged)."""
    steps = chunk.plan.steps
    if steps == 1:
        return chunk.log[:whole]
    # epoch by epoch: how NumPy orders a sum depends on the shape of the whole array
    return np.array([chunk.log[e * steps : (e + 1) * steps].sum(axis=0) for e in range(whole)])


def _begin(plan: Plan, position: Position, epochs: int) -> _Chunk:
    log = np.empty((epochs * plan.steps, len(plan.program.step.logged)))
    indices = plan.indices(position.epoch, epochs)
    return _Chunk(plan, position.step, epochs, indices, plan.buffers.copy(), log)


def _slice(chunk: _Chunk, pace: Pace) -> bool:
    """One call of the engine, from which the pace is learnt; False where it met NaN."""
    began, before = time.perf_counter(), chunk.done
    finite = chunk.run(min(pace.steps, chunk.total - chunk.done))
    pace.measure(chunk.done - before, time.perf_counter() - began)
    return finite


def _part(chunk: _Chunk) -> tuple[int, Array]:
    """Steps done in the present epoch, and their log."""
    steps = chunk.plan.steps
    start = (chunk.done - 1) // steps * steps
    return chunk.done - start, chunk.log[start : chunk.done]


def _not_finite(
    chunk: _Chunk, values: Mapping[str, Array], epoch: int, step: int
) -> NotFiniteError:
    """The error that says where, from the inputs of the step that failed."""
    plan = chunk.plan
    rate = plan.values.get("optimizer.learning_rate")
    updates = chunk.first_step + chunk.done
    known = None if rate is None else float(rate)
    said = story(plan.program.step.graph, values, updates, known)
    return NotFiniteError(
        f"training stopped in epoch {epoch + 1}, step {step + 1} of {plan.steps}: {said}. "
        "The weights are those before that step"
    )
