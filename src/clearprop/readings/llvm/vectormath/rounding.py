"""abs, sign, floor and sqrt: a few instructions each, exact."""

from clearprop.readings.llvm.ir import Scope, Value, bits_of
from clearprop.readings.llvm.vectormath.pieces import FORMATS, literal, or_sign_of, sign_bit

__all__ = ["absolute", "floor", "sign", "sqrt"]


def absolute(s: Scope, x: Value) -> Value:
    """|x|; of signed integers too (the smallest stays as it is)."""
    if x.kind in ("float", "double"):
        return s.intrinsic("fabs", x)
    zero = s.zero(x.kind, x.lanes)
    return s.select(s.icmp("slt", x, zero), s.binary("sub", zero, x), x)


def sign(s: Scope, x: Value) -> Value:
    """-1, 0 or 1; NaN kept; of -0.0 it is 0.0, as in NumPy."""
    zero = s.zero(x.kind, x.lanes)
    rest = s.binary("fadd", x, zero)  # 0.0 of both zeros, NaN of NaN
    rest = s.select(s.fcmp("olt", x, zero), literal(s, x, -1.0), rest)
    return s.select(s.fcmp("olt", zero, x), literal(s, x, 1.0), rest)


def sqrt(s: Scope, x: Value) -> Value:
    """The square root, one instruction everywhere; NaN of negative numbers."""
    return s.intrinsic("sqrt", x)


def floor(s: Scope, x: Value) -> Value:
    """The largest whole number that is not above x; -0.0 kept.

    Baseline x86-64 has no instruction for it (and LLVM would call one from outside): there adding
    and subtracting 2**fraction rounds to nearest, and 1 is taken off where that went up.
    """
    if s.target.fma or "+sse4.1" in s.target.features:
        return s.intrinsic("floor", x)
    size = 2.0 ** FORMATS[x.kind].fraction
    bits = s.binary("or", s.bitcast(literal(s, x, size), bits_of(x.kind)), sign_bit(s, x))
    shift = s.bitcast(bits, x.kind)
    near = s.binary("fsub", s.binary("fadd", x, shift), shift)
    one = s.select(s.fcmp("olt", x, near), literal(s, x, 1.0), s.zero(x.kind, x.lanes))
    down = or_sign_of(s, s.binary("fsub", near, one), x)
    small = s.fcmp("olt", s.intrinsic("fabs", x), literal(s, x, size))
    return s.select(small, down, x)  # larger numbers are whole; NaN is kept
