"""What training recorded: one number an epoch for the loss and each metric."""

from collections.abc import Mapping, Sequence
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

    def add(self, first: int, logs: Mapping[str, Sequence[float]]) -> None:
        """Record epochs from the first on: for each name, one number an epoch."""
        many = 0
        for name, values in logs.items():
            self.history.setdefault(name, []).extend(values)
            many = len(values)
        self.epoch.extend(range(first, first + many))
