"""The corpus: named graphs with sample values, which every reading and transform runs through.

Sizes are odd on purpose (1, 3, 7, 10, 17, 33, 100: below, between and above vectors and tiles), and
the number of rows is symbolic in about half of the cases.
"""

import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clearprop.nodes import ROWS, Dim, Graph, Node, Rows, build
from clearprop.nodes.shapes import bind
from clearprop.nodes.walk import order
from clearprop.transform.differentiate import gradients

__all__ = ["CASES", "Case", "case", "sample"]

Array = NDArray[Any]
Draw = Callable[[np.random.Generator, tuple[int, ...]], Array]
Shape = tuple[Dim, ...]

FLOATS = ("float32", "float64")
SHAPES: tuple[Shape, ...] = ((), (1,), (7,), (33,), (100,), (3, 10), (ROWS,), (ROWS, 17))
FEW: tuple[Shape, ...] = ((), (10,), (ROWS, 3))
SPECIALS = (0.0, -0.0, 1e-30, -1e-30, 50.0, -50.0, 1e4, -1e4, np.inf, -np.inf, np.nan, 0.5, -2.5)


# --- what values an input is given -------------------------------------------------------------


def normal(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.normal(size=shape)


def positive(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.uniform(0.1, 5.0, shape)


def wide(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.uniform(-20.0, 20.0, shape)


def specials(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return np.resize(np.array(SPECIALS), shape)


def ties(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.integers(-2, 3, shape).astype(np.float64)


def below(bound: int) -> Draw:
    return lambda rng, shape: rng.integers(0, bound, shape)


def whole(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.integers(-50, 50, shape)


def truth(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.integers(0, 2, shape)


def one_hot_rows(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return np.eye(shape[-1])[rng.integers(0, shape[-1], shape[:-1])]


_DEFAULTS: dict[str, Draw] = {
    "float32": normal,
    "float64": normal,
    "bool": truth,
    "uint32": below(99),
}


@dataclass(frozen=True)
class Case:
    """A graph, the values to run it with, and a name that says what it is."""

    name: str
    graph: Graph
    values: dict[str, Array] = field(repr=False)

    def __str__(self) -> str:
        return self.name


def sample(
    graph: Graph, seed: int, rows: int, draws: dict[str, Draw] | None = None
) -> dict[str, Array]:
    """Values for the graph's inputs, the same for the same seed."""
    rng = np.random.default_rng(seed)
    values = {}
    for here in graph.inputs:
        draw = (draws or {}).get(here["name"]) or _DEFAULTS.get(here.dtype, whole)
        values[here["name"]] = np.asarray(draw(rng, bind(here.shape, rows))).astype(here.dtype)
    return values


def case(name: str, outputs: Node | Sequence[Node], rows: int = 5, **draws: Draw) -> Case:
    """The case of these outputs; its inputs are all that they need, in the order met."""
    listed = [outputs] if isinstance(outputs, Node) else list(outputs)
    inputs = tuple(n for n in order(listed) if n.op == "input")
    graph = Graph(inputs, tuple(listed))
    return Case(name, graph, sample(graph, zlib.crc32(name.encode()), rows, draws))


def label(shape: Sequence[Dim]) -> str:
    """The shape as part of a name: ``rows-17``, ``scalar``."""
    return "-".join(str(d) for d in shape) or "scalar"


# --- elementwise -------------------------------------------------------------------------------

ONE: dict[str, tuple[Callable[..., Node], Draw]] = {
    "neg": (build.neg, normal), "abs": (build.abs, normal), "sign": (build.sign, ties),
    "floor": (build.floor, wide), "exp": (build.exp, wide), "expm1": (build.expm1, normal),
    "log": (build.log, positive), "log1p": (build.log1p, positive), "sqrt": (build.sqrt, positive),
    "sin": (build.sin, wide), "cos": (build.cos, wide), "tanh": (build.tanh, normal),
    "sigmoid": (build.sigmoid, wide), "softplus": (build.softplus, wide),
    "erf": (build.erf, normal), "stop_gradient": (build.stop_gradient, normal),
    "relu": (build.relu, ties), "isnan": (build.isnan, specials), "square": (build.square, normal),
}  # fmt: skip

TWO: dict[str, tuple[Callable[..., Node], Draw, Draw]] = {
    "add": (build.add, normal, normal), "sub": (build.sub, normal, normal),
    "mul": (build.mul, normal, normal), "div": (build.div, normal, positive),
    "power": (build.power, positive, normal), "less": (build.less, ties, ties),
    "less_equal": (build.less_equal, ties, ties), "equal": (build.equal, ties, ties),
    "maximum": (build.maximum, ties, ties), "minimum": (build.minimum, ties, ties),
}  # fmt: skip


def elementwise() -> Iterator[Case]:
    for dtype, shapes in zip(FLOATS, (SHAPES, FEW), strict=True):
        for shape in shapes:
            x, y = build.input("x", shape, dtype), build.input("y", shape, dtype)
            end = f"{label(shape)} {dtype}"
            for op, (one, draw) in ONE.items():
                yield case(f"{op} {end}", one(x), x=draw)
            for op, (two, first, second) in TWO.items():
                yield case(f"{op} {end}", two(x, y), x=first, y=second)
            c = build.input("c", shape, "bool")
            yield case(f"where {end}", build.where(c, x, y))
        x = build.input("x", (len(SPECIALS),), dtype)
        for op, (one, _) in ONE.items():
            yield case(f"{op} specials {dtype}", one(x), x=specials)
        y = build.input("y", (len(SPECIALS), 1), dtype)
        for op, (two, _, _) in TWO.items():
            if op != "power":  # its corners are the C library's affair
                yield case(f"{op} specials {dtype}", two(x, y), x=specials, y=specials)


def logic() -> Iterator[Case]:
    for shape in (*FEW, (33,)):
        p, q = build.input("p", shape, "bool"), build.input("q", shape, "bool")
        for op in (build.logical_and, build.logical_or, build.equal):
            yield case(f"{op.__name__} bool {label(shape)}", op(p, q))
        yield case(f"logical_not bool {label(shape)}", build.logical_not(p))
        yield case(f"where of bools {label(shape)}", build.where(p, q, build.logical_not(q)))


def integers() -> Iterator[Case]:
    for dtype in ("int32", "int64", "uint32"):
        for shape in ((), (17,), (ROWS, 3)):
            i, j = build.input("i", shape, dtype), build.input("j", shape, dtype)
            end = f"{dtype} {label(shape)}"
            outputs = [i + j, i - j, i * j, build.neg(i), build.abs(i), i < j, build.equal(i, j)]
            yield case(f"arithmetic {end}", outputs)
            if shape:
                yield case(f"sum and max {end}", [build.sum(i), build.max(i), build.sum(j, -1)])


def casts() -> Iterator[Case]:
    kinds = ("float32", "float64", "int32", "int64", "uint32", "bool")
    for here in kinds:
        x = build.input("x", (17,), here)
        draws = {"x": below(40)} if here not in FLOATS else {"x": positive}
        for there in kinds:
            if there != here:
                yield case(f"cast {here} to {there}", build.cast(x, there), **draws)
    x = build.input("x", (ROWS, 3))
    yield case("cast cuts toward zero", build.cast(x * 10, "int32"), x=wide)


# --- reductions and products -------------------------------------------------------------------


def reductions() -> Iterator[Case]:
    shapes: tuple[Shape, ...] = (
        (1,),
        (7,),
        (100,),
        (3, 17),
        (33, 10),
        (4, 5, 6),
        (ROWS,),
        (ROWS, 10),
    )
    for dtype, chosen in zip(FLOATS, (shapes, shapes[3:6]), strict=True):
        for shape in (*chosen, (ROWS, 3, 7)):
            x = build.input("x", shape, dtype)
            end = f"{label(shape)} {dtype}"
            axes: list[int | tuple[int, ...] | None] = [None, *range(len(shape))]
            if len(shape) == 3:
                axes += [(0, 1), (0, 2), (1, 2)]
            for axis in axes:
                yield case(f"sum over {axis} of {end}", build.sum(x, axis))
                yield case(f"max over {axis} of {end}", build.max(x, axis), x=ties)
                yield case(f"mean over {axis} of {end}", build.mean(x, axis, keepdims=True))
            for place in range(len(shape)):
                yield case(f"argmax over {place} of {end}", build.argmax(x, place), x=ties)
    x = build.input("x", (len(SPECIALS), 3))
    for name, op in (("max", build.max), ("argmax", build.argmax)):
        yield case(f"{name} keeps NaN", [op(x, 0), op(x, 1)], x=specials)
    row = build.input("x", (1, 7))
    yield case(
        "what follows the argmax of one row", build.cast(build.argmax(row, 1), "float32") * 2
    )
    large = build.input("large", (4, 9), "uint32")
    outputs = [
        build.max(large),
        build.max(large, 0),
        build.argmax(large, 1),
        large < build.flip(large),
    ]
    yield case("uint32 beyond the reach of int32", outputs, large=below(2**32))
    long = build.input("x", (ROWS, 3))
    yield case("sum over many rows", [build.sum(long, 0), build.sum(long)], rows=1000)
    yield case("a reduction of arithmetic", build.sum(build.exp(long) * long, 1), rows=33)
    empty = build.input("x", (0, 3))
    yield case("sum over nothing", [build.sum(empty, 0), build.sum(empty)])


def products() -> Iterator[Case]:
    sizes = ((1, 1, 1), (3, 4, 1), (2, 3, 5), (6, 16, 16), (7, 17, 33), (13, 1, 9), (37, 53, 29))
    for dtype in FLOATS:
        for rows, inner, columns in (*sizes, (100, 64, 100)):
            a = build.input("a", (rows, inner), dtype)
            b = build.input("b", (inner, columns), dtype)
            yield case(f"product {rows}x{inner}x{columns} {dtype}", a @ b)
        at, bt = build.input("a", (33, 20), dtype), build.input("b", (41, 33), dtype)
        yield case(f"product of transposes {dtype}", build.transpose(at) @ build.transpose(bt))
        x, w = build.input("x", (ROWS, 17), dtype), build.input("w", (17, 10), dtype)
        c = build.input("c", (10,), dtype)
        for rows in (1, 5, 33, 100):
            y = build.relu(x @ w + c)
            yield case(f"dense of {rows} rows {dtype}", y, rows=rows)
        g = build.input("g", (ROWS, 10), dtype)
        yield case(f"sum over rows as a product {dtype}", build.transpose(x) @ g, rows=37)
        yield case(f"input gradient as a product {dtype}", g @ build.transpose(w), rows=37)
        q, k = build.input("q", (ROWS, 2, 7, 5), dtype), build.input("k", (ROWS, 2, 7, 5), dtype)
        yield case(f"batched product {dtype}", q @ build.swapaxes(k, -1, -2))
        v = build.input("v", (17,), dtype)
        yield case(f"matrix by vector {dtype}", [x @ v, v @ w, build.matmul(v, v)])
        p, r = build.input("p", (3, 4, 5), dtype), build.input("r", (5, 6), dtype)
        yield case(f"product with leading axes {dtype}", p @ r)
    none = build.input("x", (3, 0))
    yield case("a product over nothing", none @ build.input("w", (0, 4)))


# --- movement and selection --------------------------------------------------------------------


def movement() -> Iterator[Case]:
    for dtype in ("float32", "float64", "int32", "bool"):
        x, r = build.input("x", (3, 4, 5), dtype), build.input("r", (ROWS, 4, 6), dtype)
        yield case(f"reshape {dtype}", [build.reshape(x, (12, 5)), build.reshape(r, (ROWS, -1))])
        yield case(f"rows merged with an axis {dtype}", build.reshape(r, (Rows(4), 6)))
        yield case(f"transpose {dtype}", [build.transpose(x, p) for p in ((2, 1, 0), (1, 0, 2))])
        yield case(f"transpose behind rows {dtype}", build.transpose(r, (0, 2, 1)))
        yield case(f"rows moved to the end {dtype}", build.transpose(r, (1, 2, 0)))
        yield case(f"slice {dtype}", [build.slice(x, 1, 1, 4, 2), build.slice(r, -1, 2, 6)])
        yield case(f"slice to nothing {dtype}", build.slice(x, 0, 1, 1))
        yield case(
            f"pad {dtype}", [build.pad(x, (1, 0, 2), (0, 3, 1)), build.pad(r, (0, 1, 0), (0, 0, 2))]
        )
        yield case(f"concatenate {dtype}", build.concatenate([x, build.slice(x, 1, 0, 3), x], 1))
        yield case(f"concatenate behind rows {dtype}", build.concatenate([r, r], 2))
        yield case(f"stack {dtype}", build.stack([x, x], 1))
        yield case(f"flip {dtype}", [build.flip(x), build.flip(x, 1), build.flip(r, (1, 2))])
        one = build.input("one", (4, 1), dtype)
        yield case(f"broadcast {dtype}", [build.broadcast_to(one, s) for s in ((4, 9), (2, 4, 3))])
        scalar = build.input("scalar", (), dtype)
        yield case(f"broadcast to rows {dtype}", [build.broadcast_to(scalar, (ROWS, 3)), r])
    r = -build.input("r", (ROWS, 3))
    behind = build.transpose(r)
    yield case("rows first and rows last in one graph", [r, behind, -behind])
    ones = [build.reshape(r, (1, ROWS, 3)), build.reshape(behind, (3, 1, ROWS))]
    yield case("an axis of one before the rows", [r, behind, *ones])
    pairs = build.reshape(build.tanh(build.input("r", (ROWS, 4))), (Rows(2), 2))
    yield case("rows split behind an axis of one", build.reshape(pairs * 2, (1, ROWS, 2, 2)))
    x = build.input("x", (3, 4))
    for width in (2, 4, 8, 16):  # a whole vector of one target or another
        y = build.tanh(build.input("x", (ROWS, width)))
        turned = build.concatenate([build.slice(y, 1, 1, width), build.slice(y, 1, 0, 1)], 1)
        padded = build.pad(build.slice(y, 1, 0, width - 1), (0, 1), (0, 0))
        outputs = [build.sum(turned, 1), build.sum(padded * y, 1), turned]
        yield case(f"pieces of a row of {width}", outputs)
    yield case("outer sum by broadcasting", build.expand_dims(x, 1) + build.expand_dims(x, 0))
    yield case("an output that is an input", [x, x + 1])
    yield case("the same output twice", [x * 2, x * 2])
    yield case(
        "sum of a transpose of a slice", build.sum(build.transpose(build.slice(x, 1, 0, 3)), 0)
    )


def selection() -> Iterator[Case]:
    for dtype, kind in (("float32", "int32"), ("float64", "int64")):
        table = build.input("table", (11, 5), dtype)
        for shape in ((), (7,), (2, 3), (ROWS,), (ROWS, 3)):
            i = build.input("i", shape, kind)
            end = f"{label(shape)} {dtype}"
            yield case(f"gather {end}", build.gather(table, i), i=below(11))
            updates = build.input("u", (*shape, 5), dtype)
            yield case(f"scatter_add {end}", build.scatter_add(updates, i, 11), i=below(4))
            yield case(f"one_hot {end}", build.one_hot(i, 7, dtype), i=below(9))
        i = build.input("i", (3,), kind)
        yield case(f"take along an axis {dtype}", build.take(table, i, 1), i=below(5))
        vector = build.input("v", (11,), dtype)
        yield case(f"gather of a vector {dtype}", build.gather(vector, i), i=below(11))


def leaves() -> Iterator[Case]:
    for dtype in ("float32", "float64", "int32", "int64"):
        outputs = [
            build.iota((7,), 0, dtype),
            build.iota((3, 5), 0, dtype),
            build.iota((3, 5), 1, dtype),
        ]
        yield case(f"iota {dtype}", outputs)
        yield case(f"constants {dtype}", [build.full((2, 3), 7, dtype), build.constant(-3, dtype)])
    x = build.input("x", (ROWS, 3))
    yield case("iota of rows", [build.iota((ROWS, 3), 0) + build.cast(x * 0, "int32")])
    yield case(
        "constants that are not finite", [build.full((3,), v) for v in (np.inf, -np.inf, np.nan)]
    )
    seed, step = build.input("seed", (), "uint32"), build.input("step", (), "uint32")
    for shape in ((), (7,), (33, 3)):
        yield case(f"random bits {label(shape)}", build.random_bits(seed, step, shape, "0.noise"))
    bits = [build.random_bits(seed, step, (ROWS, 3), s) for s in ("0.noise", "1.noise")]
    yield case("random bits of rows, two streams", [*bits, x], rows=33)
    for dtype in FLOATS:
        y = build.input("y", (ROWS, 10), dtype)
        uniform = build.random_uniform(seed, step, y.shape, "2.drop", dtype)
        rate = build.input("rate", (), dtype)
        kept = build.where(uniform < rate, y * 0, y / (1 - rate))
        yield case(f"dropout {dtype}", kept, rate=lambda rng, shape: np.full(shape, 0.3))


# --- compositions ------------------------------------------------------------------------------


def compositions() -> Iterator[Case]:
    for dtype in FLOATS:
        x = build.input("x", (ROWS, 10), dtype)
        for name, op in (("softmax", build.softmax), ("log_softmax", build.log_softmax)):
            yield case(f"{name} {dtype}", op(x))
            yield case(f"{name} of large logits {dtype}", op(x * 20), x=wide)
        yield case(f"logsumexp {dtype}", [build.logsumexp(x), build.logsumexp(x, None)])
        centred = x - build.mean(x, -1, keepdims=True)
        variance = build.mean(centred * centred, -1, keepdims=True)
        scale, shift = build.input("scale", (10,), dtype), build.input("shift", (10,), dtype)
        yield case(f"layer norm {dtype}", centred / build.sqrt(variance + 1e-5) * scale + shift)
        mean = build.mean(x, 0)
        batch = x - mean
        spread = build.mean(batch * batch, 0)
        yield case(
            f"batch norm {dtype}", [batch / build.sqrt(spread + 1e-5), mean, spread], rows=33
        )
        yield attention(dtype)
        yield case(f"gelu {dtype}", x * 0.5 * (1 + build.erf(x * 2**-0.5)))
        yield case(f"norm of everything {dtype}", x / build.sqrt(build.sum(x * x)))
        yield case(f"a long chain {dtype}", chain(x, 60))


def attention(dtype: str) -> Case:
    heads = [build.input(n, (ROWS, 2, 7, 5), dtype) for n in ("q", "k", "v")]
    scores = heads[0] @ build.swapaxes(heads[1], -1, -2) * 5**-0.5
    past = build.iota((7, 7), 1) <= build.iota((7, 7), 0)
    masked = build.where(build.broadcast_to(past, scores.shape), scores, -1e9)
    return case(f"causal attention {dtype}", build.softmax(masked) @ heads[2], rows=3)


def chain(x: Node, links: int) -> Node:
    for link in range(links):
        x = build.tanh(x + link * 0.01) * 1.1
    return x


def network(name: str, dtype: str, sizes: Sequence[int], activation: str, labels: bool) -> Case:
    """A dense network's loss, all its gradients and a step of gradient descent."""
    x = build.input("x", (ROWS, sizes[0]), dtype)
    act: Callable[[Node], Node] = getattr(build, activation)
    weights: list[Node] = []
    out = x
    for place, (inner, units) in enumerate(pairwise(sizes)):
        w = build.input(f"{place}.weight", (inner, units), dtype)
        b = build.input(f"{place}.bias", (units,), dtype)
        weights += [w, b]
        out = out @ w + b
        out = act(out) if place < len(sizes) - 2 else out
    if labels:
        target = build.input("y", (ROWS,), "int32")
        picked = build.one_hot(target, sizes[-1], dtype) * build.log_softmax(out)
        loss = -build.sum(picked) / 5
    else:
        target = build.input("y", (ROWS, sizes[-1]), dtype)
        loss = build.mean(build.square(out - target))
    grads = gradients(loss, weights)
    new = [w - 0.1 * g for w, g in zip(weights, grads, strict=True)]
    draws = {"y": below(sizes[-1])} if labels else {}
    return case(f"{name} {dtype}", [loss, *grads, *new], rows=5, **draws)


def networks() -> Iterator[Case]:
    for dtype in FLOATS:
        yield network("a network of one unit", dtype, (1, 1), "tanh", labels=False)
        yield network("3-4-1 sigmoid", dtype, (3, 4, 1), "sigmoid", labels=False)
        yield network("10-17-7 relu, cross-entropy", dtype, (10, 17, 7), "relu", labels=True)
        yield network("4-33-20-3 tanh, cross-entropy", dtype, (4, 33, 20, 3), "tanh", labels=True)
        x, w = build.input("x", (ROWS, 6), dtype), build.input("w", (6, 3), dtype)
        y = build.sum(build.softmax(x @ w) * build.sin(x @ w))
        (first,) = gradients(y, [w])
        (second,) = gradients(build.sum(first * first), [w])
        yield case(f"a second derivative {dtype}", [y, first, second])


FAMILIES = (
    elementwise, logic, integers, casts, reductions, products, movement, selection, leaves,
    compositions, networks,
)  # fmt: skip
CASES: list[Case] = [each for family in FAMILIES for each in family()]
