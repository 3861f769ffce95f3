"""sin and cos: x = n pi/2 + r with |r| <= pi/4, then one of two polynomials by the quadrant of n.

pi/2 is subtracted in parts (Cody and Waite, "Software Manual for the Elementary Functions", 1980)
that are short enough that n times each but the last is exact for |x| <= 1e4; what the one
subtraction that rounds has lost goes into the last. So r keeps its relative precision even where x
is as near to a multiple of pi/2 as a number of that format can be, and nothing depends on a fused
multiply-add. The polynomials are r + r**3 S(r**2) and 1 - r**2/2 + r**4 C(r**2), from
`scripts/polynomials` (SIN: 2**-28.0 for float, 2**-58.0 for double; COS: 2**-33.3, 2**-64.2).

The bound of `ULP` holds for |x| <= 1e4. Beyond, the error is about what moving x by one ulp
changes, up to 2**22 (float) and 2**51 (double); farther out a result is only some number from -1 to
1. Infinity gives NaN. Measured error: see `ULP`.
"""

from collections.abc import Mapping

from clearprop.readings.llvm.ir import Scope, Value, bits_of
from clearprop.readings.llvm.vectormath.pieces import (
    FORMATS,
    at_least,
    at_most,
    literal,
    nearest,
    or_sign_of,
    polynomial,
)

__all__ = ["cos", "sin"]

_TWO_OVER_PI = 0.6366197723675814
_HALF_PI: Mapping[str, tuple[float, ...]] = {
    "float": (1.5703125, 0.0004837512969970703, 7.549533620476723e-08, 2.5633440682570896e-12),
    "double": (1.5707963267941523, 7.443547480480255e-13, 6.36831716351095e-25),
}
_SIN: Mapping[str, tuple[float, ...]] = {
    "float": (-0.16666654873868745307, 0.0083321735419518061081, -0.00019516654104248992089),
    "double": (
        -0.16666666666666631653,
        0.0083333333333223154823,
        -0.00019841269829725459489,
        2.7557313662135076446e-6,
        -2.5050753274777440246e-8,
        1.589650544180357504e-10,
    ),
}
_COS: Mapping[str, tuple[float, ...]] = {
    "float": (0.041666646747180670076, -0.0013887361413719065155, 0.00002443772564853416734),
    "double": (
        0.041666666666666598756,
        -0.0013888888888873991894,
        0.000024801587289395559342,
        -2.7557314326196893014e-7,
        2.0875719579781203123e-9,
        -1.1359449712950435315e-11,
    ),
}


def _reduce(s: Scope, x: Value) -> tuple[Value, Value]:
    """r, and bits whose low part is n."""
    *exact, before_last, last = _HALF_PI[x.kind]
    n, bits = nearest(s, s.binary("fmul", x, literal(s, x, _TWO_OVER_PI)))
    r = x
    for part in exact:
        r = s.fma(n, literal(s, x, -part), r)
    product = s.binary("fmul", n, literal(s, x, before_last))
    near = s.binary("fsub", r, product)
    excess = s.binary("fadd", s.binary("fsub", near, r), product)
    # nowhere 0.0 is added: a -0.0 stays
    r = s.binary("fsub", near, s.fma(n, literal(s, x, last), excess))
    return at_most(s, at_least(s, r, -0.8), 0.8), bits


def _of_quadrant(s: Scope, r: Value, quadrant: Value) -> Value:
    """sin(r + quadrant pi/2), the quadrant in the low two bits."""
    kind, lanes, form = quadrant.kind, quadrant.lanes, FORMATS[r.kind]
    square, one = s.binary("fmul", r, r), literal(s, r, 1.0)
    sine = s.fma(s.binary("fmul", square, r), polynomial(s, square, _SIN[r.kind]), r)
    sine = or_sign_of(s, sine, r)  # the sum turned -0.0 into 0.0
    inside = s.fma(square, polynomial(s, square, _COS[r.kind]), literal(s, r, -0.5))
    cosine = s.fma(square, inside, one)
    odd = s.binary("and", quadrant, s.integer(1, kind, lanes))
    y = s.select(s.icmp("eq", odd, s.zero(kind, lanes)), sine, cosine)
    place = s.integer(form.sign.bit_length() - 2, kind, lanes)  # bit 1 becomes the sign bit
    second = s.binary("and", quadrant, s.integer(2, kind, lanes))
    flipped = s.binary("xor", s.bitcast(y, bits_of(y.kind)), s.binary("shl", second, place))
    return s.bitcast(flipped, y.kind)


def sin(s: Scope, x: Value) -> Value:
    """The sine of x in radians; -0.0 kept."""
    r, bits = _reduce(s, x)
    return _of_quadrant(s, r, bits)


def cos(s: Scope, x: Value) -> Value:
    """The cosine of x in radians."""
    r, bits = _reduce(s, x)
    return _of_quadrant(s, r, s.binary("add", bits, s.integer(1, bits.kind, bits.lanes)))
