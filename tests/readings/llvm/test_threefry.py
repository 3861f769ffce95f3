"""Threefry of the engine: known answers, the NumPy reading, and no call outside."""

import numpy as np
import pytest

from clearprop.readings.llvm.ir import Scope, Value
from clearprop.readings.llvm.target import TARGETS
from clearprop.readings.llvm.threefry import threefry
from clearprop.readings.threefry import threefry as numpy_threefry
from tests.readings.llvm.apply import Compiled, outside_calls, program, runnable

ONES = 0xFFFFFFFF
KNOWN = [  # key, counter, first word: the known answers of Salmon et al.'s Random123
    (0, 0, 0, 0, 0x6B200159),
    (ONES, ONES, ONES, ONES, 0x1CB996FC),
    (0x13198A2E, 0x03707344, 0x243F6A88, 0x85A308D3, 0xC4923A9C),
]


@pytest.mark.parametrize("name", runnable())
@pytest.mark.parametrize("lanes", [0, 4, 16])
def test_threefry_gives_the_known_answers(name: str, lanes: int) -> None:
    compiled = Compiled(threefry, "uint32", lanes, runnable()[name], 4)
    *words, expected = (np.array(column, np.uint32) for column in zip(*KNOWN, strict=True))
    np.testing.assert_array_equal(compiled(*words), expected)


def test_scalar_keys_stand_for_all_lanes() -> None:
    def fixed(s: Scope, place: Value) -> Value:
        key0, key1, step = s.integer(7, "i32"), s.integer(-3, "i32"), s.integer(11, "i32")
        return threefry(s, key0, key1, place, step)

    place = np.arange(64, dtype=np.uint32)
    got = Compiled(fixed, "uint32", 8, runnable()["host"])(place)
    expected = numpy_threefry((7, 2**32 - 3), (place, np.full_like(place, 11)))[0]
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("name", TARGETS)
def test_threefry_calls_nothing_outside(name: str) -> None:
    target = TARGETS[name]
    for lanes in (0, target.lanes("uint32")):
        assert outside_calls(program(threefry, "uint32", lanes, 4, target), target) == []
