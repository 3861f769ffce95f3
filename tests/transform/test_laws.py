"""Each law: a graph it changes, what it makes of it, and that the values stay.

`exact` rows keep every bit, at NaN and infinity too, but for the sign of a zero. The others are
compared at finite inputs, by rounding.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from clearprop.errors import GraphError
from clearprop.nodes import ROWS, Graph, Node, build, node
from clearprop.nodes.check import check
from clearprop.nodes.walk import order
from clearprop.readings.reference import evaluate
from clearprop.transform import lower as lowering
from clearprop.transform import simplify as simplifying
from clearprop.transform.rewrite import Law, normal_forms

X, Y, Z = (build.input(name, (ROWS, 3), "float64") for name in "xyz")
W, V = (build.input(name, (ROWS,), "float64") for name in "wv")
C, D = (build.input(name, (ROWS, 3), "bool") for name in "cd")
T = build.input("t", (ROWS,), "int32")
S = build.input("s", (), "float64")
SQUARE = build.input("q", (3, 4), "float64")
INPUTS = (X, Y, Z, W, V, C, D, T, S, SQUARE)
SPECIAL = (0.0, -0.0, 1e-30, 50.0, -50.0, 1e4, -1e4, np.inf, -np.inf, np.nan, 1.0, -2.5, 0.3)


def column(x: Node) -> Node:
    return build.broadcast_to(build.expand_dims(x, 1), (ROWS, 3))


def number(value: float) -> Node:
    return build.full((ROWS, 3), value, "float64")


def stretched(x: Node) -> Node:
    return node("broadcast", [node("reshape", [x], shape=(1, 1))], shape=(ROWS, 3))


def naive_softmax(x: Node) -> Node:
    e = build.exp(x)
    return e / build.sum(e, -1, keepdims=True)


def one_less(x: Node) -> Node:
    return 1 - x


ONE_HOT = build.one_hot(T, 3, "float64")
P = build.softmax(X)
B = build.sigmoid(X)
E = P.args[0]
TOTAL = P.args[1]
SUMS = build.sum(E, -1)


@dataclass(frozen=True)
class Row:
    law: str
    before: Callable[[], Node]
    after: Callable[[], Node]
    exact: bool = True

    def __str__(self) -> str:
        return self.law


TABLE: list[Row] = [
    # movement
    Row("move of a number",
        lambda: build.transpose(build.full((3, 4), 2)), lambda: build.full((4, 3), 2)),
    Row("pad of zeros", lambda: build.pad(build.full((3,), 0), (1,), (2,)),
        lambda: build.full((6,), 0)),
    Row("reshape of reshape", lambda: build.reshape(build.reshape(SQUARE, (12,)), (2, 6)),
        lambda: build.reshape(SQUARE, (2, 6))),
    Row("reshape of reshape", lambda: build.reshape(build.reshape(SQUARE, (12,)), (3, 4)),
        lambda: SQUARE),
    Row("reshape of broadcast", lambda: build.reshape(column(W), (ROWS, 1, 3)),
        lambda: build.broadcast_to(build.reshape(W, (ROWS, 1, 1)), (ROWS, 1, 3))),
    Row("transpose of transpose", lambda: build.transpose(build.transpose(SQUARE)),
        lambda: SQUARE),
    Row("broadcast of broadcast",
        lambda: node("broadcast",
                     [build.broadcast_to(build.reshape(S, (1, 1)), (1, 3))], shape=(ROWS, 3)),
        lambda: stretched(S)),
    Row("slice of all, or of a pad",
        lambda: build.slice(build.pad(SQUARE, (0, 1), (0, 2)), 1, 1, 5), lambda: SQUARE),
    Row("nothing moved", lambda: node("concatenate", [SQUARE], axis=1), lambda: SQUARE),
    Row("nothing moved", lambda: node("pad", [SQUARE], low=(0, 0), high=(0, 0)), lambda: SQUARE),
    Row("nothing moved", lambda: build.flip(build.reshape(SQUARE, (1, 12)), 0),
        lambda: build.reshape(SQUARE, (1, 12))),
    Row("flip of flip", lambda: build.flip(build.flip(SQUARE)), lambda: SQUARE),
    # arithmetic
    Row("fold numbers", lambda: build.exp(number(0.3)), lambda: number(float(np.exp(0.3)))),
    Row("fold numbers", lambda: number(1) / number(0), lambda: number(np.inf)),
    Row("fold numbers", lambda: build.less(number(1), number(2)),
        lambda: build.full((ROWS, 3), True, "bool")),
    Row("fold a cast of a number", lambda: build.cast(number(0.1), "float32"),
        lambda: build.full((ROWS, 3), 0.1, "float32")),
    Row("number last", lambda: 2 * X, lambda: X * 2),
    Row("neutral number", lambda: X + 0, lambda: X),
    Row("neutral number", lambda: X - 0, lambda: X),
    Row("neutral number", lambda: X * 1, lambda: X),
    Row("neutral number", lambda: X / 1, lambda: X),
    Row("neutral number", lambda: X**1, lambda: X),
    Row("neutral number", lambda: X**0, lambda: number(1)),
    Row("times minus one", lambda: X * -1, lambda: -X),
    Row("times minus one", lambda: X / -1, lambda: -X),
    Row("zero minus x", lambda: 0 - X, lambda: -X),
    Row("neg of neg or of a difference", lambda: build.neg(-X), lambda: X),
    Row("neg of neg or of a difference", lambda: -(X - Y), lambda: Y - X),
    Row("neg of a number times x", lambda: -(X * 3), lambda: X * -3),
    Row("x + x", lambda: X + X, lambda: X * 2),
    Row("add of neg", lambda: X + -Y, lambda: X - Y),
    Row("add of neg", lambda: -X + Y, lambda: Y - X),
    Row("sub of neg", lambda: X - build.neg(Y), lambda: X + Y),
    Row("two signs", lambda: -X * -Y, lambda: X * Y),
    Row("two signs", lambda: -X / -Y, lambda: X / Y),
    Row("two signs", lambda: -X * 3, lambda: X * -3),
    Row("cast there and back", lambda: node("cast", [X], dtype="float64"), lambda: X),
    Row("cast there and back",
        lambda: build.cast(build.cast(build.cast(X, "float32"), "float64"), "float32"),
        lambda: build.cast(X, "float32")),
    Row("where with one outcome", lambda: build.where(C, X, X), lambda: X),
    Row("where with one outcome", lambda: build.where(build.logical_not(C), X, Y),
        lambda: build.where(C, Y, X)),
    Row("where with one outcome",
        lambda: build.where(build.full((ROWS, 3), True, "bool"), X, Y), lambda: X),
    Row("where with one outcome",
        lambda: build.where(C, build.where(C, X, Y), build.where(C, Y, Z)),
        lambda: build.where(C, X, Z)),
    Row("where equal to a number", lambda: build.where(build.equal(X, number(2)), 2, X),
        lambda: X),
    Row("where times a number", lambda: build.where(C, 0, X) * 2,
        lambda: build.where(C, 0, X * 2)),
    Row("two halves of a where", lambda: build.where(C, X, 0) + build.where(C, 0, Y),
        lambda: build.where(C, X, Y)),
    Row("two halves of a where", lambda: build.where(C, 0, X) + build.where(C, Y, 0),
        lambda: build.where(C, Y, X)),
    Row("not not", lambda: build.logical_not(build.logical_not(C)), lambda: C),
    # stretching
    Row("work before stretching", lambda: column(W) * column(V), lambda: column2(W, V)),
    Row("work before stretching", lambda: build.exp(stretched(S)) * 1, lambda: stretched1(S)),
    Row("sum over an axis of one", lambda: build.sum(build.expand_dims(W, 1), 1), lambda: W),
    Row("sum of a broadcast", lambda: build.sum(column(W), 1), lambda: W * 3, exact=False),
    Row("sum before a broadcast", lambda: build.sum(build.broadcast_to(X, (4, ROWS, 3)), 2),
        lambda: build.broadcast_to(build.sum(build.expand_dims(X, 0), 2), (4, ROWS))),
    Row("sum of neg", lambda: build.sum(-X, 1), lambda: -build.sum(X, 1)),
    # logarithms
    Row("log of sigmoid", lambda: build.log(B), lambda: -build.softplus(-X), exact=False),
    Row("log of sigmoid", lambda: build.log(1 - B), lambda: -build.softplus(X), exact=False),
    Row("log1p of minus sigmoid", lambda: build.log1p(-B), lambda: -build.softplus(X),
        exact=False),
    Row("softplus", lambda: build.log(1 + build.exp(X)), lambda: build.softplus(X), exact=False),
    Row("softplus", lambda: build.log1p(build.exp(X)), lambda: build.softplus(X), exact=False),
    Row("log of softmax", lambda: build.log(P), lambda: build.log_softmax(X), exact=False),
    Row("log of a picked probability", lambda: build.log(build.sum(ONE_HOT * P, 1)),
        lambda: build.sum(ONE_HOT * build.log_softmax(X), 1), exact=False),
    Row("log of a sum of exp", lambda: build.log(build.sum(build.exp(X), 1)),
        lambda: guarded_logsumexp(X), exact=False),
    Row("exp of log softmax", lambda: build.exp(build.log_softmax(X)), lambda: P, exact=False),
    # probabilities
    Row("quotient of probabilities", lambda: naive_softmax(X), lambda: guarded_softmax(X),
        exact=False),
    Row("quotient of probabilities", lambda: 1 / (1 + build.exp(-X)), lambda: B, exact=False),
    Row("quotient of probabilities", lambda: (Y / B) * (B * (1 - B)), lambda: Y * (1 - B),
        exact=False),
    Row("quotient of probabilities", lambda: B * build.exp(-X), lambda: 1 - B, exact=False),
    Row("quotient of probabilities", lambda: column(W / SUMS) * E, lambda: column(W) * P,
        exact=False),
    Row("quotient of probabilities",
        lambda: Y * ONE_HOT / build.broadcast_to(build.sum(ONE_HOT * P, 1, True), (ROWS, 3)) * P,
        lambda: Y * ONE_HOT, exact=False),
    Row("multiplied out", lambda: (Y / TOTAL + Z) * E, lambda: Y * P + Z * E, exact=False),
    Row("multiplied out", lambda: (Y / P / TOTAL + Z) * E, lambda: Y + Z * E, exact=False),
    Row("sum of one-hot", lambda: build.sum(ONE_HOT, 1), lambda: build.full((ROWS,), 1, "float64")),
    Row("sum of a product", lambda: build.sum(column(W) * P, 1), lambda: W * build.sum(P, 1),
        exact=False),
    Row("sum of a product", lambda: build.sum(Y / TOTAL, 1), lambda: build.sum(Y, 1) / SUMS,
        exact=False),
    Row("p - y", lambda: column(W) * P - column(W) * Y, lambda: column(W) * (P - Y), exact=False),
    Row("p - y", lambda: Z * B * (1 - Y) - Z * (1 - B) * Y, lambda: Z * (B - Y), exact=False),
    Row("numbers of a product", lambda: (X * 0.3) * 4, lambda: X * 1.2),
    Row("numbers of a product", lambda: (X * 0.5) * 2, lambda: X),
    Row("numbers of a product", lambda: (column(W * 0.5) * Y) * 2, lambda: column(W) * Y),
    Row("numbers of a product", lambda: (Y / 2 * Z) * 2, lambda: Y * Z),
    # what the engine wants
    Row("stop_gradient removed", lambda: build.stop_gradient(X), lambda: X),
    Row("power by a small number", lambda: X**2, lambda: X * X),
    Row("power by a small number", lambda: X**0.5, lambda: build.sqrt(X), exact=False),
    Row("power by a small number", lambda: X**-0.5, lambda: 1 / build.abs(build.sqrt(X)),
        exact=False),
    Row("power by a small number", lambda: X**1.5, lambda: X * build.sqrt(X), exact=False),
    Row("power by a small number", lambda: X**-1, lambda: 1 / X),
    Row("power by a small number", lambda: X**-2, lambda: 1 / (X * X), exact=False),
    Row("power by a small number", lambda: X**3, lambda: X * X * X, exact=False),
    Row("power by a small number", lambda: X**4, lambda: (X * X) * (X * X), exact=False),
    Row("division by a power of two", lambda: X / 8, lambda: X * 0.125),
    Row("division by a power of two", lambda: X / -0.5, lambda: X * -2),
]  # fmt: skip


def column2(w: Node, v: Node) -> Node:
    product = build.expand_dims(w, 1) * build.expand_dims(v, 1)
    return node("broadcast", [product], shape=(ROWS, 3))


def stretched1(s: Node) -> Node:
    return node("broadcast", [build.exp(build.reshape(s, (1, 1)))], shape=(ROWS, 3))


def guarded(x: Node) -> Node:
    top = build.max(x, -1, keepdims=True)
    finite = build.less(build.abs(top), float("inf"))
    return build.stop_gradient(build.where(finite, top, 0))


def guarded_softmax(x: Node) -> Node:
    return naive_softmax(x - guarded(x))


def guarded_logsumexp(x: Node) -> Node:
    shift = guarded(x)
    out = build.log(build.sum(build.exp(x - shift), -1, keepdims=True)) + shift
    return build.reshape(out, (ROWS,))


LAWS: dict[str, Law] = {law.name: law for law in (*simplifying.LAWS, *lowering.LAWS)}
TIDY = (
    "number last",
    "move of a number",
    "reshape of reshape",
    "neutral number",
    "fold numbers",
    "sum over an axis of one",
)


def _alone(row: Row) -> tuple[Node, Node]:
    """Both sides in normal form by this law alone, and the few that only tidy."""
    laws = [LAWS[row.law], *(LAWS[name] for name in TIDY)]
    before, after = row.before(), row.after()
    normal = normal_forms([before, after], laws)
    return normal[before], normal[after]


def _random(rows: int = 6) -> dict[str, np.ndarray]:
    random = np.random.default_rng(5)
    out = {}
    for here in INPUTS:
        shape = tuple(d if isinstance(d, int) else rows for d in here.shape)
        drawn = random.uniform(0.1, 3, shape)
        kind = {"bool": drawn < 1, "int32": drawn.astype(np.int32)}
        out[here["name"]] = kind.get(here.dtype, drawn)
    return out


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_the_law_makes_of_the_left_side_the_right_side(row: Row) -> None:
    before, after = _alone(row)
    assert before is after
    assert row.before() is not row.after()


@pytest.mark.parametrize("row", TABLE, ids=str)
def test_the_values_of_both_sides_agree(row: Row) -> None:
    graph = check(Graph(INPUTS, (row.before(), row.after())))
    values = _random()
    if row.exact:
        places = np.random.default_rng(1).permutation(np.resize(SPECIAL, 3 * 13 * 13))
        values = _random(13 * 13) | {"x": places.reshape(-1, 3), "y": np.resize(SPECIAL, (169, 3))}
        values["w"], values["v"] = np.resize(SPECIAL, 169), np.repeat(SPECIAL, 13)
    before, after = evaluate(graph, values)
    if row.exact:
        np.testing.assert_array_equal(before, after)
    else:
        np.testing.assert_allclose(after, before, rtol=1e-12)


def test_each_law_is_in_the_table() -> None:
    assert {row.law for row in TABLE} == set(LAWS)


NEVER = [
    ("x - x is not 0", lambda: X - X),
    ("x * 0 is not 0", lambda: X * 0),
    ("x / x is not 1", lambda: X / X),
    ("the sum of targets is not known to be 1", lambda: build.sum(Y, 1)),
    ("a factor stays in a sum that may overflow", lambda: build.sum(column(W) * Y, 1)),
    ("a common factor of unbounded terms stays", lambda: Z * X - Z * Y),
    ("products of floats are not associative", lambda: (X * 3) * 5),
    ("a condition on another number stays", lambda: build.where(build.equal(X, number(2)), 3, X)),
]


@pytest.mark.parametrize("before", [b for _, b in NEVER], ids=[name for name, _ in NEVER])
def test_no_law_holds_for(before: Callable[[], Node]) -> None:
    (out,) = simplifying.simplify(Graph(INPUTS, (before(),))).outputs
    assert out is before()


def test_laws_that_run_in_a_circle_are_an_error() -> None:
    there = Law("there", ("sin",), lambda x: build.cos(x.args[0]))
    back = Law("back", ("cos",), lambda x: build.sin(x.args[0]))
    with pytest.raises(GraphError, match="circle"):
        normal_forms([build.sin(X)], [there, back])


def test_a_law_that_changes_a_shape_is_an_error() -> None:
    wrong = Law("wrong", ("sin",), lambda x: build.sum(x.args[0]))
    with pytest.raises(GraphError, match="law 'wrong'"):
        normal_forms([build.sin(X)], [wrong])


def test_a_chain_of_20000_nodes_does_not_recurse() -> None:
    x = X
    for _ in range(10000):
        x = build.sin(x * 1)
    (out,) = simplifying.simplify(Graph(INPUTS, (x,))).outputs
    assert len(order([out])) == 10001


def test_names_and_origins_are_carried_and_new_nodes_take_the_origin_of_their_source() -> None:
    y = build.log(B)
    graph = Graph(INPUTS, (y * 1,), {y: "loss"}, {y: "layer 1", B: "layer 0"})
    out = check(simplifying.simplify(graph))
    (end,) = out.outputs
    assert out.names == {end: "loss"}
    assert [out.origins.get(n) for n in order([end])] == [None, *["layer 1"] * 3]
