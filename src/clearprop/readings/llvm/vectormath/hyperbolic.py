"""tanh, sigmoid and softplus, all from the reduced exponential.

With E = expm1(r) and S = 2**n, exp(x) = S (1 + E). So tanh(x/2) = y / (y + 2), y = S E + (S - 1):
one division, nothing cancels near 0, where S is 1, and no test of the size of x. (S E + (S + 1)
below was tried: an ulp worse where S is near 2**24.) The sigmoid is 1 / (1 + exp(-x)), whose
exponential may be infinite; softplus is max(x, 0) + log1p(exp(-|x|)).

Measured error: see `ULP`.
"""

from collections.abc import Mapping

from clearprop.readings.llvm.ir import Scope, Value
from clearprop.readings.llvm.vectormath.exponential import LIMITS, reduced_expm1
from clearprop.readings.llvm.vectormath.logarithm import log1p_without_limits
from clearprop.readings.llvm.vectormath.pieces import (
    at_least,
    at_most,
    literal,
    or_sign_of,
    power_of_two,
)

__all__ = ["sigmoid", "softplus", "tanh"]

_TANH_IS_ONE: Mapping[str, float] = {"float": 10.0, "double": 20.0}
# between these n goes from the smallest exponent to one beyond the largest: 2**n is infinity
_RANGE: Mapping[str, tuple[float, float]] = {"float": (-87.0, 88.7), "double": (-708.0, 709.7)}


def tanh(s: Scope, x: Value) -> Value:
    """The hyperbolic tangent; -0.0 kept."""
    inside = at_most(s, s.intrinsic("fabs", x), _TANH_IS_ONE[x.kind])
    e, bits = reduced_expm1(s, s.binary("fadd", inside, inside))
    scale, one = power_of_two(s, bits, x.kind), literal(s, x, 1.0)
    above = s.fma(scale, e, s.binary("fsub", scale, one))
    below = s.binary("fadd", above, literal(s, x, 2.0))
    return or_sign_of(s, s.binary("fdiv", above, below), x)


def sigmoid(s: Scope, x: Value) -> Value:
    """1 / (1 + exp(-x)); 0 where that would be denormal."""
    low, high = _RANGE[x.kind]
    e, bits = reduced_expm1(s, at_most(s, at_least(s, s.fneg(x), low), high))
    scale, one = power_of_two(s, bits, x.kind), literal(s, x, 1.0)
    return s.binary("fdiv", one, s.fma(scale, s.binary("fadd", e, one), one))


def softplus(s: Scope, x: Value) -> Value:
    """log(1 + exp(x)), without overflow."""
    low, zero = LIMITS[x.kind].low, s.zero(x.kind, x.lanes)
    minus = s.fneg(s.intrinsic("fabs", x))
    e, bits = reduced_expm1(s, at_least(s, minus, low))
    exponential = s.binary(
        "fmul", power_of_two(s, bits, x.kind), s.binary("fadd", e, literal(s, x, 1.0))
    )
    exponential = s.select(s.fcmp("olt", minus, literal(s, x, low)), zero, exponential)
    correction, _ = log1p_without_limits(s, exponential)
    return s.binary("fadd", at_least(s, x, 0.0), correction)
