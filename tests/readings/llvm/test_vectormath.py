"""The engine's vector functions: within their stated ulp, right at the edges, no call outside."""

import functools
import itertools
from collections.abc import Callable, Mapping
from typing import Any

import mpmath as mp
import numpy as np
import pytest
from numpy.typing import NDArray

from clearprop.readings.llvm.target import TARGETS
from clearprop.readings.llvm.vectormath import ULP, VECTOR_MATH
from clearprop.readings.reference import MEANING
from tests.readings.llvm.apply import Compiled, outside_calls, program, runnable

Array = NDArray[Any]
DTYPES = ("float32", "float64")
HERE = runnable()
EXACT = ("abs", "floor", "sign", "sqrt")
CURVES = tuple(name for name in VECTOR_MATH if name not in (*EXACT, "power"))
HALF_PI = np.pi / 2

# intervals in which points are drawn evenly, and places whose neighbours are all taken
INTERVALS: Mapping[str, list[tuple[float, float]]] = {
    "cos": [(-1e4, 1e4), (-7, 7), (-0.8, 0.8)],
    "erf": [(-6, 6), (-1.2, 1.2)],
    "exp": [(-88, 89), (-709, 710), (-1, 1)],
    "expm1": [(-45, 89), (-1, 710), (-1, 1)],
    "log": [(0.3, 3), (0, 1e6)],
    "log1p": [(-1, 3), (0, 1e6), (-0.3, 0.45)],
    "sigmoid": [(-88, 40), (-708, 40), (-1, 1)],
    "sin": [(-1e4, 1e4), (-7, 7), (-0.8, 0.8)],
    "softplus": [(-88, 40), (-708, 40), (-1, 1)],
    "tanh": [(-21, 21), (-1, 1)],
}
MULTIPLES = list(np.arange(-6366, 6367, 7) * HALF_PI)
EDGES: Mapping[str, list[float]] = {
    "cos": MULTIPLES,
    "erf": [1, 3.95, 5.95],
    "exp": [88.722839, -87.33654475, 709.782712893384, -708.3964185322641, 0.34657359],
    "expm1": [88.722839, 709.782712893384, -20, -40, 0.34657359, -0.34657359],
    "log": [1, 0.70710678, 1.41421356, 2.0**-126, 2.0**-1022, 3.4028235e38, 1.79e308],
    "log1p": [-1, -0.29289322, 0.41421356, -0.5, 1, 2.0**24, 2.0**53, 2.0**-126, 2.0**-1022],
    "sigmoid": [-87.33654475, -88.37626, -708.3964185322641, -709.4361393, 17, 37],
    "sin": MULTIPLES,
    "softplus": [-87.33654475, -708.3964185322641, 17, 37],
    "tanh": [10, 20, 9.01, 0.34657359, 0.17328679],
}
PRECISE: Mapping[str, Callable[[Any], Any]] = {
    "cos": mp.cos,
    "erf": mp.erf,
    "exp": mp.exp,
    "expm1": mp.expm1,
    "log": mp.log,
    "log1p": mp.log1p,
    "sigmoid": lambda x: 1 / (1 + mp.exp(-x)),
    "sin": mp.sin,
    "softplus": lambda x: mp.log1p(mp.exp(x)),
    "tanh": mp.tanh,
}


def points(name: str, dtype: str, count: int) -> Array:
    """Where a function is compared: the intervals, all sizes of numbers, and the edges."""
    random = np.random.default_rng(2)
    drawn = [random.uniform(low, high, count) for low, high in INTERVALS[name]]
    tiny = 10.0 ** random.uniform(-36, 0, count)
    with np.errstate(all="ignore"):  # double's edges are infinite as floats
        edges = np.array(EDGES[name], dtype)[:, None]
        edges = edges + np.arange(-4, 5, dtype=dtype) * np.spacing(edges)
        x = np.concatenate([*drawn, tiny, -tiny, edges.ravel()]).astype(dtype)
    low = 0 if name == "log" else -1 if name == "log1p" else -np.inf
    high = 1e4 if name in ("sin", "cos") else np.inf
    normal = np.abs(x) >= np.finfo(dtype).smallest_normal
    kept: Array = x[np.isfinite(x) & normal & (x > low) & (np.abs(x) <= high)]
    return kept


