"""What the functions of this package share: the layout of a float, polynomials, limits, signs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from clearprop.readings.llvm.ir import Scope, Value, bits_of

__all__ = [
    "FORMATS",
    "Format",
    "at_least",
    "at_most",
    "literal",
    "nearest",
    "or_sign_of",
    "polynomial",
    "power_of_two",
    "sign_bit",
]


@dataclass(frozen=True)
class Format:
    """An IEEE 754 format: bits of the fraction, the exponent's bias, smallest normal number."""

    fraction: int
    bias: int
    smallest: float

    @property
    def magic(self) -> float:
        """Adding 1.5 * 2**fraction rounds to a whole number, which the low bits then hold.

        In two's complement and without a conversion, whose result is poison out of range.
        """
        return 1.5 * 2.0**self.fraction

    @property
    def one(self) -> int:
        """The bits of 1.0."""
        return self.bias << self.fraction

    @property
    def sign(self) -> int:
        """The sign bit as the integer type writes it: its most negative number."""
        return -(2 * (self.bias + 1) << self.fraction)


FORMATS: Mapping[str, Format] = {
    "float": Format(23, 127, 2.0**-126),
    "double": Format(52, 1023, 2.0**-1022),
}


def literal(s: Scope, x: Value, value: float) -> Value:
    """A number of the type of x."""
    return s.number(value, x.kind, x.lanes)


def polynomial(s: Scope, x: Value, coefficients: Sequence[float]) -> Value:
    """c0 + c1 x + c2 x**2 + ... by Estrin's scheme: short chains of dependent instructions."""
    terms = [literal(s, x, c) for c in coefficients]
    while len(terms) > 1:
        pairs = zip(terms[::2], terms[1::2], strict=False)
        rest = terms[-1:] if len(terms) % 2 else []
        terms = [s.fma(x, high, low) for low, high in pairs] + rest
        if len(terms) > 1:
            x = s.binary("fmul", x, x)
    return terms[0]


def at_most(s: Scope, x: Value, limit: float) -> Value:
    """The smaller of x and a limit; NaN kept (one minps)."""
    bound = literal(s, x, limit)
    return s.select(s.fcmp("olt", bound, x), bound, x)


def at_least(s: Scope, x: Value, limit: float) -> Value:
    """The larger of x and a limit; NaN kept (one maxps)."""
    bound = literal(s, x, limit)
    return s.select(s.fcmp("olt", x, bound), bound, x)


def nearest(s: Scope, x: Value) -> tuple[Value, Value]:
    """x rounded to a whole number n, and bits whose low part is n; for |x| < 2**fraction / 2."""
    magic = literal(s, x, FORMATS[x.kind].magic)
    shifted = s.binary("fadd", x, magic)
    return s.binary("fsub", shifted, magic), s.bitcast(shifted, bits_of(x.kind))


def power_of_two(s: Scope, bits: Value, kind: str) -> Value:
    """2**n of the low bits n that `nearest` gives; infinity one step beyond the largest."""
    form = FORMATS[kind]
    shift = s.integer(form.fraction, bits.kind, bits.lanes)
    biased = s.binary("add", bits, s.integer(form.bias, bits.kind, bits.lanes))
    return s.bitcast(s.binary("shl", biased, shift), kind)


def sign_bit(s: Scope, x: Value) -> Value:
    """The sign bit of x alone, as an integer."""
    bits = s.bitcast(x, bits_of(x.kind))
    return s.binary("and", bits, s.integer(FORMATS[x.kind].sign, bits.kind, bits.lanes))


def or_sign_of(s: Scope, y: Value, x: Value) -> Value:
    """y, made negative where x is: for odd functions that lost the sign of -0.0."""
    bits = s.binary("or", s.bitcast(y, bits_of(y.kind)), sign_bit(s, x))
    return s.bitcast(bits, y.kind)
