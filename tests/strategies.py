"""Random well-typed graphs for hypothesis: every family, on domains where all is finite.

An operation with a jump (floor, compare, argmax ...) is given inputs only, never results: what is
rounded differently by two readings may not fall on two sides of a jump.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import strategies as st

from clearprop.nodes import ROWS, Dim, Graph, Node, build
from clearprop.nodes.walk import order
from tests.corpus import Case, Draw, sample

__all__ = ["graphs", "smooth_graphs"]

Shape = tuple[Dim, ...]
SMOOTH_SHAPES: tuple[Shape, ...] = ((), (1,), (3,), (10,), (3, 4), (1, 7), (2, 3, 5))
ROW_SHAPES: tuple[Shape, ...] = ((ROWS,), (ROWS, 3), (ROWS, 10), (ROWS, 2, 5))


@dataclass
class Pool:
    """The nodes so far; `raw` ones are inputs, untouched by arithmetic."""

    dtype: str
    nodes: list[Node]
    raw: list[Node]
    smooth: bool
    draws: dict[str, Draw] = field(default_factory=dict)


Step = Callable[[st.DrawFn, Pool], Node]


def _any(draw: st.DrawFn, pool: Pool) -> Node:
    return draw(st.sampled_from(pool.nodes))


def _raw(draw: st.DrawFn, pool: Pool) -> Node:
    return draw(st.sampled_from(pool.raw))


def _whole_axes(x: Node) -> list[int]:
    return [a for a, d in enumerate(x.shape) if isinstance(d, int)]


def _fresh(pool: Pool, shape: Shape, dtype: str, draw: Draw | None = None) -> Node:
    name = f"n{len(pool.draws)}"
    rng: Draw = draw or (lambda rng, shape: rng.normal(size=shape))
    pool.draws[name] = rng
    return build.input(name, shape, dtype)


ONE: tuple[Callable[[Node], Node], ...] = (
    build.neg, build.tanh, build.sigmoid, build.softplus, build.erf, build.sin, build.cos,
    lambda x: build.exp(build.tanh(x)),
    lambda x: build.expm1(build.sin(x)),
    lambda x: build.log(x * x + 0.5),
    lambda x: build.log1p(x * x),
    lambda x: build.sqrt(x * x + 0.25),
    lambda x: 1 / (x * x + 1),
    lambda x: build.power(x * x + 0.5, build.tanh(x)),
    lambda x: x * 0.5 - 1,
    build.square,
)  # fmt: skip
TWO: tuple[Callable[[Node, Node], Node], ...] = (
    build.add, build.sub, build.mul, lambda a, b: a / (b * b + 1), build.add,
)  # fmt: skip


def _one(draw: st.DrawFn, pool: Pool) -> Node:
    return draw(st.sampled_from(ONE))(_any(draw, pool))


def _two(draw: st.DrawFn, pool: Pool) -> Node:
    a = _any(draw, pool)
    fitting = [n for n in pool.nodes if n.shape in (a.shape, ())]
    return draw(st.sampled_from(TWO))(a, draw(st.sampled_from(fitting)))


def _kink(draw: st.DrawFn, pool: Pool) -> Node:
    kinks: tuple[Callable[[Node], Node], ...] = (
        build.relu,
        build.abs,
        lambda x: build.maximum(x, 0.3),
        lambda x: build.clip(x, -1, 1),
    )
    return draw(st.sampled_from(kinks))(_raw(draw, pool))


def _jump(draw: st.DrawFn, pool: Pool) -> Node:
    x, y = _raw(draw, pool), _any(draw, pool)
    choices: list[Callable[[], Node]] = [
        lambda: build.floor(x),
        lambda: build.sign(x),
        lambda: build.where(x < 0.25, x, x * 2),
        lambda: build.cast(build.logical_or(x < -1, build.logical_not(x <= 1)), pool.dtype),
        lambda: build.cast(build.cast(x * 8, "int32") * 2 - 1, pool.dtype),
    ]
    if x.shape and x.shape[-1] not in (0, 1):
        choices.append(lambda: build.cast(build.argmax(x, -1), pool.dtype))
    if y.shape == x.shape:
        choices.append(lambda: build.where(build.less(0.0, x), y, x))
    return draw(st.sampled_from(choices))()


def _reduction(draw: st.DrawFn, pool: Pool) -> Node:
    x = _any(draw, pool)
    axes = draw(st.sets(st.sampled_from(range(len(x.shape))))) if x.shape else set()
    ops = (build.sum, build.mean) if pool.smooth else (build.sum, build.mean, build.max, build.min)
    op = draw(st.sampled_from(ops))
    return op(x, tuple(sorted(axes)), draw(st.booleans())) if axes else x * 2


def _composition(draw: st.DrawFn, pool: Pool) -> Node:
    x = _any(draw, pool)
    if not x.shape:
        return build.tanh(x)
    ops = (build.softmax, build.log_softmax, build.logsumexp)
    return draw(st.sampled_from(ops))(x, draw(st.sampled_from(range(len(x.shape)))))


def _product(draw: st.DrawFn, pool: Pool) -> Node:
    x = _any(draw, pool)
    if len(x.shape) < 2 or not isinstance(x.shape[-1], int):
        return x * 0.5
    choice = draw(st.sampled_from(("weight", "gram", "swapped")))
    if choice == "gram":
        return x @ build.swapaxes(x, -1, -2) if len(_whole_axes(x)) == len(x.shape) else x * x
    if choice == "swapped":
        return build.swapaxes(x, -1, -2) @ x
    units = draw(st.sampled_from((1, 3, 9)))
    return x @ _fresh(pool, (x.shape[-1], units), pool.dtype)


def _movement(draw: st.DrawFn, pool: Pool) -> Node:
    x = _any(draw, pool)
    whole = _whole_axes(x)
    choices: list[Callable[[], Node]] = [
        lambda: build.transpose(x),
        lambda: build.expand_dims(x, 0),
    ]
    if whole:
        axis = draw(st.sampled_from(whole))
        size = x.shape[axis]
        assert isinstance(size, int)
        low, high = draw(st.integers(0, 2)), draw(st.integers(0, 2))
        start = draw(st.integers(0, size - 1)) if size else 0
        step = draw(st.integers(1, 3))
        widths = [(low, high) if a == axis else (0, 0) for a in range(len(x.shape))]
        choices += [
            lambda: build.flip(x, axis),
            lambda: build.slice(x, axis, start, size, step),
            lambda: build.pad(x, [w[0] for w in widths], [w[1] for w in widths]),
            lambda: build.concatenate([x, x * 2], axis),
            lambda: build.broadcast_to(
                build.expand_dims(x, axis), (*x.shape[:axis], 2, *x.shape[axis:])
            ),
        ]
    if len(whole) == len(x.shape):
        choices += [lambda: build.reshape(x, (-1,)), lambda: build.broadcast_to(x, (2, *x.shape))]
    return draw(st.sampled_from(choices))()


def _selection(draw: st.DrawFn, pool: Pool) -> Node:
    x = _any(draw, pool)
    shape = draw(st.sampled_from(((), (4,), (2, 3))))
    if not x.shape or not isinstance(x.shape[0], int) or x.shape[0] == 0:
        i = _fresh(pool, shape, "int32", lambda rng, shape: rng.integers(0, 3, shape))
        return build.one_hot(i, 3, pool.dtype) + build.cast(build.iota((3,)), pool.dtype)
    size = x.shape[0]
    if draw(st.booleans()):
        i = _fresh(pool, shape, "int32", lambda rng, shape: rng.integers(0, size, shape))
        return build.gather(x, i)
    i = _fresh(pool, (size,), "int32", lambda rng, shape: rng.integers(0, 5, shape))
    return build.scatter_add(x, i, 5)


SMOOTH: tuple[Step, ...] = (
    _one, _one, _two, _two, _reduction, _composition, _product, _movement, _selection,
)  # fmt: skip
ALL: tuple[Step, ...] = (*SMOOTH, _kink, _jump)


def _small(x: Node) -> bool:
    """Big ones would only be slow; rows times whole axes stay below a few hundred."""
    count = 1
    for d in x.shape:
        count *= d if isinstance(d, int) else 7 * d.times
    return count <= 600 and len(x.shape) <= 4


def _build(draw: st.DrawFn, smooth: bool, outputs: int) -> Case:
    dtype = "float64" if smooth else draw(st.sampled_from(("float32", "float64")))
    pool = Pool(dtype, [], [], smooth)
    shapes = SMOOTH_SHAPES if smooth else (*SMOOTH_SHAPES, *ROW_SHAPES)
    for shape in draw(st.lists(st.sampled_from(shapes), min_size=1, max_size=3)):
        pool.raw.append(_fresh(pool, shape, dtype))
    pool.nodes = list(pool.raw)
    for _ in range(draw(st.integers(1, 10))):
        made = draw(st.sampled_from(SMOOTH if smooth else ALL))(draw, pool)
        if _small(made):
            pool.nodes.append(made)
    ends = pool.nodes[-outputs:]
    names = dict(zip(ends, ("0.z", "0.a", "loss"), strict=False)) if draw(st.booleans()) else {}
    inputs = tuple(dict.fromkeys([*pool.raw, *(n for n in order(ends) if n.op == "input")]))
    graph = Graph(inputs, tuple(ends), names, dict.fromkeys(ends[:1], "layer 0"))
    rows = draw(st.sampled_from((1, 2, 7)))
    values = sample(graph, draw(st.integers(0, 2**32 - 1)), rows, pool.draws)
    return Case("random", graph, values)


@st.composite
def graphs(draw: st.DrawFn, outputs: int = 3) -> Case:
    """A random graph of all families with values for its inputs."""
    return _build(draw, smooth=False, outputs=outputs)


@st.composite
def smooth_graphs(draw: st.DrawFn, outputs: int = 1) -> Case:
    """A random graph in float64 that has derivatives of all orders where its values are."""
    return _build(draw, smooth=True, outputs=outputs)
