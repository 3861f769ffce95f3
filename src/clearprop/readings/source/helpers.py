"""Functions that the written program needs and NumPy lacks; their own text is put into it."""

import math

import numpy as np

__all__ = ["HELPERS", "erf", "random_bits", "scatter_add", "sigmoid", "softplus"]


def sigmoid(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x)), without overflow."""
    small = np.exp(-np.abs(x))
    return np.asarray(np.where(x >= 0, 1 / (1 + small), small / (1 + small)))


def softplus(x: np.ndarray) -> np.ndarray:
    """log(1 + exp(x)), without overflow."""
    return np.asarray(np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))))


def erf(x: np.ndarray) -> np.ndarray:
    """The Gauss error function."""
    return np.array([math.erf(v) for v in np.ravel(x)], x.dtype).reshape(x.shape)


def scatter_add(updates: np.ndarray, indices: np.ndarray, size: int) -> np.ndarray:
    """Zeros of `size` rows, with each update added to the row of its index."""
    out = np.zeros((size, *updates.shape[indices.ndim :]), updates.dtype)
    np.add.at(out, indices, updates)
    return out


def random_bits(seed: int, step: int, shape: tuple[int, ...], stream: int) -> np.ndarray:
    """Threefry-2x32 (Salmon et al. 2011): 32 bits for each place, from seed, stream and step."""
    keys = [np.uint32(k) for k in (seed, stream, int(seed) ^ stream ^ 0x1BD11BDA)]
    a = np.arange(math.prod(shape), dtype=np.uint32) + keys[0]
    b = np.full(a.shape, step, np.uint32) + keys[1]
    for block in range(1, 6):
        for turn in (13, 15, 26, 6) if block % 2 else (17, 29, 16, 24):
            a = a + b
            b = (b << np.uint32(turn) | b >> np.uint32(32 - turn)) ^ a
        a = a + keys[block % 3]
        b = b + keys[(block + 1) % 3] + np.uint32(block)
    return a.reshape(shape)


HELPERS = {f.__name__: f for f in (sigmoid, softplus, erf, scatter_add, random_bits)}
