"""Where arrays lie: one arena, reused as soon as an array's last reader has run.

Arrays are placed largest first, each at the lowest place that is free over all of its life. In
guard mode (guard.py) each has memory of its own.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from clearprop.readings.llvm import guard
from clearprop.readings.llvm.plan import Plan
from clearprop.readings.llvm.writer import Argument

__all__ = ["Arena", "Life", "last_phase", "lives"]

ALIGN = 64


@dataclass(frozen=True)
class Life:
    """The phases between which an array holds something, both included."""

    first: int
    last: int


def last_phase(phases: Sequence[Life]) -> int:
    """The last phase of a step; what is kept lives until then."""
    return max((phase.last for phase in phases), default=0)


def lives(plan: Plan, kept: Iterable[object], phases: Sequence[Life]) -> dict[Argument, Life]:
    """The phases in which each stored array is needed; `kept` ones to the end of the step."""
    end = last_phase(phases)
    last: dict[object, int] = {}
    for node, found in plan.reads.items():
        for access in found:
            here = phases[plan.maker[node]].last
            last[access.node] = max(last.get(access.node, 0), here)
    whole = set(kept)
    return {
        Argument(node): Life(
            phases[made].first, end if node in whole else max(phases[made].last, last.get(node, 0))
        )
        for node, made in plan.maker.items()
    }


class Arena:
    """Memory for the arrays of one program at one number of rows."""

    def __init__(self, sizes: Mapping[Argument, int], life: Mapping[Argument, Life]) -> None:
        self.addresses: dict[Argument, int] = {}
        self._keep: list[object] = []
        if guard.on():
            for argument, count in sizes.items():
                address, owner = guard.guarded(count, argument.node.dtype)
                self.addresses[argument] = address
                self._keep.append(owner)
            return
        places, total = _place(sizes, life)
        block = np.zeros(total + ALIGN, np.uint8)
        self._keep.append(block)
        start = -(-block.ctypes.data // ALIGN) * ALIGN
        self.bytes = total
        self.addresses = {argument: start + place for argument, place in places.items()}


def _place(
    sizes: Mapping[Argument, int], life: Mapping[Argument, Life]
) -> tuple[dict[Argument, int], int]:
    places: dict[Argument, int] = {}
    order = sorted(sizes, key=lambda a: -sizes[a])
    for argument in order:
        own = life[argument]
        taken = sorted(
            (places[other], places[other] + sizes[other])
            for other in places
            if life[other].first <= own.last and own.first <= life[other].last
        )
        place = 0
        for low, high in taken:
            if place + sizes[argument] <= low:
                break
            place = max(place, -(-high // ALIGN) * ALIGN)
        places[argument] = place
    return places, max((places[a] + sizes[a] for a in places), default=0)
