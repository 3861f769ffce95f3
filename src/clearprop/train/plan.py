"""The plan of a run: which rows each step sees, and how many steps the engine is asked for at once.

A call of the engine is a slice: about a tenth of a second of steps, so that Ctrl-C and progress
work. A chunk is what is shuffled, copied and recorded at once: one epoch, or, where epochs are
short, equal and nobody looks at their ends, several.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clearprop.train.buffers import Buffers
from clearprop.train.data import Data
from clearprop.train.programs import Program

__all__ = ["Pace", "Plan", "Position", "permutation"]

Array = NDArray[Any]

_SLICE = 0.1  # seconds a call of the engine
_PLACES = 1 << 20  # indices at most in a chunk of several epochs
_SHUFFLE = 0x5AFF1E  # tells permutations from whatever else is drawn from (seed, epoch)


def permutation(seed: int, epoch: int, rows: int) -> Array:
    """The order of rows in an epoch: of (seed, epoch) and nothing else."""
    bits = np.random.Philox(np.random.SeedSequence([seed, epoch, _SHUFFLE]))
    return np.random.Generator(bits).permutation(rows).astype(np.int64, copy=False)


class Pace:
    """How many steps fill a slice: measured, beginning with one, growing eightfold at most."""

    def __init__(self) -> None:
        self.steps = 1

    def measure(self, steps: int, seconds: float) -> None:
        """Learn from a slice of this many steps."""
        fitting = int(steps * _SLICE / max(seconds, 1e-9))
        self.steps = max(1, min(fitting, 8 * max(steps, self.steps)))


@dataclass
class Position:
    """How far a model is trained: epochs begun and steps done since it was made."""

    epoch: int = 0
    step: int = 0


@dataclass(frozen=True)
class Plan:
    """What one call of fit runs."""

    program: Program
    values: Mapping[str, Array]
    buffers: Buffers
    data: Data
    batch: int
    shuffle: bool
    seed: int
    watched: bool
    """Whether somebody looks at each epoch's end, so that a chunk is one epoch."""
    threads: int | None = None
    """The most to use; None: what the engine finds worth it."""

    @property
    def steps(self) -> int:
        """Steps an epoch."""
        return -(-self.data.rows // self.batch)

    def chunk(self, left: int, pace: Pace) -> int:
        """How many epochs to run as one, of those left."""
        if self.watched or (self.data.rows % self.batch and self.steps > 1):
            return 1
        return max(1, min(left, pace.steps // self.steps, _PLACES // self.data.rows))

    def indices(self, epoch: int, epochs: int) -> Array | None:
        """The rows in the order of their use; None: as they lie.

        One minibatch of all rows is not shuffled: its sums would differ in their last bits only.
        """
        rows = self.data.rows
        if not self.shuffle or self.steps == 1:
            return None if epochs == 1 else np.tile(np.arange(rows, dtype=np.int64), epochs)
        orders = [permutation(self.seed, epoch + e, rows) for e in range(epochs)]
        return orders[0] if epochs == 1 else np.concatenate(orders)
