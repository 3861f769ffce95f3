"""log and log1p: x = 2**k (1 + f) with 1 + f from sqrt(1/2) to sqrt(2), log x = k ln 2 + log1p(f).

The reduction on the bits is fdlibm's (e_log.c, Sun 1993) in the form that needs no test: subtract
the bits of sqrt(1/2), and the exponent field is k, the rest is the fraction. k becomes a float by
way of its bits; ln 2 is added in two parts, the first short, so that k times it is exact. For float
log1p(f) = f - f**2/2 + f**3 P(f) (LOG float: 2**-27.3 relative); for double it is fdlibm's form in
s = f / (2 + f), f - (f**2/2 - s (f**2/2 + z R(z))), z = s**2 (LOG double: 2**-58.4).

log1p adds to f what 1 + x lost in rounding (TwoSum: Knuth, TAOCP 2, 4.2.2), scaled by 2**-k: where
k is 0, f is then x itself.

0, and denormals, give -infinity, negative numbers NaN. Measured error: see `ULP`.
"""

from collections.abc import Mapping

from clearprop.readings.llvm.ir import Scope, Value, bits_of
from clearprop.readings.llvm.vectormath.exponential import LIMITS
from clearprop.readings.llvm.vectormath.pieces import FORMATS, literal, or_sign_of, polynomial

__all__ = ["log", "log1p", "log1p_of_fraction", "log1p_without_limits", "split"]

SQRT_HALF_BITS: Mapping[str, int] = {"float": 0x3F3504F3, "double": 0x3FE6A09E667F3BCD}
_P = (
    0.33333331718263781187,
    -0.25000820974367971292,
    0.20001226121932390132,
    -0.16623358056959371359,
    0.14201775059290023619,
    -0.13160197785566491398,
    0.12761467717535694778,
    -0.076343134295697094861,
)
_R = (
    0.66666666666667348947,
    0.39999999999411101136,
    0.28571428743260380407,
    0.22222198476239255526,
    0.18183569726044729127,
    0.15313903612657063616,
    0.14797503919445909572,
)


def split(s: Scope, x: Value) -> tuple[Value, Value, Value]:
    """k and f as floats, and 2**(1-k), for a positive normal x = 2**k (1 + f)."""
    form, kind, lanes = FORMATS[x.kind], bits_of(x.kind), x.lanes
    root = SQRT_HALF_BITS[x.kind]
    bits = s.binary("add", s.bitcast(x, kind), s.integer(form.one - root, kind, lanes))
    shift = s.integer(form.fraction, kind, lanes)
    biased = s.binary("lshr", bits, shift)
    # k + bias in the low bits of 2**fraction: exact, and no conversion of 64 bits on AVX2
    whole = 2.0**form.fraction
    held = s.integer((form.fraction + form.bias) << form.fraction, kind, lanes)
    k = s.binary(
        "fsub",
        s.bitcast(s.binary("or", biased, held), x.kind),
        literal(s, x, whole + form.bias),
    )
    field = s.binary("and", bits, s.integer((1 << form.fraction) - 1, kind, lanes))
    m = s.bitcast(s.binary("add", field, s.integer(root, kind, lanes)), x.kind)
    f = s.binary("fsub", m, literal(s, x, 1.0))
    exponent = s.binary("sub", bits, field)
    twice = 2 * form.one + (1 << form.fraction)  # 2**-k itself would be negative at the largest k
    inverse = s.binary("sub", s.integer(twice, kind, lanes), exponent)
    return k, f, s.bitcast(inverse, x.kind)


def _float_tail(s: Scope, f: Value) -> Value:
    """log1p(f) - f = f**2 (f P(f) - 1/2)."""
    inside = s.fma(f, polynomial(s, f, _P), literal(s, f, -0.5))
    return s.binary("fmul", s.binary("fmul", f, f), inside)


def _double_tail(s: Scope, f: Value) -> tuple[Value, Value]:
    """f**2/2 and s (f**2/2 + z R(z)), whose difference is f - log1p(f)."""
    ratio = s.binary("fdiv", f, s.binary("fadd", f, literal(s, f, 2.0)))
    z = s.binary("fmul", ratio, ratio)
    half = s.binary("fmul", s.binary("fmul", f, literal(s, f, 0.5)), f)
    inside = s.fma(z, polynomial(s, z, _R), half)
    return half, s.binary("fmul", ratio, inside)


def log1p_of_fraction(s: Scope, k: Value, f: Value) -> Value:
    """k ln 2 + log1p(f), the small terms first."""
    limits = LIMITS[f.kind]
    low = literal(s, f, limits.ln2_low)
    if f.kind == "float":
        small = s.fma(k, low, _float_tail(s, f))
    else:
        half, tail = _double_tail(s, f)
        small = s.binary("fsub", s.fma(k, low, tail), half)
    return s.fma(k, literal(s, f, limits.ln2_high), s.binary("fadd", f, small))


def _limits(s: Scope, y: Value, x: Value) -> Value:
    """y, and what log gives at infinity, NaN, 0 and below."""
    y = s.select(s.fcmp("olt", x, literal(s, x, float("inf"))), y, x)
    negative = s.fcmp("olt", x, s.zero(x.kind, x.lanes))
    pole = s.select(negative, literal(s, x, float("nan")), literal(s, x, float("-inf")))
    return s.select(s.fcmp("olt", x, literal(s, x, FORMATS[x.kind].smallest)), pole, y)


def log(s: Scope, x: Value) -> Value:
    """The natural logarithm."""
    k, f, _ = split(s, x)
    return _limits(s, log1p_of_fraction(s, k, f), x)


def log1p_without_limits(s: Scope, x: Value) -> tuple[Value, Value]:
    """log(1 + x), and 1 + x, for finite x > -1; NaN kept."""
    one = literal(s, x, 1.0)
    u = s.binary("fadd", x, one)
    b = s.binary("fsub", u, one)
    lost = s.binary("fadd", s.binary("fsub", one, s.binary("fsub", u, b)), s.binary("fsub", x, b))
    k, f, twice_inverse = split(s, u)
    # scaled up before it is halved: half of a smallest x would be denormal
    twice = s.binary("fmul", lost, twice_inverse)
    return log1p_of_fraction(s, k, s.fma(twice, literal(s, x, 0.5), f)), u


def log1p(s: Scope, x: Value) -> Value:
    """log(1 + x), precise near 0; -0.0 kept."""
    y, u = log1p_without_limits(s, x)
    return _limits(s, or_sign_of(s, y, x), u)
