"""power: a**b = 2**(b log2|a|), with the sign and the special cases of C99 F.9.4.4 (and NumPy).

For float the inner steps run in double (half as many lanes), with polynomials just long enough for
a correctly rounded result in nearly all cases: log2 to 2**-45 (LOG2 short, in
s = f / (2 + f)), exp2 to 2**-28.9. For double, log2 is the logarithm's
fraction times 1 / ln 2 plus k, and an error e of it becomes b e in the exponent: the bound is
relative to 1 + |b log a|, as wide as what an ulp of a or b changes.

Powers of two with whole exponents are exact. Measured error: see `ULP`.
"""

from clearprop.readings.llvm.ir import Scope, Value, bits_of
from clearprop.readings.llvm.vectormath.exponential import reduced_exp2
from clearprop.readings.llvm.vectormath.logarithm import log1p_of_fraction, split
from clearprop.readings.llvm.vectormath.pieces import (
    FORMATS,
    at_least,
    at_most,
    literal,
    polynomial,
    power_of_two,
    sign_bit,
)

__all__ = ["power"]

_INFINITY = float("inf")
_LOG2_E = 1.4426950408889634
_LOG2 = (
    2.8853900817778491641,
    0.96179669411491293883,
    0.57707794189735887579,
    0.41220930074556654212,
    0.31990366707964395092,
    0.28292980971108527838,
)


def _log2_limits(s: Scope, y: Value, a: Value) -> Value:
    """y, and log2 of infinity, NaN and 0 (and denormals) for a that is not negative."""
    y = s.select(s.fcmp("olt", a, literal(s, a, _INFINITY)), y, a)
    pole = s.fcmp("olt", a, literal(s, a, FORMATS[a.kind].smallest))
    return s.select(pole, literal(s, a, -_INFINITY), y)


def _float_magnitude(s: Scope, a: Value, b: Value) -> Value:
    """|a|**b of floats by way of doubles; rounding to float gives infinity and 0 where due."""
    wide, exponent = s.convert("fpext", a, "double"), s.convert("fpext", b, "double")
    k, f, _ = split(s, wide)
    ratio = s.binary("fdiv", f, s.binary("fadd", f, literal(s, f, 2.0)))
    series = polynomial(s, s.binary("fmul", ratio, ratio), _LOG2)
    log2 = _log2_limits(s, s.fma(ratio, series, k), wide)
    z = s.binary("fmul", exponent, log2)
    z = at_most(s, at_least(s, z, -1000.0), 1000.0)
    p, bits = reduced_exp2(s, z, short=True)
    return s.convert("fptrunc", s.binary("fmul", p, power_of_two(s, bits, "double")), "float")


def _double_magnitude(s: Scope, a: Value, b: Value) -> Value:
    """|a|**b of doubles."""
    k, f, _ = split(s, a)
    fraction = log1p_of_fraction(s, s.zero(f.kind, f.lanes), f)
    z = s.binary("fmul", b, _log2_limits(s, s.fma(fraction, literal(s, a, _LOG2_E), k), a))
    p, bits = reduced_exp2(s, z, short=False)
    shift = s.integer(52, bits.kind, bits.lanes)
    y = s.binary("add", s.bitcast(p, bits.kind), s.binary("shl", bits, shift))
    beyond = s.binary("fadd", z, literal(s, z, _INFINITY))
    y = s.select(s.fcmp("olt", z, literal(s, z, 1024.0)), s.bitcast(y, "double"), beyond)
    return s.select(s.fcmp("olt", z, literal(s, z, -1022.0)), s.zero(z.kind, z.lanes), y)


def _distance_to_even(s: Scope, b: Value) -> Value:
    """Half the distance of b to the nearest even number: 0 for even, 1/2 for odd whole numbers."""
    whole = literal(s, b, 2.0 ** FORMATS[b.kind].fraction)
    half = s.binary("fmul", s.intrinsic("fabs", b), literal(s, b, 0.5))
    half = at_most(s, half, 2.0 ** FORMATS[b.kind].fraction)  # larger ones are even too
    rounded = s.binary("fsub", s.binary("fadd", half, whole), whole)
    return s.intrinsic("fabs", s.binary("fsub", half, rounded))


def _signed(s: Scope, y: Value, a: Value, b: Value) -> Value:
    """y with the sign of a power of a; NaN where a is negative, finite and b not whole."""
    distance = _distance_to_even(s, b)
    odd = s.fcmp("oeq", distance, literal(s, b, 0.5))
    even = s.fcmp("oeq", distance, s.zero(b.kind, b.lanes))
    bits = s.bitcast(y, bits_of(y.kind))
    flipped = s.bitcast(s.binary("xor", bits, sign_bit(s, a)), y.kind)
    whole = s.binary("or", odd, even)
    negative = s.binary(
        "and",
        s.fcmp("olt", a, s.zero(a.kind, a.lanes)),
        s.fcmp("olt", literal(s, a, -_INFINITY), a),
    )
    broken = s.binary("and", negative, s.binary("xor", whole, s.integer(1, "i1", a.lanes)))
    y = s.select(odd, flipped, y)
    return s.select(broken, literal(s, a, float("nan")), y)


def power(s: Scope, a: Value, b: Value) -> Value:
    """a**b; 1 where b is 0 or a is 1, even with NaN, as in NumPy."""
    magnitude, one = s.intrinsic("fabs", a), literal(s, a, 1.0)
    form = _float_magnitude if a.kind == "float" else _double_magnitude
    y = form(s, magnitude, b)
    y = s.select(s.fcmp("oeq", magnitude, one), one, y)  # also where b is infinite
    y = _signed(s, y, a, b)
    trivial = s.binary("or", s.fcmp("oeq", b, s.zero(b.kind, b.lanes)), s.fcmp("oeq", a, one))
    return s.select(trivial, one, y)
