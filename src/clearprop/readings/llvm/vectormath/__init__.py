"""Elementwise functions as LLVM text: branch-free vector polynomials with a stated error.

Each function appends instructions to a scope and works for float and double, scalar or any number
of lanes, on every target, with and without fused multiply-add, and calls nothing outside. NaN in
gives NaN out (but power(x, 0) and power(1, x), which are 1); -0.0 is kept where NumPy keeps it.
Denormal arguments may count as 0 and denormal results may be 0, as the engine runs with denormals
flushed.

`ULP` is the largest error of each in units of the last place, (float, double); tests hold it on
targets with and without FMA.
"""

from collections.abc import Callable, Mapping

from clearprop.readings.llvm.ir import Value
from clearprop.readings.llvm.vectormath.erf import erf
from clearprop.readings.llvm.vectormath.exponential import exp, expm1
from clearprop.readings.llvm.vectormath.hyperbolic import sigmoid, softplus, tanh
from clearprop.readings.llvm.vectormath.logarithm import log, log1p
from clearprop.readings.llvm.vectormath.power import power
from clearprop.readings.llvm.vectormath.rounding import absolute, floor, sign, sqrt
from clearprop.readings.llvm.vectormath.trigonometry import cos, sin

__all__ = ["ULP", "VECTOR_MATH"]

VECTOR_MATH: Mapping[str, Callable[..., Value]] = {
    "abs": absolute,
    "cos": cos,
    "erf": erf,
    "exp": exp,
    "expm1": expm1,
    "floor": floor,
    "log": log,
    "log1p": log1p,
    "power": power,
    "sigmoid": sigmoid,
    "sign": sign,
    "sin": sin,
    "softplus": softplus,
    "sqrt": sqrt,
    "tanh": tanh,
}
ULP: Mapping[str, tuple[float, float]] = {
    "abs": (0.0, 0.0),
    "cos": (1.75, 1.75),
    "erf": (1.5, 1.5),
    "exp": (1.25, 1.25),
    "expm1": (2.0, 2.0),
    "floor": (0.0, 0.0),
    "log": (1.0, 1.0),
    "log1p": (2.0, 2.0),
    "power": (0.75, 2.5),  # times 1 + |b log a|
    "sigmoid": (2.75, 2.75),
    "sign": (0.0, 0.0),
    "sin": (1.75, 1.75),
    "softplus": (2.5, 2.5),
    "sqrt": (0.5, 0.5),
    "tanh": (2.75, 2.75),
}
