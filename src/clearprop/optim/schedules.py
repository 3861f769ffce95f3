"""Schedules: the learning rate as nodes of the step number.

They count steps (updates), from 0. Steps over data of n rows: ceil(n / batch_size) an epoch. With
`every`, the rate is held for that many steps: `every` = steps an epoch gives a rate by epoch.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from clearprop.errors import ArgumentError
from clearprop.nodes import build
from clearprop.nodes.node import Node
from clearprop.optim.arguments import (
    COUNT,
    FRACTION,
    NOT_NEGATIVE,
    POSITIVE,
    Checks,
    normalise,
)

__all__ = [
    "CosineDecay",
    "ExponentialDecay",
    "OneCycle",
    "Schedule",
    "StepDecay",
    "WarmupCosine",
]

Scalar = Callable[[str, float], Node]
"""A number that people vary, as a scalar input: (name, value) -> node."""


@dataclass(frozen=True)
class Schedule(ABC):
    """A learning rate that follows the step number; concrete ones are frozen dataclasses."""

    checks: ClassVar[Checks]

    def __post_init__(self) -> None:
        normalise(self, self.checks)

    @abstractmethod
    def rate(self, step: Node, scalars: Scalar) -> Node:
        """The learning rate at a step, a float scalar that counts from 0."""


def _held(step: Node, every: int, scalars: Scalar) -> Node:
    """The step at which the present stretch of `every` steps began."""
    if every == 1:
        return step
    length = scalars("schedule.every", every)
    return build.floor(step / length) * length


def _cosine(start: Node, end: Node, part: Node) -> Node:
    """From start (part 0) to end (part 1) along half a cosine."""
    return end + (start - end) * (build.cos(part * math.pi) + 1) * 0.5


@dataclass(frozen=True)
class StepDecay(Schedule):
    """learning_rate * factor^floor(step / every).

    >>> StepDecay(0.1, every=30)
    StepDecay(learning_rate=0.1, every=30, factor=0.1)
    """

    learning_rate: float
    every: int
    factor: float = 0.1

    checks: ClassVar[Checks] = {"learning_rate": POSITIVE, "every": COUNT, "factor": POSITIVE}

    def rate(self, step: Node, scalars: Scalar) -> Node:
        """The learning rate at a step."""
        drops = build.floor(step / scalars("schedule.every", self.every))
        factor = scalars("schedule.factor", self.factor)
        return scalars("learning_rate", self.learning_rate) * build.power(factor, drops)


@dataclass(frozen=True)
class ExponentialDecay(Schedule):
    """learning_rate * factor^(step / steps): by the factor in so many steps."""

    learning_rate: float
    factor: float
    steps: int = 1
    every: int = 1

    checks: ClassVar[Checks] = {
        "learning_rate": POSITIVE,
        "factor": POSITIVE,
        "steps": COUNT,
        "every": COUNT,
    }

    def rate(self, step: Node, scalars: Scalar) -> Node:
        """The learning rate at a step."""
        place = _held(step, self.every, scalars) / scalars("schedule.steps", self.steps)
        factor = scalars("schedule.factor", self.factor)
        return scalars("learning_rate", self.learning_rate) * build.power(factor, place)


@dataclass(frozen=True)
class CosineDecay(Schedule):
    """final + (learning_rate - final) (1 + cos(pi min(step / steps, 1))) / 2.

    Source: Loshchilov and Hutter 2017, SGDR, equation 5, without restarts.
    """

    learning_rate: float
    steps: int
    final: float = 0.0
    every: int = 1

    checks: ClassVar[Checks] = {
        "learning_rate": POSITIVE,
        "steps": COUNT,
        "final": NOT_NEGATIVE,
        "every": COUNT,
    }

    def rate(self, step: Node, scalars: Scalar) -> Node:
        """The learning rate at a step."""
        place = _held(step, self.every, scalars)
        part = build.minimum(place / scalars("schedule.steps", self.steps), 1)
        top = scalars("learning_rate", self.learning_rate)
        return _cosine(top, scalars("schedule.final", self.final), part)


@dataclass(frozen=True)
class WarmupCosine(Schedule):
    """In a line from `start` to learning_rate over `warmup` steps, then a cosine to `final`.

    The line is at learning_rate at step `warmup`; the cosine is at `final` at step `steps`.
    """

    learning_rate: float
    warmup: int
    steps: int
    start: float = 0.0
    final: float = 0.0
    every: int = 1

    checks: ClassVar[Checks] = {
        "learning_rate": POSITIVE,
        "warmup": COUNT,
        "steps": COUNT,
        "start": NOT_NEGATIVE,
        "final": NOT_NEGATIVE,
        "every": COUNT,
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.steps <= self.warmup:
            raise ArgumentError(
                f"WarmupCosine: steps={self.steps} must be more than warmup={self.warmup}"
            )

    def rate(self, step: Node, scalars: Scalar) -> Node:
        """The learning rate at a step."""
        place = _held(step, self.every, scalars)
        warmup = scalars("schedule.warmup", self.warmup)
        top = scalars("learning_rate", self.learning_rate)
        start = scalars("schedule.start", self.start)
        rising = start + (top - start) * (place / warmup)
        length = scalars("schedule.steps", self.steps) - warmup
        part = build.minimum((place - warmup) / length, 1)
        falling = _cosine(top, scalars("schedule.final", self.final), part)
        return build.where(place < warmup, rising, falling)


@dataclass(frozen=True)
class OneCycle(Schedule):
    """Up from learning_rate / div_factor to learning_rate, then down to a tiny rate.

    As PyTorch's OneCycleLR: two half cosines over `steps` steps. The first ends at step
    warmup * steps - 1, the second at step steps - 1 with the rate
    learning_rate / (div_factor * final_div_factor), which then stays.
    Source: Smith and Topin 2019, Super-convergence.
    """

    learning_rate: float
    steps: int
    warmup: float = 0.3
    div_factor: float = 25.0
    final_div_factor: float = 1e4
    every: int = 1

    checks: ClassVar[Checks] = {
        "learning_rate": POSITIVE,
        "steps": COUNT,
        "warmup": FRACTION,
        "div_factor": POSITIVE,
        "final_div_factor": POSITIVE,
        "every": COUNT,
    }

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.warmup * self.steps <= 1:
            raise ArgumentError(
                f"OneCycle: warmup * steps = {self.warmup * self.steps:g} must be more than 1"
            )

    def rate(self, step: Node, scalars: Scalar) -> Node:
        """The learning rate at a step."""
        place = _held(step, self.every, scalars)
        top = scalars("learning_rate", self.learning_rate)
        first = top / scalars("schedule.div_factor", self.div_factor)
        final = first / scalars("schedule.final_div_factor", self.final_div_factor)
        peak = scalars("schedule.peak", self.warmup * self.steps - 1)
        down = scalars("schedule.down", self.steps - self.warmup * self.steps)
        rising = _cosine(first, top, place / peak)
        falling = _cosine(top, final, build.minimum((place - peak) / down, 1))
        return build.where(place < peak, rising, falling)
