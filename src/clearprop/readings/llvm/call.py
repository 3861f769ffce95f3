"""The block of numbers and addresses that a call of the entry gets, kept from call to call.

Most arrays of a call (parameters, the optimizer's state, scalars) are those of the call before.
Each is known again by its identity, address, shape, strides and dtype, and only what has changed is
checked and written into the block. The block holds the arrays by weak reference.
"""

import ctypes
import weakref
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from clearprop.errors import EngineError
from clearprop.nodes.node import Node
from clearprop.nodes.shapes import bind, has_rows
from clearprop.readings.llvm.code import yield_address
from clearprop.readings.llvm.entry import FIELDS, HALT
from clearprop.readings.llvm.kernel import KernelCode
from clearprop.readings.llvm.memory import Arena
from clearprop.readings.llvm.roles import Roles, fits, given, must_be_writable
from clearprop.readings.llvm.schedule import Schedule
from clearprop.readings.llvm.writer import Argument

__all__ = ["Block"]

SHARED = 2 * HALT
"""Bytes that the threads of a team share."""
_PLACE = {name: place for place, name in enumerate(FIELDS)}
_Seen = tuple["weakref.ref[np.ndarray]", int, tuple[int, ...], tuple[int, ...], Any]


class Block:
    """The fields of calls over one workspace, then the kernels' pointers, in one array."""

    def __init__(
        self,
        roles: Roles,
        parts: Sequence[KernelCode],
        placed: Mapping[Node, Node],
        copied: Sequence[tuple[Node, Node]],
        plan: Schedule,
        arena: Arena,
    ) -> None:
        self.roles, self.plan, self.arena, self._placed = roles, plan, arena, placed
        self._places: dict[Node, list[int]] = {
            n: [] for n in (*roles.held, *(roles.external or ()))
        }
        self._seen: dict[Node, _Seen] = {}
        calls = [p for code in parts for p in (code, code.finish) if p is not None]
        arguments = [argument for part in calls for argument in part.arguments]
        pairs = len(roles.streamed) + len(roles.collected) + len(copied)
        table = len(FIELDS) + 2 * pairs + len(roles.logged)
        self.numbers = (ctypes.c_int64 * (table + max(len(arguments), 1)))()
        self.address = ctypes.addressof(self.numbers)
        self._spare, self._shared = np.zeros(1, np.uint32), np.zeros(SHARED, np.uint8)
        self._put("table", self.address + 8 * table)
        self._put("modes", plan.modes.ctypes.data)
        self._put("shared", self._shared.ctypes.data)
        self._put("yield", yield_address())
        self._put("counter", self._spare.ctypes.data)
        if roles.counter is not None:
            self._aim(_PLACE["counter"], Argument(roles.counter))
        for place, argument in enumerate(arguments, start=table):
            self._aim(place, argument)
        self._ends(copied)

    def _put(self, name: str, number: int) -> None:
        self.numbers[_PLACE[name]] = number

    def _aim(self, place: int, argument: Argument) -> None:
        """Let a place hold the address of an array, of the workspace or of the caller's."""
        node = argument.node if argument.slots else self._placed.get(argument.node, argument.node)
        if node in self._places and not argument.slots:
            self._places[node].append(place)
        else:
            self.numbers[place] = self.arena.addresses[Argument(node, argument.slots)]

    def _ends(self, copied: Sequence[tuple[Node, Node]]) -> None:
        """From where to where the entry copies, and what it logs."""
        place = len(FIELDS)
        self._data: list[int] = []
        self._collected: list[int] = []
        for node in self.roles.streamed:
            self._data.append(place)
            self._aim(place + 1, Argument(node))
            place += 2
        for node in self.roles.collected:
            self._aim(place, Argument(node))
            self._collected.append(place + 1)
            place += 2
        for old, new in copied:
            self._aim(place, Argument(new))
            self._aim(place + 1, Argument(old))
            place += 2
        for node in self.roles.logged:
            self._aim(place, Argument(node))
            place += 1

    # --- a call --------------------------------------------------------------------------------

    def hold(
        self,
        values: Mapping[str, np.ndarray],
        results: Mapping[Node, np.ndarray],
        rows: int,
    ) -> None:
        """Take the arrays of the held inputs and of the external outputs."""
        for node in self.roles.held:
            if not self._known(node, values.get(node["name"])):
                array = given(node, values, rows)
                if node in self.roles.carried:
                    must_be_writable(node["name"], array)
                self._take(node, array)
        for node in self.roles.external or ():
            if node not in results:
                raise EngineError(f"no array for the result {node!r}")
            fits(node, results[node], bind(node.shape, rows))
            must_be_writable(node.op, results[node])
            self._take(node, results[node])

    def _known(self, node: Node, array: np.ndarray | None) -> bool:
        """Whether this very array was checked before and lies where it lay."""
        seen = self._seen.get(node)
        return (
            seen is not None
            and array is not None
            and seen[0]() is array
            and seen[1:] == (array.ctypes.data, array.shape, array.strides, array.dtype)
        )

    def _take(self, node: Node, array: np.ndarray) -> None:
        address = array.ctypes.data
        for place in self._places[node]:
            self.numbers[place] = address
        if not has_rows(node.shape):  # else what fits depends on the call
            seen = weakref.ref(array), address, array.shape, array.strides, array.dtype
            self._seen[node] = seen

    def fill(
        self,
        told: Mapping[str, int],
        data: Sequence[np.ndarray],
        collected: Sequence[np.ndarray],
    ) -> None:
        """Write what is new in each call; the threads' shared bytes begin as zeros."""
        for name, number in told.items():
            self._put(name, number)
        places, arrays = (*self._data, *self._collected), (*data, *collected)
        for place, array in zip(places, arrays, strict=True):
            self.numbers[place] = array.ctypes.data
        self._shared.fill(0)
