"""What training recorded: one number an epoch for the loss and each metric."""

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["History"]


@dataclass
class History:
    """`history` is name -> one number an epoch; `epoch` their numbers, counted on over fits.

    `interrupted` says that Ctrl-C ended the run: whole epochs only are recorded, the weights are
    those of the last whole step.
    """

    history: dict[str, list[float]] = field(default_factory=dict)
    epoch: list[int] = field(default_factory=list)
    interrupted: bool = False

    def add(self, epoch: int, logs: Mapping[str, float]) -> None:
        """Record an epoch."""
        self.epoch.append(epoch)
        for name, value in logs.items():
            self.history.setdefault(name, []).append(value)
