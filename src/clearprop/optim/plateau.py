"""ReduceOnPlateau: the host lowers the rate when a metric has stopped improving."""

import math
from dataclasses import dataclass
from typing import ClassVar

from clearprop.nodes.node import Node
from clearprop.optim.arguments import (
    FRACTION,
    NOT_NEGATIVE,
    POSITIVE,
    WHOLE,
    Checks,
    one_of,
)
from clearprop.optim.schedules import Scalar, Schedule

__all__ = ["Plateau", "ReduceOnPlateau"]


@dataclass(frozen=True)
class ReduceOnPlateau(Schedule):
    """learning_rate times a scale that falls by `factor` after `patience` epochs without a gain.

    A metric is a gain if it is below best * (1 - threshold) (threshold_mode "rel") or below best -
    threshold ("abs"); with mode "max", above. After a fall, `cooldown` epochs are not counted. The
    rate never falls below min_lr. In the graph the rate is constant: who runs the loop gives each
    epoch's metric to `tracker().observe` and sets the step's scale to what it returns.
    Formula and arguments as PyTorch's ReduceLROnPlateau.
    """

    learning_rate: float
    mode: str = "min"
    factor: float = 0.1
    patience: int = 10
    threshold: float = 1e-4
    threshold_mode: str = "rel"
    cooldown: int = 0
    min_lr: float = 0.0

    checks: ClassVar[Checks] = {
        "learning_rate": POSITIVE,
        "mode": one_of("min", "max"),
        "factor": FRACTION,
        "patience": WHOLE,
        "threshold": NOT_NEGATIVE,
        "threshold_mode": one_of("rel", "abs"),
        "cooldown": WHOLE,
        "min_lr": NOT_NEGATIVE,
    }

    def rate(self, step: Node, scalars: Scalar) -> Node:
        """The learning rate before the host's scale."""
        return scalars("learning_rate", self.learning_rate)

    def tracker(self) -> "Plateau":
        """A new observer of one run's metric."""
        return Plateau(self)


@dataclass
class Plateau:
    """What one run's metric has done so far.

    >>> plateau = ReduceOnPlateau(0.1, patience=1, factor=0.5).tracker()
    >>> [plateau.observe(loss) for loss in (3.0, 2.0, 2.0, 2.0, 2.0)]
    [1.0, 1.0, 1.0, 0.5, 0.5]
    """

    rule: ReduceOnPlateau
    scale: float = 1.0
    best: float | None = None
    bad: int = 0
    cooling: int = 0

    def observe(self, metric: float) -> float:
        """Take an epoch's metric; the scale for the next epoch (NaN is no gain)."""
        if self._gain(metric):
            self.best, self.bad = metric, 0
        else:
            self.bad += 1
        if self.cooling:
            self.cooling -= 1
            self.bad = 0
        if self.bad > self.rule.patience:
            self._fall()
        return self.scale

    def _gain(self, metric: float) -> bool:
        if math.isnan(metric):
            return False
        if self.best is None:
            return True
        sign = 1 if self.rule.mode == "min" else -1
        by = self.rule.threshold
        relative = self.rule.threshold_mode == "rel"
        needed = self.best * (1 - sign * by) if relative else self.best - sign * by
        return sign * metric < sign * needed

    def _fall(self) -> None:
        floor = self.rule.min_lr / self.rule.learning_rate
        self.scale = max(self.scale * self.rule.factor, min(floor, self.scale))
        self.bad, self.cooling = 0, self.rule.cooldown

    def state(self) -> dict[str, float | None]:
        """The numbers that a checkpoint holds: `Plateau(rule, **state)` goes on from them."""
        return {"scale": self.scale, "best": self.best, "bad": self.bad, "cooling": self.cooling}
