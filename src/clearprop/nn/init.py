"""Initial values of variables: each is drawn from (seed, name of the variable) and nothing else.

So a network's first weights do not depend on the order in which its layers are made, nor on what
else was drawn, and a checkpoint holds no generator.
"""

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from clearprop.errors import ArgumentError, ShapeError, unknown
from clearprop.nn.layer import Initial, Variable

__all__ = ["INITIALIZERS", "fans", "get_initializer", "given", "initial_value"]


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """How many inputs a unit has, and how many units an input: (fan in, fan out).

    A weight is (inputs, units), a convolution's kernel (..., inputs, filters), with as many inputs
    as its window has places times channels.

    >>> fans((784, 128)), fans((3, 3, 16, 32))
    ((784, 128), (144, 288))
    """
    if len(shape) < 2:
        n = shape[0] if shape else 1
        return n, n
    window = math.prod(shape[:-2])
    return window * shape[-2], window * shape[-1]


def zeros(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Zeros."""
    return np.zeros(shape)


def ones(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Ones."""
    return np.ones(shape)


def uniform(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Uniform in [-0.05, 0.05), as Keras' random_uniform."""
    return generator.uniform(-0.05, 0.05, shape)


def normal(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Normal with standard deviation 0.05, as Keras' random_normal."""
    return generator.normal(0.0, 0.05, shape)


def orthogonal(generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Orthonormal rows or columns (whichever are fewer) of the matrix (all axes but one, last).

    Source: Saxe, McClelland and Ganguli 2014, arXiv 1312.6120.
    """
    if len(shape) < 2:
        raise ShapeError(f"orthogonal needs a matrix, the variable has the shape {shape}")
    rows, columns = math.prod(shape[:-1]), shape[-1]
    draw = generator.normal(size=(max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(draw)
    q *= np.where(np.diagonal(r) < 0, -1.0, 1.0)  # without it the draw is not uniform (Mezzadri)
    return np.ascontiguousarray(q if rows >= columns else q.T).reshape(shape)


@dataclass(frozen=True)
class _Scaled:
    """Draws of variance scale / fan, where fan is the inputs or the mean of inputs and units."""

    scale: float
    over: str
    normally: bool

    def __call__(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        fan_in, fan_out = fans(shape)
        fan = fan_in if self.over == "in" else (fan_in + fan_out) / 2
        deviation = math.sqrt(self.scale / max(fan, 1))
        if self.normally:
            return generator.normal(0.0, deviation, shape)
        bound = math.sqrt(3.0) * deviation
        return generator.uniform(-bound, bound, shape)


INITIALIZERS: Mapping[str, Initial] = {
    "zeros": zeros,
    "ones": ones,
    "uniform": uniform,
    "normal": normal,
    "orthogonal": orthogonal,
    # Glorot and Bengio 2010; He et al. 2015, arXiv 1502.01852; LeCun et al. 1998
    "glorot_uniform": _Scaled(1.0, "mean", normally=False),
    "glorot_normal": _Scaled(1.0, "mean", normally=True),
    "he_uniform": _Scaled(2.0, "in", normally=False),
    "he_normal": _Scaled(2.0, "in", normally=True),
    "lecun_uniform": _Scaled(1.0, "in", normally=False),
    "lecun_normal": _Scaled(1.0, "in", normally=True),
}


def get_initializer(name: str) -> Initial:
    """The initializer of this name; ArgumentError with the nearest name if there is none."""
    if not isinstance(name, str) or name not in INITIALIZERS:
        raise unknown("initializer", name, INITIALIZERS)
    return INITIALIZERS[name]


@dataclass(frozen=True, eq=False)  # an array has no one equality
class _Given:
    values: np.ndarray

    def __call__(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        return np.broadcast_to(self.values, shape).copy()


def given(values: np.ndarray) -> Initial:
    """The initial value that the user gave."""
    return _Given(values)


def initial_value(variable: Variable, seed: int, name: str, dtype: str) -> np.ndarray:
    """A variable's first value, drawn in float64 from (seed, name) and rounded to dtype.

    The same in every process, and in float32 the rounded numbers of float64. ArgumentError if the
    seed is no whole number >= 0.

    >>> initial_value(Variable((2,), INITIALIZERS["ones"]), 0, "0.weight", "float32")
    array([1., 1.], dtype=float32)
    """
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise ArgumentError(f"seed must be a whole number of at least 0, is {seed!r}")
    key = hashlib.sha256(f"{int(seed)}:{name}".encode()).digest()[:16]  # Python's hash has a salt
    generator = np.random.Generator(np.random.Philox(key=int.from_bytes(key, "little")))
    value = np.asarray(variable.initial(generator, variable.shape))
    if value.shape != variable.shape:
        raise ShapeError(f"the initial value of {name} is {value.shape}, not {variable.shape}")
    return np.array(value, dtype=dtype, order="C")
