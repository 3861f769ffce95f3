"""Each builder gives the shape and dtype that NumPy would, and says what does not fit."""

from collections.abc import Callable

import numpy as np
import pytest

from clearprop.errors import GraphError, ShapeError, TypeMismatch
from clearprop.nodes import ROWS, Dim, Node, Rows, build, node
from clearprop.nodes.check import check
from clearprop.nodes.graph import Graph, tag
from clearprop.nodes.walk import order, rebuild, substitute, users

X = build.input("x", (4, 3))
V = build.input("v", (3,))
R = build.input("r", (ROWS, 3))
I = build.input("i", (5,), "int32")  # noqa: E741 -- indices
B = build.input("b", (4, 3), "bool")
D = build.input("d", (4, 3), "float64")


@pytest.mark.parametrize(
    ("made", "shape", "dtype"),
    [
        (X + V, (4, 3), "float32"),
        (R * 2, (ROWS, 3), "float32"),
        (1 - X, (4, 3), "float32"),
        (X < 0, (4, 3), "bool"),
        (build.where(X < 0, 0, V), (4, 3), "float32"),
        (build.cast(X, "int64"), (4, 3), "int64"),
        (build.sum(R, 0), (3,), "float32"),
        (build.sum(R, 0, keepdims=True), (1, 3), "float32"),
        (build.mean(R), (), "float32"),
        (build.argmax(R, 1), (ROWS,), "int32"),
        (R @ build.transpose(X), (ROWS, 4), "float32"),
        (X @ V, (4,), "float32"),
        (V @ V, (), "float32"),
        (build.reshape(R, (-1,)), (Rows(3),), "float32"),
        (build.reshape(R, (-1, 3)), (ROWS, 3), "float32"),
        (build.slice(X, 1, 0, 3, 2), (4, 2), "float32"),
        (build.pad(X, (0, 1), (2, 0)), (6, 4), "float32"),
        (build.concatenate([X, X], 1), (4, 6), "float32"),
        (build.stack([V, V, V]), (3, 3), "float32"),
        (build.split(build.concatenate([X, X], 1), 2)[1], (4, 3), "float32"),
        (build.gather(X, I), (5, 3), "float32"),
        (build.take(X, I, 1), (4, 5), "float32"),
        (build.scatter_add(build.input("u", (5, 2)), I, 9), (9, 2), "float32"),
        (build.one_hot(I, 7), (5, 7), "float32"),
        (build.iota((2, 3), 1), (2, 3), "int32"),
        (build.logsumexp(R), (ROWS,), "float32"),
        (build.softmax(R), (ROWS, 3), "float32"),
        (build.expand_dims(V, -1), (3, 1), "float32"),
        (build.swapaxes(R, 0, 1), (3, ROWS), "float32"),
    ],
)
def test_shape_and_dtype_are_derived(made: Node, shape: tuple[Dim, ...], dtype: str) -> None:
    assert (made.shape, made.dtype) == (shape, dtype)


