"""Flat storage: the arrays of a group lie in one buffer, each with a name and a view.

A group is what is treated alike: parameters with weight decay, those without, what is not trained,
each slot of the optimizer. A snapshot of a model is a copy of a few flat buffers.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Buffers"]

_ALIGNMENT = 64  # bytes: a cache line, and the widest vector


class Buffers:
    """Named views into one flat array a group; gaps between views stay zero.

    >>> buffers = Buffers("float32")
    >>> buffers.allocate("decayed", {"0.weight": (3, 2), "1.weight": (2, 1)})
    >>> buffers.views["0.weight"].shape, buffers.flat["decayed"].shape
    ((3, 2), (32,))
    """

    def __init__(self, dtype: str) -> None:
        self.dtype = np.dtype(dtype)
        self.flat: dict[str, NDArray[Any]] = {}
        self.views: dict[str, NDArray[Any]] = {}
        self._names: dict[str, tuple[str, ...]] = {}

    def __getstate__(self) -> dict[str, Any]:
        """The arrays alone: a copy lays them out anew, aligned, with views of its own."""
        return {"dtype": self.dtype.name, "groups": {g: self._members(g) for g in self.flat}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        Buffers.__init__(self, state["dtype"])
        for group, members in state["groups"].items():
            self.allocate(group, {name: array.shape for name, array in members.items()})
            for name, array in members.items():
                self.views[name][...] = array

    def _members(self, group: str) -> dict[str, NDArray[Any]]:
        """The views into a group's buffer, in its order."""
        return {name: self.views[name] for name in self._names[group]}

    def allocate(self, group: str, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """A new buffer of zeros with a view for each name; each view starts on a cache line."""
        step = _ALIGNMENT // self.dtype.itemsize
        places: dict[str, int] = {}
        end = 0
        for name, shape in shapes.items():
            places[name] = end
            end += -(-math.prod(shape) // step) * step
        flat = _aligned(end, self.dtype)
        for name, shape in shapes.items():
            start = places[name]
            self.views[name] = flat[start : start + math.prod(shape)].reshape(shape)
        self.flat[group] = flat
        self._names[group] = tuple(shapes)

    def drop(self, group: str) -> None:
        """Forget a group and its views."""
        del self.flat[group]
        for name in self._names.pop(group):
            del self.views[name]

    def copy(self) -> dict[str, NDArray[Any]]:
        """A snapshot: a copy of every flat buffer."""
        return {group: flat.copy() for group, flat in self.flat.items()}

    def restore(self, snapshot: Mapping[str, NDArray[Any]]) -> None:
        """The numbers of a snapshot, put back in place."""
        for group, flat in snapshot.items():
            np.copyto(self.flat[group], flat)


def _aligned(size: int, dtype: np.dtype[Any]) -> NDArray[Any]:
    """Zeros that start on a cache line."""
    raw = np.zeros(size * dtype.itemsize + _ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % _ALIGNMENT
    return raw[start : start + size * dtype.itemsize].view(dtype)