def spacing(value: Array, dtype: str) -> Array:
    """One unit in the last place of a value that lies in a dtype's normal range."""
    return np.exp2(np.frexp(value)[1] - 1.0 - np.finfo(dtype).nmant)


def hold(name: str, got: Array, high: Array, low: Array, *, scale: Array | float = 1.0) -> None:
    """Whether results are within the bound of high + low, the correct values in two doubles."""
    limits = np.finfo(got.dtype)
    size = np.abs(high)
    over, under = size > float(limits.max), size < float(limits.smallest_normal)
    near = size > float(limits.max) * (1 - float(limits.eps))
    assert np.all(np.isinf(got[over & ~near]))
    assert np.all(np.abs(got[under]) <= float(limits.smallest_normal))
    inside = ~over & ~under & ~near
    difference = (got[inside].astype(float) - high[inside]) - low[inside]
    error = np.abs(difference) / spacing(high[inside], str(got.dtype))
    bound = ULP[name][DTYPES.index(str(got.dtype))]
    worst = np.max(error / np.broadcast_to(scale, size.shape)[inside])
    assert worst <= bound, f"{worst:.3f} ulp"


def in_double(name: str, x: Array) -> Array:
    """The reference's values in double precision."""
    with np.errstate(all="ignore"):
        return np.asarray(MEANING[name](x.astype(float)))


@functools.cache
def precise(name: str) -> tuple[Array, Array, Array]:
    """Points in double precision, and the correct values there in two doubles."""
    x = points(name, "float64", 700)
    with mp.workprec(200):
        values = [PRECISE[name](mp.mpf(float(v))) for v in x]
        high = np.array([float(v) for v in values])
        pairs = zip(values, high, strict=True)
        low = np.array([float(v - mp.mpf(h)) if np.isfinite(h) else 0.0 for v, h in pairs])
    return x, high, low


def test_every_function_has_a_bound() -> None:
    assert ULP.keys() == VECTOR_MATH.keys()


@pytest.mark.parametrize("target", HERE)
@pytest.mark.parametrize("name", CURVES)
def test_float_functions_keep_their_bound(name: str, target: str) -> None:
    x = points(name, "float32", 60_000)
    lanes = HERE[target].lanes("float32")
    got = Compiled(VECTOR_MATH[name], "float32", lanes, HERE[target])(x)
    hold(name, got, in_double(name, x), np.zeros_like(x, float))


@pytest.mark.parametrize("target", HERE)
@pytest.mark.parametrize("name", CURVES)
def test_double_functions_keep_their_bound(name: str, target: str) -> None:
    x, high, low = precise(name)
    lanes = HERE[target].lanes("float64")
    hold(name, Compiled(VECTOR_MATH[name], "float64", lanes, HERE[target])(x), high, low)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CURVES)
def test_the_bound_holds_with_denormals_flushed(name: str, dtype: str) -> None:
    x, high, low = precise(name)
    if dtype == "float32":
        x = points(name, dtype, 20_000)
        high, low = in_double(name, x), np.zeros_like(x, float)
    lanes = HERE["host"].lanes(dtype)
    hold(name, Compiled(VECTOR_MATH[name], dtype, lanes, HERE["host"], flush=True)(x), high, low)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", CURVES)
def test_scalars_have_the_bits_of_vectors(name: str, dtype: str) -> None:
    x = points(name, dtype, 500)
    target = HERE["host"]
    vector = Compiled(VECTOR_MATH[name], dtype, target.lanes(dtype), target)(x)
    np.testing.assert_array_equal(Compiled(VECTOR_MATH[name], dtype, 0, target)(x), vector)