@pytest.mark.parametrize(
    ("build_it", "error", "said"),
    [
        (lambda: X + build.input("w", (4, 2)), ShapeError, r"\(4, 3\) and \(4, 2\)"),
        (lambda: X + D, TypeMismatch, "float32 and float64; use cast"),
        (lambda: X @ X, ShapeError, r"\(4, 3\) @ \(4, 3\): inner sizes 3 and 4"),
        (lambda: X @ build.transpose(D), TypeMismatch, "float32 and float64"),
        (lambda: build.sum(X) @ X, ShapeError, r"no scalars, given were \(\) and \(4, 3\)"),
        (lambda: build.reshape(X, (5, 2)), ShapeError, r"\(4, 3\) has 12.*\(5, 2\) has 10"),
        (lambda: build.reshape(X, (5, -1)), ShapeError, r"\(4, 3\) does not fit \(5, -1\)"),
        (lambda: build.reshape(X, (ROWS, -1)), ShapeError, r"\(4, 3\) does not fit"),
        (lambda: build.broadcast_to(X, (4, 4)), ShapeError, r"\(4, 3\) and \(4, 4\)"),
        (lambda: build.broadcast_to(X, (3,)), ShapeError, r"\(4, 3\) does not broadcast to \(3,\)"),
        (lambda: build.transpose(X, (0, 0)), ShapeError, r"\(0, 0\) is no permutation.*\(4, 3\)"),
        (lambda: build.slice(X, 1, 2, 5), ShapeError, "2:5:1 is not inside 3"),
        (lambda: build.slice(R, 0, 0, 2), ShapeError, r"rows of \(rows, 3\) cannot be cut"),
        (lambda: build.flip(R, 0), ShapeError, r"rows of \(rows, 3\)"),
        (lambda: build.pad(R, (1, 0), (0, 0)), ShapeError, r"rows of \(rows, 3\)"),
        (lambda: build.concatenate([X, V]), ShapeError, r"\(4, 3\) and \(3,\) do not fit"),
        (lambda: build.concatenate([]), ShapeError, "at least one"),
        (lambda: build.split(X, 2), ShapeError, r"axis -1 of \(4, 3\) has no 2 equal parts"),
        (lambda: build.gather(X, X), TypeMismatch, "takes int32 or int64, given was float32"),
        (lambda: build.scatter_add(X, I, 4), ShapeError, r"\(4, 3\).*\(5,\)"),
        (lambda: build.exp(I), TypeMismatch, "exp takes float32 or float64, given was int32"),
        (lambda: build.logical_not(X), TypeMismatch, "takes bool, given was float32"),
        (lambda: build.where(X, X, X), TypeMismatch, "condition takes bool"),
        (lambda: I + 0.5, TypeMismatch, "0.5 with a node of int32; use cast"),
        (lambda: build.add(1, 2), TypeMismatch, "at least one operand must be a node"),
        (lambda: build.sum(X, 2), ShapeError, "axis 2 of an array with 2 axes"),
        (lambda: build.max(build.input("e", (0, 3)), 0), ShapeError, r"empty axis of \(0, 3\)"),
        (lambda: build.input("x", (3,), "float16"), TypeMismatch, "given was float16"),
        (lambda: node("convolve", [X]), GraphError, "unknown operation 'convolve'"),
        (lambda: node("exp", [X, X]), GraphError, "exp takes 1 arguments, 2 were given"),
        (lambda: node("sum", [X]), GraphError, r"sum takes the attributes \('axes',\)"),
        (lambda: node("sum", [X], axes=(1, 0)), ShapeError, "must be sorted"),
        (lambda: node("add", [X, V]), ShapeError, r"\(4, 3\) and \(3,\); use broadcast_to"),
        (
            lambda: build.random_bits(I, I, (3,), "s"),
            TypeMismatch,
            "seed must be a uint32 scalar",
        ),
    ],
)
def test_what_does_not_fit_is_an_error_with_both(
    build_it: Callable[[], Node], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        build_it()


def test_broadcasts_are_explicit_nodes() -> None:
    made = X + V
    assert {here.op for here in order([made])} == {"input", "reshape", "broadcast", "add"}
    assert all(a.shape == made.shape for a in made.args)


def test_what_changes_nothing_makes_no_node() -> None:
    assert build.reshape(X, (4, 3)) is X
    assert build.transpose(X, (0, 1)) is X
    assert build.broadcast_to(X, (4, 3)) is X
    assert build.cast(X, "float32") is X
    assert build.slice(X, 0, 0, 4) is X
    assert build.pad(X, (0, 0), (0, 0)) is X
    assert build.concatenate([X]) is X
    assert build.sum(build.sum(X)) is build.sum(X)


def test_numbers_take_the_dtype_of_the_node() -> None:
    assert (D * 2).dtype == "float64"
    assert (I + 1).dtype == "int32"
    assert {here.dtype for here in order([2 - D])} == {"float64"}


def test_an_axis_that_is_named_twice_counts_once() -> None:
    assert build.sum(X, (1, -1)) is build.sum(X, 1)
    assert build.mean(X, (1, -1)) is build.mean(X, 1)
    assert build.flip(X, (1, -1)) is build.flip(X, 1)


def test_operators_follow_their_sides() -> None:
    assert (2 - X).op == "sub"
    assert (2 - X).args[1] is X
    assert (X > 0) is build.less(0, X)
    assert (X >= V) is build.less_equal(V, X)
    assert (-X).op == "neg"
    assert (X**2).op == "power"


# --- walking and graphs ------------------------------------------------------------------------


def test_order_puts_arguments_first_and_visits_each_once() -> None:
    y = build.exp(X) + X
    z = y * y
    nodes = order([z, y])
    assert len(nodes) == len(set(nodes)) == 4
    for here in nodes:
        assert all(nodes.index(a) < nodes.index(here) for a in here.args)


def test_users_count_once_an_argument_place() -> None:
    y = build.exp(X)
    z = y * y
    assert users(order([z]))[y] == [z, z]


def test_substitute_replaces_and_leaves_what_the_replacement_needs() -> None:
    y = build.exp(X) + 1
    (swapped,) = substitute([y], {X: X * 2})
    assert swapped is build.exp(X * 2) + 1


def test_rebuild_is_given_the_images_of_the_arguments() -> None:
    image = rebuild([build.exp(X)], lambda old, args: args[0] if old.op == "exp" else old)
    assert image[build.exp(X)] is X


def test_nothing_recurses_on_depth() -> None:
    x = X
    for _ in range(20000):
        x = build.exp(x)
    assert len(order([x])) == 20001
    (swapped,) = substitute([x], {X: X + 1})
    assert len(order([swapped])) > 20001


def test_a_graph_lists_its_inputs() -> None:
    with pytest.raises(GraphError, match=r"input 'v' is used but not among.*\('x'\); list it"):
        Graph((X,), (X + V,))


def test_graphs_are_equal_where_inputs_and_outputs_are() -> None:
    one, two = Graph((X,), (X + 1,), {X + 1: "y"}), Graph((X,), (X + 1,))
    assert one == two
    assert hash(one) == hash(two)
    assert one != Graph((X,), (X + 2,))


def test_carry_takes_names_and_origins_to_the_images() -> None:
    y, z = build.exp(X), build.sin(X)
    old = Graph((X,), (y * 2,), {y: "y", X: "x"}, {y: "layer 0"})
    made = old.carry({y: z, y * 2: z * 2})
    assert made.outputs == (z * 2,)
    assert made.names == {z: "y", X: "x"}
    assert made.origins == {z: "layer 0"}


def test_tag_leaves_what_has_an_origin() -> None:
    y = build.exp(X)
    origins = {X: "input"}
    tag(origins, [y], "layer 0")
    assert origins == {X: "input", y: "layer 0"}


def test_check_names_a_node_that_breaks_a_law() -> None:
    forged = object.__new__(Node)
    fields = {"op": "exp", "args": (X,), "attrs": (), "shape": (9, 9), "dtype": "float32"}
    for name, value in fields.items():
        object.__setattr__(forged, name, value)
    with pytest.raises(GraphError, match=r"node y \(9, 9\) breaks a law: it"):
        check(Graph((X,), (forged,), {forged: "y"}))


def test_check_refuses_two_inputs_of_one_name_and_names_outside_the_graph() -> None:
    with pytest.raises(GraphError, match="two inputs have one name"):
        check(Graph((X, build.input("x", (2,))), (X,)))
    with pytest.raises(GraphError, match="outside the graph"):
        check(Graph((X,), (X,), {V: "v"}))


@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 4), (5, 2, 3, 4)])
def test_matmul_has_numpys_shapes(shape: tuple[int, ...]) -> None:
    a = build.input("a", shape)
    for other in ((shape[-1],), (shape[-1], 6), (2, shape[-1], 6)):
        try:
            expected = np.matmul(np.zeros(shape), np.zeros(other)).shape
        except ValueError:
            with pytest.raises(ShapeError):
                a @ build.input("b", other)
        else:
            assert (a @ build.input("b", other)).shape == expected
