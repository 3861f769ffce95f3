"""exp and expm1: x = n ln 2 + r, exp(x) = 2**n exp(r), a polynomial for |r| <= ln(2) / 2.

n is found by adding a magic number, whose low bits then are n; they go into the exponent of the
result without a conversion. ln 2 is subtracted in two parts, the first short enough that n times
it is exact (Cody and Waite, "Software Manual for the Elementary Functions", 1980), so that nothing
depends on a fused multiply-add. The polynomial is expm1(r) = r + r**2 q(r), q from
`scripts/polynomials` (EXP: 2**-26.1 of expm1 for float, 2**-55.5 for double).
2**r, for erf and power, is 1 + r p(r) (EXP2: 2**-28.9 short, 2**-58.0).

Beyond the range of the result: infinity above, 0 below, where the result would be denormal.
Measured error: see `ULP`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from clearprop.readings.llvm.ir import Scope, Value, bits_of
from clearprop.readings.llvm.vectormath.pieces import (
    FORMATS,
    at_least,
    literal,
    nearest,
    or_sign_of,
    polynomial,
    power_of_two,
)

__all__ = ["LIMITS", "Limits", "exp", "expm1", "reduced_exp2", "reduced_expm1"]


@dataclass(frozen=True)
class Limits:
    """Where exp leaves the normal numbers, below which expm1 is -1, and ln 2 in two parts."""

    high: float
    low: float
    minus_one: float
    ln2_high: float
    ln2_low: float


LIMITS: Mapping[str, Limits] = {
    "float": Limits(88.72283172607422, -87.33654475, -20.0, 0.693359375, -2.12194440054690583e-4),
    "double": Limits(
        709.782712893384,
        -708.3964185322641,
        -40.0,
        6.93147180369123816490e-01,
        1.90821492927058770002e-10,
    ),
}
_LOG2_E = 1.4426950408889634
_Q: Mapping[str, tuple[float, ...]] = {
    "float": (
        0.50000000613024421628,
        0.16666543174804879537,
        0.041666282352026495062,
        0.0083665842435574276174,
        0.0013946478436010988356,
    ),
    "double": (
        0.50000000000000049277,
        0.16666666666666685068,
        0.041666666666578387119,
        0.00833333333331508445,
        0.0013888888931249963962,
        0.00019841269902122511692,
        0.000024801505496617912974,
        2.7557228655070797551e-6,
        2.7625990799380036667e-7,
        2.5114279480260405797e-8,
    ),
}

_EXP2_SHORT = (
    0.69314720574177333879,
    0.24022651340236493236,
    0.055503284404093650928,
    0.0096180044814778878153,
    0.00134000840953621919,
    0.00015476154481187341071,
)
_EXP2 = (
    0.69314718055994530809,
    0.24022650695910132114,
    0.055504108664821739035,
    0.00961812910759369154,
    0.0013333558146379483939,
    0.00015403530457694418008,
    0.000015252733867215232795,
    1.321543498546384109e-6,
    1.0178046570618528097e-7,
    7.0738341995185016301e-9,
    4.457373398040327395e-10,
)


def reduced_expm1(s: Scope, x: Value) -> tuple[Value, Value]:
    """expm1(r) and the bits that hold n, where x = n ln 2 + r."""
    limits = LIMITS[x.kind]
    n, bits = nearest(s, s.binary("fmul", x, literal(s, x, _LOG2_E)))
    r = s.fma(n, literal(s, x, -limits.ln2_high), x)
    r = s.fma(n, literal(s, x, -limits.ln2_low), r)
    return s.fma(s.binary("fmul", r, r), polynomial(s, r, _Q[x.kind]), r), bits


def reduced_exp2(s: Scope, x: Value, short: bool) -> tuple[Value, Value]:
    """2**r, and the bits that hold n, where x = n + r; `short`: precise to float's needs."""
    n, bits = nearest(s, x)
    r = s.binary("fsub", x, n)
    return s.fma(r, polynomial(s, r, _EXP2_SHORT if short else _EXP2), literal(s, r, 1.0)), bits


def exp(s: Scope, x: Value) -> Value:
    """e**x."""
    form, limits = FORMATS[x.kind], LIMITS[x.kind]
    e, bits = reduced_expm1(s, x)
    p = s.bitcast(s.binary("fadd", e, literal(s, x, 1.0)), bits_of(x.kind))
    # n is added to the exponent of p, not multiplied: 2**128 p is finite for p < 1, 2**128 is not
    shift = s.integer(form.fraction, bits.kind, bits.lanes)
    y = s.bitcast(s.binary("add", p, s.binary("shl", bits, shift)), x.kind)
    beyond = s.binary("fadd", x, literal(s, x, float("inf")))  # infinity, or the NaN that x is
    y = s.select(s.fcmp("ole", x, literal(s, x, limits.high)), y, beyond)
    return s.select(s.fcmp("olt", x, literal(s, x, limits.low)), s.zero(x.kind, x.lanes), y)


def expm1(s: Scope, x: Value) -> Value:
    """e**x - 1 as 2 (h expm1(r) + (h - 1/2)), h = 2**(n-1): no early overflow; -0.0 kept."""
    limits = LIMITS[x.kind]
    e, bits = reduced_expm1(s, at_least(s, x, limits.minus_one))
    less = s.binary("sub", bits, s.integer(1, bits.kind, bits.lanes))
    half = power_of_two(s, less, x.kind)
    y = s.fma(half, e, s.binary("fsub", half, literal(s, x, 0.5)))
    y = or_sign_of(s, s.binary("fadd", y, y), x)
    beyond = s.binary("fadd", x, literal(s, x, float("inf")))
    return s.select(s.fcmp("ole", x, literal(s, x, limits.high)), y, beyond)