def nans(dtype: str) -> Array:
    """NaNs with many bit patterns: a payload must not leak into the exponent of a result."""
    bits = {"float32": "uint32", "float64": "uint64"}[dtype]
    quiet = np.array([np.nan], dtype).view(bits)[0]
    payloads = np.array([0, 1, 2, 3, 127, 128, 1023, 0x1FFFFF, 0x3FFFFF], bits) | quiet
    sign = payloads.dtype.type(1 << (payloads.dtype.itemsize * 8 - 1))
    return np.concatenate([payloads, payloads | sign]).view(dtype)


@pytest.mark.parametrize("target", HERE)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [n for n in VECTOR_MATH if n != "power"])
def test_nan_in_gives_nan_out(name: str, dtype: str, target: str) -> None:
    compiled = Compiled(VECTOR_MATH[name], dtype, HERE[target].lanes(dtype), HERE[target])
    assert np.all(np.isnan(compiled(nans(dtype))))


@pytest.mark.parametrize("target", HERE)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", [n for n in VECTOR_MATH if n != "power"])
def test_zeros_infinities_and_huge_numbers_are_numpys(name: str, dtype: str, target: str) -> None:
    huge = float(np.finfo(dtype).max)
    values = [0.0, 50, 1e-30, np.inf, *([] if name in ("sin", "cos") else [huge, huge / 2])]
    x = np.array([sign * value for value in values for sign in (1, -1)], dtype)
    got = Compiled(VECTOR_MATH[name], dtype, HERE[target].lanes(dtype), HERE[target])(x)
    with np.errstate(all="ignore"):
        expected = np.asarray(MEANING[name](x))
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=0)
    known = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(got[known]), np.signbit(expected[known]))


@pytest.mark.parametrize("target", HERE)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["sin", "cos"])
def test_sine_far_out_is_that_of_a_neighbour_or_at_least_bounded(
    name: str, dtype: str, target: str
) -> None:
    compiled = Compiled(VECTOR_MATH[name], dtype, HERE[target].lanes(dtype), HERE[target])
    sizes = {"float32": (1e4, 2.0**22), "float64": (1e4, 2.0**51)}[dtype]
    x = np.geomspace(*sizes, 3000).astype(dtype)
    error = np.abs(compiled(x) - np.asarray(MEANING[name](x.astype(float))))
    assert np.all(error <= 2 * np.spacing(x) + 4 * np.finfo(dtype).eps)
    farther = np.exp2(np.linspace(np.log2(sizes[1]), np.finfo(dtype).maxexp - 0.01, 3000))
    assert np.all(np.abs(compiled(farther.astype(dtype))) <= 1)


@pytest.mark.parametrize("target", HERE)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", EXACT)
def test_exact_functions_are_numpys_on_all_kinds_of_bits(
    name: str, dtype: str, target: str
) -> None:
    random = np.random.default_rng(4)
    bits = random.integers(0, 256, 80_000, dtype=np.uint8).view(dtype)
    parts = random.uniform(-20, 20, 5000)
    whole = np.arange(-5, 5, 0.5)
    edge = 2.0 ** np.array([22, 23, 24, 51, 52, 53])
    more = [parts, whole, edge - 1, edge - 0.5, -edge, 0.5 - edge]
    x = np.concatenate([bits[~np.isnan(bits)], np.concatenate(more).astype(dtype)])
    got = Compiled(VECTOR_MATH[name], dtype, HERE[target].lanes(dtype), HERE[target])(x)
    with np.errstate(all="ignore"):
        expected = MEANING[name](x)
    np.testing.assert_array_equal(got, expected)
    np.testing.assert_array_equal(np.signbit(got[x == 0]), np.signbit(expected[x == 0]))


@pytest.mark.parametrize("dtype", ["int32", "int64"])
def test_abs_of_integers_is_numpys(dtype: str) -> None:
    x = np.arange(-9, 9).astype(dtype)
    got = Compiled(VECTOR_MATH["abs"], dtype, HERE["host"].lanes(dtype), HERE["host"])(x)
    np.testing.assert_array_equal(got, np.abs(x))


