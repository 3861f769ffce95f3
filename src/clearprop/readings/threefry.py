"""Threefry-2x32 with 20 rounds as NumPy: random bits as a function of key and counter, no state.

Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3" (SC 2011). The
rotations and the key schedule's constant are theirs.
"""

import numpy as np
from numpy.typing import NDArray

__all__ = ["PARITY", "ROTATIONS", "threefry"]

ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
PARITY = 0x1BD11BDA

Words = NDArray[np.uint32]


def threefry(key: tuple[int, int], counter: tuple[Words, Words]) -> tuple[Words, Words]:
    """Both output words for each counter.

    >>> zero = np.zeros(1, np.uint32)
    >>> [hex(word[0]) for word in threefry((0, 0), (zero, zero))]
    ['0x6b200159', '0x99ba4efe']
    """
    keys = [np.uint32(k) for k in (*key, key[0] ^ key[1] ^ PARITY)]
    with np.errstate(over="ignore"):  # sums wrap at 2 to the 32 by design
        first, second = counter[0] + keys[0], counter[1] + keys[1]
        for block in range(1, 6):
            for rotation in ROTATIONS[:4] if block % 2 else ROTATIONS[4:]:
                first = first + second
                second = (second << np.uint32(rotation)) | (second >> np.uint32(32 - rotation))
                second = second ^ first
            first = first + keys[block % 3]
            second = second + keys[(block + 1) % 3] + np.uint32(block)
    return first, second
