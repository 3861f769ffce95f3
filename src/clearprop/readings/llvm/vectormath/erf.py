"""erf: x + x P(x**2) for |x| < 1, else 1 - erfc(|x|) with erfc = 2**Q(|x| - 1).

log2(erfc) is so smooth that one polynomial does for all x up to where erf rounds to 1; its error
counts only as part of erfc, at most 0.16 of the result (ERF and ERFC of `scripts/polynomials`:
2**-29.6 for float, 2**-57.0 for double, absolute). Beyond, |x| stops at that place.

One quotient x P(x**2) / Q(x**2) for the whole range, with two thirds of the instructions, was tried
and dropped: with degrees 5 and 6 (float), 12 and 13 (double) it was off by up to 5.5 ulp.

Measured error: see `ULP`.
"""

from collections.abc import Mapping

from clearprop.readings.llvm.ir import Scope, Value
from clearprop.readings.llvm.vectormath.exponential import reduced_exp2
from clearprop.readings.llvm.vectormath.pieces import (
    at_most,
    literal,
    or_sign_of,
    polynomial,
    power_of_two,
)

__all__ = ["erf"]

_IS_ONE: Mapping[str, float] = {"float": 3.95, "double": 5.95}
_P: Mapping[str, tuple[float, ...]] = {
    "float": (
        0.12837916591404395482,
        -0.37612627137893461302,
        0.1128360019742778849,
        -0.026854445477276387461,
        0.0051895370154116445091,
        -0.00080208558352109405815,
        0.000078891667182098730321,
    ),
    "double": (
        0.12837916709551256679,
        -0.37612638903183546592,
        0.11283791670945252106,
        -0.026866170643276080634,
        0.0052239776074226020346,
        -0.00085483259896654671061,
        0.0001205529531981353617,
        -0.000014924744654410449933,
        1.6447517611446529707e-6,
        -1.6209175689256992722e-7,
        1.3722976364180704871e-8,
        -7.8011907556219245235e-10,
    ),
}
_Q: Mapping[str, tuple[float, ...]] = {
    "float": (
        -2.6684167062260302951,
        -3.8072243382175125166,
        -1.2163626452469515776,
        -0.059872827468170561749,
        0.014269524384368441573,
        -0.0026345848088533164034,
        0.00026772371329450047973,
    ),
    "double": (
        -2.6684166967815996559,
        -3.8072253458535859481,
        -1.2163466576872254944,
        -0.059959990014666297572,
        0.014475749826920327251,
        -0.0028535082747173665825,
        0.00034237524160734806857,
        0.000037937583978986680114,
        -0.000039239827217414737723,
        0.000013952851020494933202,
        -3.0757408758927481185e-6,
        2.9548176336962752222e-7,
        8.3692983608143348362e-8,
        -4.8173449666299964993e-8,
        1.2290014692529211235e-8,
        -1.9030688650047065716e-9,
        1.7215151802762085228e-10,
        -7.0187726972356047669e-12,
    ),
}


def erf(s: Scope, x: Value) -> Value:
    """The Gauss error function; -0.0 kept."""
    kind, one = x.kind, literal(s, x, 1.0)
    size = at_most(s, s.intrinsic("fabs", x), _IS_ONE[kind])
    small = s.fma(size, polynomial(s, s.binary("fmul", size, size), _P[kind]), size)
    exponent = polynomial(s, s.binary("fsub", size, one), _Q[kind])
    p, bits = reduced_exp2(s, exponent, short=kind == "float")
    large = s.fma(power_of_two(s, bits, kind), s.fneg(p), one)
    return or_sign_of(s, s.select(s.fcmp("olt", size, one), small, large), x)