@pytest.mark.parametrize("target", HERE)
@pytest.mark.parametrize("dtype", DTYPES)
def test_power_of_special_numbers_is_numpys(dtype: str, target: str) -> None:
    sizes = [0, np.inf, 1, 2, 3, 0.5, 1.5, 1e30, 2.0**52 + 1, 2.0**53 - 1, 2.0**54, 2.0**24 - 1]
    signed = [sign * size for size in (*sizes, 2.0**23 + 1) for sign in (1, -1)]
    pairs = itertools.product([*signed, np.nan], repeat=2)
    a, b = np.array(list(pairs), dtype).T.copy()
    got = Compiled(VECTOR_MATH["power"], dtype, HERE[target].lanes(dtype), HERE[target], 2)(a, b)
    with np.errstate(all="ignore"):
        expected = np.power(a, b)
    floor = float(np.finfo(dtype).smallest_normal)
    np.testing.assert_allclose(got, expected, rtol=1e-5, atol=floor)
    known = ~np.isnan(expected)
    np.testing.assert_array_equal(np.signbit(got[known]), np.signbit(expected[known]))


def powers(dtype: str, count: int) -> tuple[Array, Array]:
    """Bases and exponents: moderate, of all sizes, and bases near 1 with large exponents."""
    random = np.random.default_rng(5)
    uniform = random.uniform
    a = [uniform(0, 10, count), 10 ** uniform(-30, 30, count), uniform(0.99, 1.01, count)]
    b = [uniform(-10, 10, count), uniform(-9, 9, count), uniform(-1e4, 1e4, count)]
    return np.concatenate(a).astype(dtype), np.concatenate(b).astype(dtype)


@pytest.mark.parametrize("flush", [False, True])
@pytest.mark.parametrize("target", HERE)
def test_float_power_keeps_its_bound(target: str, flush: bool) -> None:
    a, b = powers("float32", 50_000)
    lanes, power = HERE[target].lanes("float32"), VECTOR_MATH["power"]
    got = Compiled(power, "float32", lanes, HERE[target], 2, flush)(a, b)
    with np.errstate(all="ignore"):
        expected = np.power(a.astype(float), b.astype(float))
    hold("power", got, expected, np.zeros_like(expected))


@functools.cache
def precise_powers() -> tuple[Array, Array, Array, Array, Array]:
    """Bases, exponents, the correct powers in two doubles, and 1 + |b log a|."""
    a, b = powers("float64", 700)
    with mp.workprec(200):
        values = [mp.power(mp.mpf(float(x)), mp.mpf(float(y))) for x, y in zip(a, b, strict=True)]
        high = np.array([float(v) for v in values])
        pairs = zip(values, high, strict=True)
        low = np.array([float(v - mp.mpf(h)) if np.isfinite(h) else 0.0 for v, h in pairs])
    return a, b, high, low, 1 + np.abs(b * np.log(a))


@pytest.mark.parametrize("target", HERE)
def test_double_power_keeps_its_bound(target: str) -> None:
    a, b, high, low, scale = precise_powers()
    lanes = HERE[target].lanes("float64")
    got = Compiled(VECTOR_MATH["power"], "float64", lanes, HERE[target], 2)(a, b)
    hold("power", got, high, low, scale=scale)


def test_whole_powers_of_two_are_exact() -> None:
    b = np.arange(-1022.0, 1024.0)
    power = Compiled(
        VECTOR_MATH["power"], "float64", HERE["host"].lanes("float64"), HERE["host"], 2
    )
    np.testing.assert_array_equal(power(np.full_like(b, 2.0), b), np.exp2(b))


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("name", VECTOR_MATH)
def test_no_function_calls_outside(name: str, target: str) -> None:
    made = TARGETS[target]
    arity = 2 if name == "power" else 1
    for dtype in DTYPES:
        for lanes in (0, made.lanes(dtype)):
            text = program(VECTOR_MATH[name], dtype, lanes, arity, made)
            assert outside_calls(text, made) == []


def test_a_call_outside_would_be_seen() -> None:
    target = TARGETS["x86-64"]
    for name in ("sin", "floor"):
        text = program(lambda s, x, name=name: s.intrinsic(name, x), "float32", 4, 1, target)
        assert len(outside_calls(text, target)) >= 1
